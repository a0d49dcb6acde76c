from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize
from sklearn.linear_model import LogisticRegression
from torch.optim import lr_scheduler

import chainrule as cr
from chainrule.engine import program
from chainrule.errors import OptionError
from chainrule.nn.losses import loss as loss_named
from chainrule.optim.optimizers import NAMED, Optimizer, optimizer
from chainrule.train.step import flat, training_step, views

STEPS = 60

# Ours, and PyTorch's with the same settings.
PLAIN: dict[str, tuple[Callable[..., Optimizer], Callable[..., torch.optim.Optimizer]]] = {
    "SGD": (lambda **o: cr.SGD(0.05, **o), lambda p, **o: torch.optim.SGD(p, 0.05, **o)),
    "SGD momentum": (
        lambda **o: cr.SGD(0.02, 0.9, **o),
        lambda p, **o: torch.optim.SGD(p, 0.02, momentum=0.9, **o),
    ),
    "SGD Nesterov": (
        lambda **o: cr.SGD(0.02, momentum=0.9, nesterov=True, **o),
        lambda p, **o: torch.optim.SGD(p, 0.02, momentum=0.9, nesterov=True, **o),
    ),
    "AdaGrad": (
        lambda **o: cr.AdaGrad(0.1, **o),
        lambda p, **o: torch.optim.Adagrad(p, 0.1, **o),
    ),
    "RMSProp": (lambda **o: cr.RMSProp(**o), lambda p, **o: torch.optim.RMSprop(p, 0.01, **o)),
    "RMSProp decay": (
        lambda **o: cr.RMSProp(0.002, 0.9, 1e-2, **o),
        lambda p, **o: torch.optim.RMSprop(p, 0.002, alpha=0.9, eps=1e-2, **o),
    ),
    "Adam": (lambda **o: cr.Adam(**o), lambda p, **o: torch.optim.Adam(p, 0.01, **o)),
    "Adam betas": (
        lambda **o: cr.Adam(0.02, 0.8, 0.95, 1e-3, **o),
        lambda p, **o: torch.optim.Adam(p, 0.02, (0.8, 0.95), 1e-3, **o),
    ),
    "AdamW": (lambda **o: cr.AdamW(**o), lambda p, **o: torch.optim.AdamW(p, 0.01, **o)),
    "AdamW betas": (
        lambda **o: cr.AdamW(0.02, 0.0, 0.5, **o),
        lambda p, **o: torch.optim.AdamW(p, 0.02, (0.0, 0.5), **o),
    ),
}
OPTIONS: dict[str, dict[str, float]] = {
    "plain": {},
    "weight decay": {"weight_decay": 0.1},
    "clip norm": {"clip_norm": 0.3},
    "clip value": {"clip_value": 0.02},
    "all": {"weight_decay": 0.05, "clip_norm": 0.2, "clip_value": 0.1},
}

# Threads only wait for each other on problems so small.
torch.set_num_threads(1)

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((24, 3)), RNG.standard_normal((24, 2))


class Problem:
    """A network of ours and the same in PyTorch, beginning with the same numbers."""

    def __init__(self, kind: str, dtype: str) -> None:
        if kind == "network":
            self.net = cr.Sequential(cr.Dense(5, "tanh"), cr.Dense(2), dtype=dtype).build(3, 4)
            self.X, self.Y, self.loss = X, Y, loss_named("mean_squared_error")
        else:
            # Rosenbrock's valley, in the two outputs of a network that sees only ones.
            begin = np.array([[-0.7, 0.6]])
            layer = cr.Dense(2, weight_init=lambda shape, rng: begin, bias_init=-0.1)
            self.net = cr.Sequential(layer, dtype=dtype).build(1)
            self.X, self.Y, self.loss = np.ones((1, 1)), np.zeros((1, 2)), loss_named(rosenbrock)
        self.leaves = {
            name: torch.tensor(array.copy(), requires_grad=True)
            for name, array in self.net.parameters.items()
        }
        self.torch_x = torch.tensor(self.X.astype(dtype))
        self.torch_y = torch.tensor(self.Y.astype(dtype))
        self.kind = kind

    def torch_loss(self) -> torch.Tensor:
        p = self.leaves
        y = self.torch_x @ p["W1"] + p["b1"]
        if self.kind == "network":
            return ((torch.tanh(y) @ p["W2"] + p["b2"] - self.torch_y) ** 2).mean()
        return rosenbrock(y, self.torch_y)

    def fit(self, chosen: Any, **options: Any) -> tuple[cr.History, list[np.ndarray]]:
        """Our training, and all parameters after each step."""
        points = cr.Snapshots()
        given: dict[str, Any] = {
            "loss": self.loss, "epochs": STEPS, "batch_size": None, "callbacks": [points]
        }  # fmt: skip
        history = self.net.fit(self.X, self.Y, optimizer=chosen, **(given | options))
        return history, [_vector(arrays) for _, arrays in points.taken]

    def torch_fit(
        self, make: Any, clip: dict[str, float], after: Any = None, steps: int = STEPS
    ) -> tuple[list[float], list[np.ndarray]]:
        """PyTorch's training: the losses, and all parameters after each step."""
        chosen = make(list(self.leaves.values()))
        losses, points = [], [self._point()]
        for _ in range(steps):
            chosen.zero_grad()
            value = self.torch_loss()
            value.backward()
            if "clip_value" in clip:
                torch.nn.utils.clip_grad_value_(self.leaves.values(), clip["clip_value"])
            if "clip_norm" in clip:
                torch.nn.utils.clip_grad_norm_(self.leaves.values(), clip["clip_norm"])
            chosen.step()
            if after is not None:
                after(chosen)
            losses.append(value.item())
            points.append(self._point())
        return losses, points

    def _point(self) -> np.ndarray:
        return _vector({name: leaf.detach().numpy().copy() for name, leaf in self.leaves.items()})


def rosenbrock(p: Any, t: Any) -> Any:
    """Scaled down, so that a rate of 0.05 does not leave the valley."""
    a, b = p[0, 0], p[0, 1]
    return 0.05 * ((1 - a) ** 2 + 10 * (b - a**2) ** 2)


def _vector(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([a.ravel() for a in arrays.values()])


# --- trajectories -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["network", "rosenbrock"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", PLAIN)
def test_trajectories_are_those_of_pytorch(name: str, options: str, kind: str, dtype: str) -> None:
    ours, theirs = PLAIN[name]
    given = OPTIONS[options]
    decay = {k: v for k, v in given.items() if k == "weight_decay"}
    problem = Problem(kind, dtype)
    losses, expected = problem.torch_fit(lambda p: theirs(p, **decay), given)
    history, points = problem.fit(ours(**given))
    assert len(points) == STEPS + 1
    exact = dtype == "float64"
    # A division by √s magnifies the roundings of a gradient, and a valley magnifies them again:
    # float64 shows that the formulas are the same, float32 that they hold there too.
    tolerance = {"rtol": 1e-8, "atol": 1e-9} if exact else {"rtol": 5e-3, "atol": 2e-3}
    np.testing.assert_allclose(points, expected, **tolerance)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-8 if exact else 3e-2)
    # What was compared has moved, and clipping was felt.
    assert np.abs(points[-1] - points[0]).max() > 1e-3
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("option", ["weight decay", "clip norm", "clip value"])
@pytest.mark.parametrize("name", ["SGD", "SGD momentum", "Adam"])
def test_every_option_makes_a_difference(option: str, name: str) -> None:
    ours, _ = PLAIN[name]
    plain = Problem("network", "float64").fit(ours())[1][-1]
    changed = Problem("network", "float64").fit(ours(**OPTIONS[option]))[1][-1]
    assert np.abs(plain - changed).max() > 1e-5


@pytest.mark.parametrize("name", PLAIN)
def test_a_traced_step_on_both_engines(name: str) -> None:
    ours, theirs = PLAIN[name]
    _, expected = Problem("network", "float64").torch_fit(theirs, {}, steps=5)
    for engine in ("numpy", "reference"):
        problem = Problem("network", "float64")
        net, chosen = problem.net, ours()
        theta = flat(net.parameters, net.dtype)
        net.parameters = views(theta, {k: a.shape for k, a in net.parameters.items()})
        state = chosen.init(theta)
        batch = {"x": X, "t": Y}
        step = training_step(net, problem.loss, chosen, state, batch)
        step.graph.verify()
        rate, key = np.array(chosen.learning_rate), np.zeros(2, np.uint32)
        states = {f"state {k}": a for k, a in state.items()}
        bound = {"theta": theta, **states, "rate": rate, "key": key, **batch}
        run = program(step.graph, bound, step.replaces, engine)
        for point in expected[1:]:
            run.run()
            np.testing.assert_allclose(theta, point, rtol=1e-9, atol=1e-11)


def test_a_gradient_of_zero_moves_nothing() -> None:
    for ours, _ in PLAIN.values():
        net = cr.Sequential(cr.Dense(1, "relu", weight_init=0.5, bias_init=-9.0)).build(1)
        chosen = ours(clip_norm=1.0)
        chosen.weight_decay = 0.0
        history = net.fit(np.ones((4, 1)), np.zeros(4), optimizer=chosen, epochs=3)
        assert history.stopped is None
        np.testing.assert_array_equal(net.parameters["W1"], 0.5)
        np.testing.assert_array_equal(net.parameters["b1"], -9.0)


def test_an_optimizer_keeps_no_memory_between_trainings() -> None:
    chosen = cr.Adam(0.02)
    first = Problem("network", "float64").fit(chosen)[1]
    second = Problem("network", "float64").fit(chosen)[1]
    np.testing.assert_array_equal(first, second)
    assert chosen == cr.Adam(0.02)


# --- rates --------------------------------------------------------------------------------------

EPOCHS = 30


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (cr.Step(7, 0.5), lambda o: lr_scheduler.StepLR(o, 7, 0.5)),
        (cr.Exponential(0.9), lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
        (cr.Cosine(), lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS)),
        (cr.WarmUp(8, start=0.25), lambda o: lr_scheduler.LinearLR(o, 0.25, total_iters=8)),
        (
            lambda epoch, epochs: 1 / (1 + epoch),
            lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
        ),
    ],
)
@pytest.mark.parametrize("name", ["SGD momentum", "Adam", "AdamW"])
def test_schedules_in_a_training_are_those_of_pytorch(ours: Any, theirs: Any, name: str) -> None:
    make, torch_make = PLAIN[name]
    problem = Problem("network", "float64")
    rates: list[float] = []
    scheduler: list[Any] = []

    def scheduled(parameters: Any) -> torch.optim.Optimizer:
        chosen = torch_make(parameters)
        scheduler.append(theirs(chosen))
        rates.append(chosen.param_groups[0]["lr"])
        return chosen

    def after(chosen: torch.optim.Optimizer) -> None:
        scheduler[0].step()
        rates.append(chosen.param_groups[0]["lr"])

    _, expected = problem.torch_fit(scheduled, {}, after, EPOCHS)
    history, points = problem.fit(make(), schedule=ours, epochs=EPOCHS)
    np.testing.assert_allclose(history["learning_rate"], rates[:-1], rtol=1e-12)
    np.testing.assert_allclose(points, expected, rtol=1e-8, atol=1e-10)


def test_rates_are_the_same_where_epochs_run_in_blocks() -> None:
    every = Problem("network", "float64").fit(cr.SGD(0.1), schedule="cosine")[0]
    blocks = Problem("network", "float64").fit(cr.SGD(0.1), schedule="cosine", callbacks=[])[0]
    assert blocks["learning_rate"] == every["learning_rate"]
    assert blocks["loss"] == every["loss"]


def test_a_schedule_moves_inside_an_epoch() -> None:
    asked: list[float] = []

    def schedule(epoch: float, epochs: float) -> float:
        asked.append(epoch)
        return 1.0

    net = cr.Sequential(cr.Dense(1))
    net.fit(np.ones((10, 1)), np.ones(10), batch_size=4, epochs=2, schedule=schedule)
    np.testing.assert_allclose(sorted(set(asked)), [0, 0.4, 0.8, 1, 1.4, 1.8])


def test_a_rate_changed_by_a_callback_holds_from_the_next_epoch() -> None:
    def halve(training: Any) -> None:
        if training.epoch % 4 == 0:
            training.optimizer.learning_rate /= 2

    problem = Problem("network", "float64")
    count = [0]

    def after(chosen: torch.optim.Optimizer) -> None:
        count[0] += 1
        if count[0] % 4 == 0:
            chosen.param_groups[0]["lr"] /= 2

    _, expected = problem.torch_fit(PLAIN["SGD momentum"][1], {}, after, 12)
    points = cr.Snapshots()
    history, _ = problem.fit(cr.SGD(0.02, 0.9), epochs=12, callbacks=[halve, points])
    assert history["learning_rate"] == [0.02] * 4 + [0.01] * 4 + [0.005] * 4
    ours = [_vector(arrays) for _, arrays in points.taken]
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)


def test_a_changed_rate_is_the_new_base_of_a_schedule() -> None:
    def change(training: Any) -> None:
        training.optimizer.learning_rate = 0.5

    problem = Problem("network", "float64")
    history, _ = problem.fit(cr.SGD(1e-3), schedule=cr.Exponential(0.5), epochs=3, callbacks=change)
    assert history["learning_rate"] == [1e-3, 0.25, 0.125]


# --- L-BFGS -------------------------------------------------------------------------------------

CLOUD = np.random.default_rng(7).standard_normal((80, 2)) * [1.0, 3.0]
LABELS = (CLOUD @ [1.0, 0.5] + np.random.default_rng(8).standard_normal(80) > 0.3).astype(int)


def logistic(dtype: str = "float64") -> cr.Sequential:
    return cr.Sequential(cr.Dense(1, "sigmoid"), dtype=dtype)


def logistic_loss(theta: np.ndarray, decay: float, w: Any = None) -> float:
    z = CLOUD @ theta[:2] + theta[2]
    losses = np.logaddexp(0, z) - LABELS * z
    return float(np.average(losses, weights=w) + decay / 2 * theta @ theta)


def test_lbfgs_finds_the_minimum_of_scikit_learn() -> None:
    net = logistic()
    history = net.fit(CLOUD, LABELS, optimizer="lbfgs", epochs=200)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(CLOUD, LABELS)
    np.testing.assert_allclose(net.parameters["W1"][:, 0], peer.coef_[0], rtol=1e-5)
    np.testing.assert_allclose(net.parameters["b1"], peer.intercept_, rtol=1e-4)
    assert (history.stopped or "").startswith("L-BFGS is done: ")
    assert 3 < len(history) < 200
    assert history["loss"] == sorted(history["loss"], reverse=True)
    assert history["loss"][-1] == pytest.approx(net.evaluate(CLOUD, LABELS)["loss"])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_lbfgs_with_decay_and_weights(dtype: str, engine: str) -> None:
    w = np.linspace(0.1, 2, 80)
    net = logistic(dtype)
    history = net.fit(
        CLOUD, LABELS, optimizer=cr.LBFGS(weight_decay=0.1), epochs=100, sample_weight=w,
        engine=engine,
    )  # fmt: skip
    best = optimize.minimize(logistic_loss, np.zeros(3), (0.1, w), method="BFGS", tol=1e-9)
    found = _vector(net.parameters)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, best.x, atol=1e-5 if dtype == "float64" else 1e-3)
    assert history["loss"][-1] == pytest.approx(best.fun, rel=1e-5)


def test_lbfgs_is_as_good_as_its_scipy() -> None:
    # x of a random, convex quadratic problem, whose answer a linear solver knows.
    rng = np.random.default_rng(3)
    A, b = rng.standard_normal((30, 5)), rng.standard_normal((30, 2))
    net = cr.Sequential(cr.Dense(2), dtype="float64")
    net.fit(A, b, optimizer=cr.LBFGS(memory=20), epochs=200)
    expected = np.linalg.lstsq(np.column_stack([A, np.ones(30)]), b, rcond=None)[0]
    np.testing.assert_allclose(net.parameters["W1"], expected[:5], atol=1e-6)
    np.testing.assert_allclose(net.parameters["b1"], expected[5], atol=1e-6)


def test_lbfgs_counts_epochs_and_listens_to_callbacks() -> None:
    seen: list[int] = []

    def stop(training: Any) -> None:
        seen.append(training.epoch)
        if training.epoch == 3:
            training.stop("enough")

    net = logistic()
    history = net.fit(
        CLOUD, LABELS, optimizer="lbfgs", epochs=50, callbacks=stop, validation=0.25,
        metrics="accuracy",
    )  # fmt: skip
    assert seen == [1, 2, 3]
    assert history.stopped == "enough"
    assert history["epoch"] == [1, 2, 3]
    assert {"loss", "accuracy", "validation_loss", "validation_accuracy"} <= set(history.columns)
    short = logistic().fit(CLOUD, LABELS, optimizer="lbfgs", epochs=2)
    assert len(short) == 2
    assert short.stopped is None


@pytest.mark.parametrize("layer", [cr.Dropout(0.2), cr.BatchNorm()])
def test_lbfgs_refuses_what_changes_from_call_to_call(layer: Any) -> None:
    net = cr.Sequential(cr.Dense(3, "tanh"), layer, cr.Dense(1, "sigmoid"))
    with pytest.raises(OptionError) as caught:
        net.fit(CLOUD, LABELS, optimizer="lbfgs", epochs=2)
    assert str(caught.value) == (
        "L-BFGS needs a loss that is the same at every call: take Dropout and BatchNorm out "
        "(LayerNorm is fine), or choose Adam."
    )
    fine = cr.Sequential(cr.Dense(3, "tanh"), cr.LayerNorm(), cr.Dense(1, "sigmoid"))
    losses = fine.fit(CLOUD, LABELS, optimizer="lbfgs", epochs=10)["loss"]
    assert losses[-1] < losses[0]


# --- mistakes -----------------------------------------------------------------------------------


def test_specs() -> None:
    for name, kind in NAMED.items():
        assert type(optimizer(name)) is kind
        assert type(optimizer(name.upper())) is kind
    mine = cr.Adam(0.3)
    assert optimizer(mine) is mine


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizer("adamm"), "optimizer 'adamm' is not known. Did you mean 'adam'? Known"),
        (
            lambda: optimizer(cr.Adam),  # type: ignore[arg-type]
            "an optimizer is a name or an Optimizer such as cr.Adam(0.01), got <class",
        ),
        (lambda: optimizer(0.1), "an optimizer is a name or an Optimizer"),  # type: ignore[arg-type]
        (lambda: cr.SGD(0.0), "SGD needs learning_rate above 0, got 0.0."),
        (lambda: cr.SGD(-1), "SGD needs learning_rate above 0, got -1."),
        (lambda: cr.Adam(math.nan), "Adam needs learning_rate to be a finite number, got nan."),
        (lambda: cr.Adam(math.inf), "Adam needs learning_rate to be a finite number, got inf."),
        (lambda: cr.Adam("0.1"), "Adam needs learning_rate to be a finite number, got '0.1'."),
        (lambda: cr.Adam(None), "Adam needs learning_rate to be a finite number, got None."),
        (lambda: cr.Adam(weight_decay=-0.1), "Adam needs weight_decay 0 or more, got -0.1."),
        (lambda: cr.SGD(clip_norm=0), "SGD needs clip_norm above 0, got 0."),
        (lambda: cr.SGD(clip_value=-1.0), "SGD needs clip_value above 0, got -1.0."),
        (lambda: cr.SGD(momentum=1.0), "SGD needs momentum from 0 to below 1, got 1.0."),
        (lambda: cr.SGD(nesterov=True), "SGD with nesterov=True needs a momentum, such as 0.9."),
        (lambda: cr.RMSProp(decay=1.0), "RMSProp needs decay from 0 to below 1, got 1.0."),
        (lambda: cr.RMSProp(epsilon=0.0), "RMSProp needs epsilon above 0, got 0.0."),
        (lambda: cr.AdaGrad(epsilon=-1e-8), "AdaGrad needs epsilon above 0, got -1e-08."),
        (lambda: cr.Adam(beta1=1.0), "Adam needs beta1 from 0 to below 1, got 1.0."),
        (lambda: cr.AdamW(beta2=-0.1), "AdamW needs beta2 from 0 to below 1, got -0.1."),
        (
            lambda: cr.LBFGS(memory=0),
            "LBFGS needs memory to be a whole number of 1 or more, got 0.",
        ),
        (lambda: cr.LBFGS(tolerance=-1.0), "LBFGS needs tolerance 0 or more, got -1.0."),
        (
            lambda: cr.LBFGS(0.1),
            "LBFGS finds its own step: it takes no learning_rate and no clipping.",
        ),
        (lambda: cr.LBFGS(clip_norm=1.0), "LBFGS finds its own step: it takes no learning_rate"),
    ],
)
def test_settings_out_of_range(make: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        make()
    assert str(caught.value).startswith(message)


def test_the_base_has_no_step() -> None:
    with pytest.raises(NotImplementedError):
        cr.Sequential(cr.Dense(1)).fit(
            np.ones((2, 1)), np.ones(2), optimizer=Optimizer(0.1), epochs=1
        )
