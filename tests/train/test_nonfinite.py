"""Training that explodes: it stops, says where the first bad number was born, and keeps good ones.

The step is found independently, by loops written by hand.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, TrainingWarning
from chainrule.train.runner import Runner

RNG = np.random.default_rng(8)
X = RNG.standard_normal((20, 3)).astype(np.float32)
Y = (X[:, :1] * 3).astype(np.float32)

ADVICE = (
    ". The parameters are those of the last step that was finite. Try a smaller learning rate, "
    "inputs scaled to about 1, or clip_norm=1.0. cr.diagnose(net, X, y, ...), with the options of "
    "this fit, says why."
)


def fit(net: cr.Sequential, *data: Any, **options: Any) -> tuple[cr.History, str, str]:
    """The history, the text of the one warning, and the file of which it was made."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = net.fit(*data, **options)
    assert [warning.category for warning in caught] == [TrainingWarning]
    return history, str(caught[0].message), Path(caught[0].filename).name


def finite(net: cr.Sequential) -> bool:
    return all(np.isfinite(array).all() for array in net.snapshot().values())


def by_hand(
    net: cr.Sequential, batches: Any, rate: float, engine: str = "numpy"
) -> tuple[int, list[float], dict[str, np.ndarray]]:
    """The step that fails, the losses before, and the parameters that it began with: float32.

    The NumPy engine divides before it adds, so only the definition's mean overflows in its sum.
    """
    adding = np.float64 if engine == "numpy" else np.float32
    W, b = net.parameters["W1"].copy(), net.parameters["b1"].copy()
    losses: list[float] = []
    with np.errstate(all="ignore"):
        for step, rows in enumerate(batches, start=1):
            error = X[rows] @ W + b - Y[rows]
            loss = np.float32(np.mean(error**2, dtype=adding))
            gradient = error * np.float32(2 / len(rows))
            new_W = W - np.float32(rate) * (X[rows].T @ gradient)
            new_b = b - np.float32(rate) * gradient.sum(0)
            if not (np.isfinite(loss) and np.isfinite(new_W).all() and np.isfinite(new_b).all()):
                return step, losses, {"W1": W, "b1": b}
            losses.append(float(loss))
            W, b = new_W, new_b
    raise AssertionError("the loop by hand stayed finite")


def whole_epochs(epochs: int) -> list[np.ndarray]:
    return [np.arange(20)] * epochs


@pytest.mark.parametrize("rate", [1.5, 5.0, 100.0])
@pytest.mark.parametrize(
    "options", [{}, {"metrics": "r2"}, {"validation": (X, Y)}, {"callbacks": cr.Snapshots()}]
)
@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_the_step_is_that_of_the_loop_by_hand(
    rate: float, options: dict[str, Any], engine: str
) -> None:
    net = cr.Sequential(cr.Dense(1)).build(3, seed=4)
    step, losses, kept = by_hand(net, whole_epochs(1000), rate, engine)
    history, text, file = fit(
        net, X, Y, optimizer=cr.SGD(rate), epochs=1000, batch_size=None, engine=engine, **options
    )
    assert f"training stopped: the first value that is not finite was born in step {step}, " in text
    assert text == f"training stopped: {history.stopped}{ADVICE}"
    assert file == Path(__file__).name
    assert history["epoch"] == list(range(1, step))
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-3)
    assert all(len(column) == step - 1 for column in history.columns.values())
    assert finite(net)
    for name, array in kept.items():
        np.testing.assert_allclose(net.parameters[name], array, rtol=1e-3)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 10])
@pytest.mark.parametrize("options", [{}, {"metrics": "r2", "validation": (X, Y)}])
def test_the_step_within_an_epoch_of_batches(
    batch_size: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []
    true = Runner.make_steps

    def noted(self: Runner, batches: Any, rates: Any) -> Any:
        seen.extend(np.array(rows) for rows in batches)
        return true(self, batches, rates)

    monkeypatch.setattr(Runner, "make_steps", noted)
    net = cr.Sequential(cr.Dense(1)).build(3, seed=4)
    first = net.snapshot()
    history, text, _ = fit(
        net, X, Y, optimizer=cr.SGD(1.2), epochs=500, batch_size=batch_size, **options
    )
    again = cr.Sequential(cr.Dense(1)).build(3, seed=0)
    again.restore(first)
    step, losses, kept = by_hand(again, seen, 1.2)
    assert f" in step {step}, " in text
    per_epoch = -(-20 // batch_size)
    assert len(history) == (step - 1) // per_epoch
    assert all(len(column) == len(history) for column in history.columns.values())
    assert np.isfinite(history["loss"] if len(history) else []).all()
    if len(history):
        sizes = [len(rows) for rows in seen[:per_epoch]]
        expected = np.average(losses[:per_epoch], weights=sizes)
        assert history["loss"][0] == pytest.approx(expected, rel=1e-3)
    # Not the epoch's first parameters but those of the very step before.
    assert finite(net)
    for name, array in kept.items():
        np.testing.assert_allclose(net.parameters[name], array, rtol=1e-2)


def test_blocks_of_epochs_say_the_same_as_one_by_one() -> None:
    """How quick the machine is must not matter."""
    nets = [cr.Sequential(cr.Dense(1)).build(3, seed=4) for _ in range(2)]
    found = [
        fit(net, X, Y, optimizer=cr.SGD(0.9), epochs=1000, batch_size=None, callbacks=callbacks)
        for net, callbacks in zip(nets, ([], [lambda training: None]), strict=True)
    ]
    assert found[0][1] == found[1][1]
    assert found[0][0]["loss"] == found[1][0]["loss"]
    np.testing.assert_array_equal(nets[0].parameters["W1"], nets[1].parameters["W1"])


def test_a_loss_that_would_recover_is_not_passed_over() -> None:
    """Clipped, the parameters stay finite; the loss of the first steps overflows all the same."""
    net = cr.Sequential(cr.Dense(1, weight_init=1, bias_init=0))
    huge = np.full((4, 1), 1e10)
    options: dict[str, Any] = {"optimizer": cr.SGD(1e10, clip_norm=1.0), "batch_size": None}
    net.build(1)
    history, text, _ = fit(net, huge, huge**2 / 2, epochs=300, **options)
    assert len(history) == 0
    assert " in step 1, in the op square " in text


# The place


def test_the_op_the_layer_and_the_users_line() -> None:
    def runaway(x: Any) -> Any:
        return np.exp(x)  # the line

    line = Path(__file__).read_text(encoding="utf-8").splitlines().index(
        "        return np.exp(x)  # the line"
    ) + 1  # fmt: skip
    net = cr.Sequential(cr.Dense(2, "tanh", weight_init=1), cr.Dense(1, runaway, weight_init=60))
    history, text, _ = fit(net, np.full((4, 3), 9.0), np.ones((4, 1)), epochs=5, batch_size=None)
    assert text == (
        "training stopped: the first value that is not finite was born in step 1, in the op exp "
        f"(layer 2 Dense, {Path(__file__).name}:{line}), from add in 120 to 120" + ADVICE
    )
    assert len(history) == 0


def test_inputs_are_named_with_their_range() -> None:
    net = cr.Sequential(cr.Dense(1, weight_init=3e38, bias_init=0))
    _, text, _ = fit(net, np.full((4, 2), 5.0), np.ones(4), epochs=2)
    assert re.search(
        r"in step 1, in the op matmul \(layer 1 Dense, test_nonfinite\.py:\d+\), from x in 5 to 5 "
        r"and W1 in 3e\+38 to 3e\+38\. ",
        text,
    )


def test_a_nan_that_a_loss_of_ones_own_makes() -> None:
    def own(p: Any, t: Any) -> Any:
        return np.mean(np.log(p - 100.0))

    _, text, _ = fit(cr.Sequential(cr.Dense(1)), X, Y, loss=own, epochs=3)
    assert re.search(r"in step 1, in the op log \(test_nonfinite\.py:\d+\), from subtract in", text)


def test_the_optimizers_state_and_statistics_go_back_too() -> None:
    """Every number that a step changes is as it was, so that a smaller rate can go on."""
    net = cr.Sequential(cr.Dense(4), cr.BatchNorm(), cr.Dense(1))
    _, text, _ = fit(net, X, Y, optimizer=cr.SGD(1e30), epochs=20, batch_size=10)
    assert re.search(r"in step \d+, in the op ", text)
    assert finite(net)


# Metrics and validation


@pytest.mark.parametrize("options", [{}, {"validation": 0.25}])
def test_metrics_of_outputs_that_overflow(options: dict[str, Any]) -> None:
    """Finite parameters may be so large that outputs are not: the metric is NaN, no error."""
    labels = np.arange(20) % 3
    net = cr.Sequential(cr.Dense(8, "relu"), cr.Dense(3, "softmax"))
    history, text, _ = fit(
        net, X * 1e10, labels, metrics=["accuracy", "top_2"], epochs=60,
        optimizer=cr.SGD(1e28), batch_size=None, **options,
    )  # fmt: skip
    assert re.search(r"in step \d+, in the op matmul \(layer \d Dense, ", text)
    assert np.isnan(history["accuracy"][-1])
    assert np.isnan(history["top_2"][-1])
    assert np.isfinite(history["loss"]).all()
    assert finite(net)


def test_a_metric_that_cannot_be_computed_is_an_error_all_the_same() -> None:
    def broken(p: Any, t: Any) -> Any:
        return p

    with pytest.raises(DataError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, epochs=1, metrics=broken)
    assert (
        str(error.value) == "metric broken returned an array of shape (20, 1), expected one number."
    )


def test_early_stopping_still_restores() -> None:
    net, snapshots = cr.Sequential(cr.Dense(1)).build(3, seed=4), cr.Snapshots()
    stopping = cr.EarlyStopping(patience=1000)
    history, _, _ = fit(
        net, X, Y, optimizer=cr.SGD(1.5), epochs=1000, batch_size=None,
        callbacks=[snapshots, stopping],
    )  # fmt: skip
    assert stopping.best_epoch == int(np.argmin(history["loss"])) + 1
    np.testing.assert_array_equal(
        net.parameters["W1"], snapshots.taken[stopping.best_epoch][1]["W1"]
    )


def test_restarts_treat_it_as_stuck() -> None:
    net = cr.Sequential(cr.Dense(1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = net.fit(
            X, Y, optimizer=cr.SGD(1e37), epochs=5, batch_size=None, restarts=2, seed=7
        )
    assert len(caught) == 3
    assert history.tries == [
        f"seed {seed} got stuck: the loss was not finite" for seed in (7, 8, 9)
    ]
    assert finite(net)


# --- a state that is not finite stops parameters silently ---------------------------------------

HUGE = (1e21 * RNG.standard_normal((16, 3))).astype(np.float32)


@pytest.mark.parametrize(
    "optimizer", [cr.Adam(0.1), cr.AdamW(0.1), cr.RMSProp(0.1), cr.AdaGrad(0.1)]
)
@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_squares_that_overflow_are_noticed(optimizer: Any, engine: str) -> None:
    """The loss and the parameters stay finite: divided by infinity, every step is 0."""
    net = cr.Sequential(cr.Dense(1))
    history, told, _ = fit(
        net, HUGE, np.zeros(16), loss="mean_absolute_error", optimizer=optimizer, epochs=4,
        engine=engine,
    )  # fmt: skip
    assert history.stopped is not None
    assert "was born in step 1, in the op square" in told
    assert len(history) == 0
    assert finite(net)


def test_they_are_noticed_in_the_epoch_in_which_they_overflow() -> None:
    rows = np.concatenate([X * 0.1, HUGE[:1]])
    net = cr.Sequential(cr.Dense(1))
    seen: list[int] = []
    history, told, _ = fit(
        net, rows, np.zeros(21), loss="mean_absolute_error", epochs=3, batch_size=1,
        callbacks=lambda training: seen.append(training.epoch),
    )  # fmt: skip
    assert "in the op square" in told
    assert history.stopped is not None
    assert seen == []
    assert finite(net)


def test_running_statistics_that_overflow_are_noticed() -> None:
    net = cr.Sequential(cr.BatchNorm(), cr.Dense(1))
    history, _, _ = fit(net, HUGE, np.zeros(16), loss="mean_absolute_error", epochs=2)
    assert history.stopped is not None
    assert finite(net)


def test_a_state_that_is_large_and_finite_is_none() -> None:
    net = cr.Sequential(cr.Dense(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = net.fit(HUGE / 1e3, np.zeros(16), loss="mean_absolute_error", epochs=3)
    assert len(history) == 3
    assert history.stopped is None


def test_members_of_a_population_with_such_a_state_are_marked() -> None:
    population = cr.fit_many(
        cr.Sequential(cr.Dense(1)), HUGE, np.zeros(16), loss="mean_absolute_error", seeds=3,
        epochs=2, learning_rate=[0.1, 0.2], progress=False,
    )  # fmt: skip
    assert [row["state"] for row in population.table] == ["not finite"] * 6
