"""fit: from data and options to a trained network, the same bits each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.nn.layers import LAYERS
from chainrule.train import runner as runner_module
from chainrule.train import steps as steps_module
from chainrule.train.runner import Runner

RNG = np.random.default_rng(11)
X = RNG.standard_normal((50, 4))
VALUES = X @ np.array([[1.0], [-2.0], [0.5], [0.0]]) + 0.3
LABELS = (X[:, 0] > 0).astype(int)
CLASSES = np.digitize(X[:, 0], [-0.5, 0.5])

# One network that has each kind of layer, for pictures of 2 x 2.
EVERY_KIND = (
    cr.Flatten(),
    cr.Dense(6, "tanh"),
    cr.BatchNorm(),
    cr.Dropout(0.2),
    cr.Dense(5),
    cr.LayerNorm(),
    cr.Activation("silu"),
    cr.Dense(3, "softmax"),
)

SAME_BITS = ("epoch", "loss", "learning_rate", "accuracy", "validation_loss")


def line(dtype: str = "float64", **options: Any) -> cr.Sequential:
    """A network of one layer, in float64 unless told otherwise."""
    return cr.Sequential(cr.Dense(1, **options), dtype=dtype)


def same(a: cr.Sequential, b: cr.Sequential) -> bool:
    """Whether two networks have the same bits."""
    left, right = a.snapshot(), b.snapshot()
    return list(left) == list(right) and all(np.array_equal(left[k], right[k]) for k in left)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each batch shape for which a step is traced, as it happens."""
    rows: list[int] = []
    true = steps_module.training_step

    def counted(net: Any, loss: Any, optimizer: Any, state: Any, batch: Any, penalty: Any) -> Any:
        rows.append(len(batch["x"]))
        return true(net, loss, optimizer, state, batch, penalty)

    monkeypatch.setattr(steps_module, "training_step", counted)
    return rows


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The rows of the data that each step saw."""
    seen: list[np.ndarray] = []
    true = Runner.make_steps

    def noted(self: Runner, batches: Any, rates: Any) -> Any:
        seen.extend(np.array(rows) for rows in batches)
        return true(self, batches, rates)

    monkeypatch.setattr(Runner, "make_steps", noted)
    return seen


# What is left out


@pytest.mark.parametrize(
    ("last", "y", "loss"),
    [
        (cr.Dense(1, "sigmoid"), LABELS, "binary_cross_entropy"),
        (cr.Dense(3, "softmax"), CLASSES, "cross_entropy"),
        (cr.Dense(1), VALUES, "mean_squared_error"),
        (cr.Dense(1, "tanh"), VALUES, "mean_squared_error"),
    ],
)
def test_the_loss_follows_the_last_activation(last: Any, y: Any, loss: str) -> None:
    net = cr.Sequential(cr.Dense(3, "relu"), last)
    history = net.fit(X, y, epochs=1)
    assert net.loss is not None
    assert net.loss.name == loss
    explicit = cr.Sequential(cr.Dense(3, "relu"), last)
    assert explicit.fit(X, y, epochs=1, loss=loss)["loss"] == history["loss"]


def test_the_loss_of_the_last_fit_is_kept() -> None:
    net = line()
    net.fit(X, VALUES, epochs=1, loss="huber")
    assert net.fit(X, VALUES, epochs=1, optimizer=cr.SGD(1e-12), batch_size=None)["loss"][
        0
    ] == pytest.approx(float(cr.huber(net.predict(X), VALUES)), rel=1e-9)


@pytest.mark.parametrize(
    ("rows", "epochs"),
    # 2,000 steps, and 20 epochs at least.
    [(4, 2000), (32, 2000), (33, 1000), (50, 1000), (3200, 20), (6400, 20)],
)
def test_epochs_by_default(rows: int, epochs: int) -> None:
    net = line("float32")
    big = np.tile(X, (128, 1))[:rows]
    assert len(net.fit(big, big[:, :1])) == epochs


def test_batches_have_32_rows_by_default(steps: list[np.ndarray]) -> None:
    line().fit(np.tile(X, (2, 1)), np.tile(VALUES, (2, 1)), epochs=2)
    assert [len(rows) for rows in steps] == [32, 32, 32, 4] * 2


def test_the_optimizer_is_adam_by_default() -> None:
    a, b = line(), line()
    a.fit(X, VALUES, epochs=5)
    history = b.fit(X, VALUES, epochs=5, optimizer=cr.Adam(0.01))
    assert same(a, b)
    assert history["learning_rate"] == [0.01] * 5


# The same bits


@pytest.mark.parametrize("engine", ["numpy", "reference"])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_same_seed_same_bits(engine: str, batch_size: int | None) -> None:
    def train(seed: Any) -> tuple[cr.Sequential, cr.History]:
        net = cr.Sequential(*EVERY_KIND)
        pictures = X.reshape(-1, 2, 2)
        return net, net.fit(
            pictures, CLASSES, seed=seed, engine=engine, epochs=4, batch_size=batch_size,
            validation=0.2, metrics="accuracy",
        )  # fmt: skip

    first, again, by_generator, other = (
        train(seed) for seed in (3, 3, np.random.default_rng(3), 4)
    )
    for net, history in (again, by_generator):
        assert same(first[0], net)
        for name in SAME_BITS:
            assert first[1][name] == history[name]
    assert not same(first[0], other[0])
    assert first[1]["loss"] != other[1]["loss"]


def test_seeds_differ_in_batches_too() -> None:
    nets = [line() for _ in range(3)]
    for net, seed in zip(nets, (0, 1, 0), strict=True):
        net.build(4, seed=0)
        net.fit(X, VALUES, epochs=1, seed=seed, batch_size=7)
    assert same(nets[0], nets[2])
    assert not same(nets[0], nets[1])


def test_every_kind_of_layer_is_tried() -> None:
    ours = {name for name, kind in LAYERS.items() if kind.__module__.startswith("chainrule.")}
    assert {type(layer).__name__ for layer in EVERY_KIND} == ours


@pytest.mark.parametrize(
    "optimizer", ["sgd", "adagrad", "rmsprop", "adam", "adamw", cr.SGD(0.05, momentum=0.9)]
)
def test_engines_agree(optimizer: Any) -> None:
    nets, histories = [], []
    for engine in ("reference", "numpy"):
        net = cr.Sequential(*EVERY_KIND, dtype="float64")
        histories.append(
            net.fit(
                X.reshape(-1, 2, 2), CLASSES, epochs=4, batch_size=16, engine=engine,
                optimizer=optimizer, validation=0.2,
            )
        )  # fmt: skip
        nets.append(net)
    for name in ("loss", "validation_loss"):
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-9)
    for name, array in nets[0].snapshot().items():
        np.testing.assert_allclose(nets[1].snapshot()[name], array, rtol=1e-7, atol=1e-9)


# Steps


def test_a_step_is_traced_once_for_each_batch_shape(traced: list[int]) -> None:
    line().fit(X, VALUES, epochs=6, batch_size=16)
    assert traced == [16, 2]


def test_one_shape_is_one_trace(traced: list[int]) -> None:
    line().fit(X, VALUES, epochs=6, batch_size=25, validation=None)
    line().fit(X, VALUES, epochs=6, batch_size=None)
    line().fit(X, VALUES, epochs=6, batch_size=1000)
    assert traced == [25, 50, 50]


def test_a_rate_changed_by_a_callback_is_obeyed_without_a_new_trace(traced: list[int]) -> None:
    """w of y = w is moved by the rate itself: the absolute error's gradient is a sign."""
    net = line(weight_init=0, bias_init=0)
    ones, far = np.ones((8, 1)), np.full((8, 1), 100.0)
    biases: list[float] = []

    def slower(training: Any) -> None:
        biases.append(float(net.parameters["b1"][0]))
        training.optimizer.learning_rate /= 2

    history = net.fit(
        ones, far, loss="mean_absolute_error", optimizer=cr.SGD(1.0), epochs=4, callbacks=slower
    )
    assert history["learning_rate"] == [1.0, 0.5, 0.25, 0.125]
    assert biases == [1.0, 1.5, 1.75, 1.875]
    assert traced == [8]


def test_a_schedule_is_obeyed_at_every_step_without_a_new_trace(traced: list[int]) -> None:
    net = line(weight_init=0, bias_init=0)
    far = np.full((10, 1), 100.0)
    asked: list[tuple[float, float]] = []

    def triangle(epoch: float, epochs: float) -> float:
        asked.append((epoch, epochs))
        return 1.0 + epoch

    history = net.fit(
        np.ones((10, 1)), far, loss="mean_absolute_error", optimizer=cr.SGD(0.5), epochs=2,
        batch_size=4, schedule=triangle,
    )  # fmt: skip
    positions = [0, 0.4, 0.8, 1.0, 1.4, 1.8]
    assert net.parameters["b1"][0] == pytest.approx(sum(0.5 * (1 + p) for p in positions))
    assert history["learning_rate"] == [0.5, 1.0]
    assert {position for position, _ in asked} == set(positions)
    assert {epochs for _, epochs in asked} == {2}
    assert traced == [4, 2]


def test_named_schedules_count_over_the_whole_training() -> None:
    history = line().fit(
        X, VALUES, epochs=200, batch_size=None, schedule="cosine", optimizer=cr.SGD(0.1)
    )
    expected = [0.1 * (1 + np.cos(np.pi * e / 200)) / 2 for e in range(200)]
    assert history["learning_rate"] == pytest.approx(expected)


def test_rows_are_shuffled_each_epoch_and_each_is_seen_once(steps: list[np.ndarray]) -> None:
    line().fit(X, VALUES, epochs=5, batch_size=16)
    orders = [np.concatenate(steps[start : start + 4]).tolist() for start in range(0, 20, 4)]
    assert len(steps) == 20
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in [*orders, list(range(50))]}) == 6


@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_many_rows_are_numbered_in_half_the_memory(
    engine: str, steps: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = line()
    wide.fit(X, VALUES, epochs=3, batch_size=16, engine=engine)
    monkeypatch.setattr(runner_module, "MANY_ROWS", 50)
    narrow = line()
    narrow.fit(X, VALUES, epochs=3, batch_size=16, engine=engine)
    assert [rows.dtype for rows in steps] == [np.dtype(np.intp)] * 12 + [np.dtype(np.int32)] * 12
    assert same(wide, narrow), "the same rows in the same order"


def test_unshuffled_rows_are_taken_in_order(steps: list[np.ndarray]) -> None:
    line().fit(X, VALUES, epochs=2, batch_size=16, shuffle=False)
    assert [len(rows) for rows in steps] == [16, 16, 16, 2] * 2
    assert np.concatenate(steps).tolist() == [*range(50), *range(50)]


def test_blocks_are_no_longer_than_the_shortest_stride() -> None:
    class Looks(cr.Callback):
        seen: list[int]

        def on_start(self, training: Any) -> None:
            self.seen = []

        def stride(self, training: Any) -> float:
            return 7 - training.epoch % 7

        def on_epoch(self, training: Any) -> None:
            self.seen.append(training.epoch)

    looks = Looks()
    line().fit(X, VALUES, epochs=100, batch_size=None, callbacks=[looks, cr.Progress(after=99)])
    assert {7, 14, 49, 98, 100} <= set(looks.seen)
    assert len(looks.seen) < 40


# The loss of an epoch: at a rate of almost nothing, it is that of the whole data.

STILL = cr.SGD(1e-300)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 16, 49, 50, None])
@pytest.mark.parametrize(
    "loss", ["mean_squared_error", "sum_squared_error", "half_sum_squared_error", "huber"]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_last_short_batch_weighs_right(
    loss: str, batch_size: int | None, weighted: bool
) -> None:
    net = line()
    w = np.arange(50) % 4 if weighted else None
    history = net.fit(
        X, VALUES, epochs=2, batch_size=batch_size, loss=loss, optimizer=STILL, sample_weight=w
    )
    whole = net.evaluate(X, VALUES, sample_weight=w)["loss"]
    assert history["loss"] == pytest.approx([whole, whole], rel=1e-12)


def test_the_loss_is_that_before_each_step() -> None:
    net = line()
    net.build(4, seed=2)
    before = net.evaluate(X, VALUES)["loss"]
    history = net.fit(X, VALUES, epochs=2, batch_size=None, optimizer=cr.SGD(0.1))
    assert history["loss"][0] == pytest.approx(before, rel=1e-12)
    assert history["loss"][1] < before


def test_losses_that_are_sums() -> None:
    """Σ is n times the mean, so the mean at n times the rate is the same training."""
    a, b, c = line(), line(), line()
    options: dict[str, Any] = {"epochs": 10, "batch_size": None}
    mean = a.fit(X, VALUES, optimizer=cr.SGD(0.05), **options)
    total = b.fit(X, VALUES, optimizer=cr.SGD(0.001), loss="sum_squared_error", **options)
    half = c.fit(X, VALUES, optimizer=cr.SGD(0.002), loss=cr.half_sum_squared_error, **options)
    np.testing.assert_allclose(np.array(total["loss"]) / 50, mean["loss"], rtol=1e-10)
    np.testing.assert_allclose(np.array(half["loss"]) / 25, mean["loss"], rtol=1e-10)
    for name in ("W1", "b1"):
        np.testing.assert_allclose(b.parameters[name], a.parameters[name], rtol=1e-10)
        np.testing.assert_allclose(c.parameters[name], a.parameters[name], rtol=1e-10)


def test_a_loss_of_ones_own() -> None:
    def fourth(p: Any, t: Any) -> Any:
        return np.mean((p - t) ** 4)

    net = line()
    history = net.fit(X, VALUES, loss=fourth, epochs=50, batch_size=None)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert net.evaluate(X, VALUES)["loss"] == pytest.approx(fourth(net.predict(X), VALUES))


# Validation and metrics


@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_validation_by_pair_is_what_evaluate_says(engine: str) -> None:
    held_x, held_y = X[:9] + 0.1, CLASSES[:9]
    net = cr.Sequential(cr.Dense(5, "tanh"), cr.Dense(3, "softmax"))
    metrics = ["accuracy", "top_2"]
    history = net.fit(
        X, CLASSES, epochs=3, validation=(held_x, held_y), metrics=metrics, engine=engine
    )
    assert list(history.columns) == [
        "epoch", "loss", "accuracy", "top_2", "validation_loss", "validation_accuracy",
        "validation_top_2", "learning_rate", "seconds",
    ]  # fmt: skip
    held = net.evaluate(held_x, held_y, metrics=metrics, engine=engine)
    train = net.evaluate(X, CLASSES, metrics=metrics, engine=engine)
    last = history.rows[-1]
    assert {k: last[f"validation_{k}"] for k in held} == held
    assert {k: last[k] for k in metrics} == {k: train[k] for k in metrics}


def test_validation_by_share_sets_rows_aside(steps: list[np.ndarray]) -> None:
    """The rows held back are never trained on, and nothing else is left out."""
    marks: list[np.ndarray] = []

    def remember(p: Any, t: Any) -> float:
        marks.append(np.sort(np.ravel(t)))
        return 0.0

    numbered = np.arange(50.0).reshape(-1, 1)
    net = line()
    net.fit(numbered / 50, numbered, epochs=2, validation=0.3, metrics=remember, optimizer=STILL)
    trained, held = marks[0], marks[1]
    assert (len(trained), len(held)) == (35, 15)
    assert sorted([*trained, *held]) == list(range(50))
    assert held.tolist() != list(range(15))
    assert held.tolist() != list(range(35, 50))
    assert {int(row) for rows in steps for row in rows} == set(range(35))


def test_validation_by_share_is_what_evaluate_says() -> None:
    kept: list[np.ndarray] = []

    def targets(p: Any, t: Any) -> float:
        kept.append(np.array(t))
        return 0.0

    net = line()
    history = net.fit(X, VALUES, epochs=2, validation=0.2, metrics=[targets], batch_size=None)
    held = np.isin(VALUES.ravel(), kept[-1].ravel())
    assert held.sum() == 10
    found = net.evaluate(X[held], VALUES[held])["loss"]
    assert history["validation_loss"][-1] == pytest.approx(found, rel=1e-12)


def test_validation_does_not_change_the_training() -> None:
    a, b = line(), line()
    a.fit(X, VALUES, epochs=3)
    b.fit(X, VALUES, epochs=3, validation=(X[:5], VALUES[:5]), metrics=["r2"])
    assert same(a, b)


def test_without_metrics_and_validation_there_are_four_columns() -> None:
    history = line().fit(X, VALUES, epochs=1, metrics=None)
    assert list(history.columns) == ["epoch", "loss", "learning_rate", "seconds"]


# Weights: a row of weight 3 is three rows


def test_sample_weights_are_repeated_rows() -> None:
    counts = np.arange(50) % 4
    options: dict[str, Any] = {"epochs": 30, "batch_size": None, "optimizer": cr.SGD(0.05)}
    a, b = (cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(1), dtype="float64") for _ in range(2))
    by_weight = a.fit(X, VALUES, sample_weight=counts, **options)
    repeated = b.fit(np.repeat(X, counts, 0), np.repeat(VALUES, counts, 0), **options)
    np.testing.assert_allclose(by_weight["loss"], repeated["loss"], rtol=1e-10)
    for name, array in b.parameters.items():
        np.testing.assert_allclose(a.parameters[name], array, rtol=1e-8)


@pytest.mark.parametrize("class_weight", [{0: 1, 1: 3, 2: 2}, "balanced"])
def test_class_weights_are_repeated_rows(class_weight: Any) -> None:
    y = np.repeat([0, 1, 2], [10, 10, 30])
    copies = {0: 3, 1: 3, 2: 1} if class_weight == "balanced" else class_weight
    counts = np.array([copies[k] for k in y])
    options: dict[str, Any] = {"epochs": 30, "batch_size": None, "optimizer": cr.SGD(0.1)}
    a, b = (cr.Sequential(cr.Dense(3, "softmax"), dtype="float64") for _ in range(2))
    by_weight = a.fit(X, y, class_weight=class_weight, **options)
    repeated = b.fit(np.repeat(X, counts, 0), np.repeat(y, counts, 0), **options)
    np.testing.assert_allclose(by_weight["loss"], repeated["loss"], rtol=1e-10)
    for name, array in b.parameters.items():
        np.testing.assert_allclose(a.parameters[name], array, rtol=1e-8)


def test_weights_of_samples_and_classes_multiply() -> None:
    sample = np.linspace(0.5, 2.0, 50)
    options: dict[str, Any] = {"epochs": 5, "batch_size": 16}
    a, b = (cr.Sequential(cr.Dense(1, "sigmoid")) for _ in range(2))
    a.fit(X, LABELS, sample_weight=sample, class_weight={0: 1, 1: 4}, **options)
    b.fit(X, LABELS, sample_weight=sample * np.where(LABELS == 1, 4, 1), **options)
    assert same(a, b)


# Going on


def test_a_second_fit_goes_on() -> None:
    options: dict[str, Any] = {"batch_size": None, "optimizer": cr.SGD(0.05)}
    a, b = line(), line()
    first, second = a.fit(X, VALUES, epochs=10, **options), a.fit(X, VALUES, epochs=7, **options)
    whole = b.fit(X, VALUES, epochs=17, **options)
    assert same(a, b)
    assert first["loss"] + second["loss"] == whole["loss"]
    assert second["epoch"] == list(range(1, 8))


def test_an_optimizer_object_carries_nothing_from_fit_to_fit() -> None:
    adam = cr.Adam(0.1)
    a, b = line(), line()
    a.fit(X, VALUES, epochs=5, optimizer=adam)
    b.fit(X, VALUES, epochs=5, optimizer=adam)
    assert same(a, b)


def test_parameters_taken_before_a_fit_are_left_alone() -> None:
    net = line().build(4, seed=0)
    taken = net.parameters["W1"]
    before = taken.copy()
    net.fit(X, VALUES, epochs=2)
    np.testing.assert_array_equal(taken, before)
    assert not np.array_equal(net.parameters["W1"], before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_the_users_arrays_are_left_alone(dtype: str, batch_size: int | None) -> None:
    x, t, w = X.astype(dtype), VALUES.astype(dtype), np.linspace(1, 2, 50).astype(dtype)
    copies = [a.copy() for a in (x, t, w)]
    net = line(dtype)
    for array in (x, t, w):
        array.flags.writeable = False
    net.fit(x, t, sample_weight=w, epochs=3, batch_size=batch_size, validation=(x, t))
    for array, copy in zip((x, t, w), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# The optimizer's state, against loops written by hand


def by_hand(kind: str, epochs: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """θ and the state after full-batch steps at a rate of 0.1 on the mean squared error."""
    rows = np.column_stack([X, np.ones(50)])
    theta = np.append(line().build(4, seed=0).parameters["W1"].ravel(), 0.0)
    v, s = np.zeros(5), np.zeros(5)
    for step in range(1, epochs + 1):
        g = 2 / 50 * rows.T @ (rows @ theta - VALUES[:, 0])
        match kind:
            case "momentum":
                v = 0.9 * v + g
                theta = theta - 0.1 * v
            case "nesterov":
                v = 0.9 * v + g
                theta = theta - 0.1 * (g + 0.9 * v)
            case "adagrad":
                s = s + g**2
                theta = theta - 0.1 * g / (np.sqrt(s) + 1e-10)
            case "rmsprop":
                s = 0.99 * s + 0.01 * g**2
                theta = theta - 0.1 * g / (np.sqrt(s) + 1e-8)
            case "adam":
                v, s = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g**2
                m, r = v / (1 - 0.9**step), s / (1 - 0.999**step)
                theta = theta - 0.1 * m / (np.sqrt(r) + 1e-8)
    state = {"velocity": v} if kind in ("momentum", "nesterov") else {"squares": s}
    if kind == "adam":
        state = {"mean": v / 0.1, "squares": s / 0.001}
    return theta, state


OPTIMIZERS = {
    "sgd": cr.SGD(0.1),
    "momentum": cr.SGD(0.1, momentum=0.9),
    "nesterov": cr.SGD(0.1, momentum=0.9, nesterov=True),
    "adagrad": cr.AdaGrad(0.1),
    "rmsprop": cr.RMSProp(0.1),
    "adam": cr.Adam(0.1),
}


@pytest.mark.parametrize("kind", [kind for kind in OPTIMIZERS if kind != "sgd"])
def test_the_optimizers_state_lives_as_long_as_the_fit(kind: str) -> None:
    states: list[dict[str, np.ndarray]] = []

    def look(training: Any) -> None:
        states.append({k: a.copy() for k, a in training._runner.optimizer_state.items()})

    net = line()
    options: dict[str, Any] = {"batch_size": None, "optimizer": OPTIMIZERS[kind]}
    net.fit(X, VALUES, epochs=8, callbacks=look, **options)
    theta, state = by_hand(kind, 8)
    np.testing.assert_allclose(np.append(net.parameters["W1"], net.parameters["b1"]), theta)
    for name, expected in state.items():
        np.testing.assert_allclose(states[-1][name], expected)
    # A new fit starts from rest, so two short ones are not a long one.
    halves = line()
    halves.fit(X, VALUES, epochs=4, **options)
    halves.fit(X, VALUES, epochs=4, **options)
    assert not np.allclose(halves.parameters["W1"], net.parameters["W1"], rtol=1e-6)
