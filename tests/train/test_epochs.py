"""The XLA engine's runner: many epochs in a call, and nothing of that to be seen from outside."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine.xla.epochs import permutation
from chainrule.engine.xla.runtime import all_dtypes, jax_module
from chainrule.errors import OptionError, TrainingWarning
from chainrule.train import epochs
from chainrule.train.callbacks import Callback, Progress
from chainrule.train.epochs import EpochsRunner
from chainrule.train.rates import Rates

RNG = np.random.default_rng(9)
X = RNG.normal(size=(50, 3))
Y = X[:, :1] ** 2


def network(dtype: str = "float64") -> cr.Sequential:
    return cr.Sequential(cr.Dense(5, "tanh"), cr.Dense(1), dtype=dtype)


def fit(net: Any = None, **options: Any) -> tuple[Any, Any]:
    net = net or network()
    given = {"epochs": 12, "batch_size": 16, "seed": 3, "engine": "xla", "optimizer": cr.SGD(0.05)}
    return net, net.fit(X, Y, **(given | options))


class Seen(Callback):
    """Notes the parameters at each of its calls."""

    every_epoch = False

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.weights: list[Any] = []

    def on_epoch(self, training: Any) -> None:
        self.epochs.append(training.epoch)
        self.weights.append(training.net.parameters["W1"].copy())


class SeenEach(Seen):
    every_epoch = True


def pace(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Every call makes so many steps."""
    monkeypatch.setattr(EpochsRunner, "_most", lambda self, rates: steps)


# One call or many


def test_an_order_is_a_permutation_and_another_one_each_epoch() -> None:
    with all_dtypes():
        key = np.array([1, 2], np.uint32)
        orders = [np.asarray(permutation(key, np.int64(epoch), 1000)) for epoch in (0, 1, 0)]
    np.testing.assert_array_equal(np.sort(orders[0]), np.arange(1000))
    np.testing.assert_array_equal(orders[0], orders[2])
    assert (orders[0] != orders[1]).mean() > 0.98


def test_every_row_comes_first_about_equally_often() -> None:
    with all_dtypes():
        first = [
            int(permutation(np.array([7, seed], np.uint32), np.int64(3), 8)[0])
            for seed in range(400)
        ]
    expected, counts = 50, np.bincount(first, minlength=8)
    assert ((counts - expected) ** 2 / expected).sum() < 24.3  # χ² with 7 degrees, 0.1 %


@pytest.mark.parametrize("batch_size", [16, 25, None])
@pytest.mark.parametrize("optimizer", [cr.SGD(0.05), cr.Adam(0.01)])
def test_how_steps_are_cut_into_calls_does_not_show(
    batch_size: int | None, optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for steps in (4, 8, 1000):
        with monkeypatch.context() as patch:
            pace(patch, steps)
            results.append(fit(batch_size=batch_size, optimizer=optimizer, epochs=22))
    (net, history), *others = results
    assert len(history) == 22
    for other, same in others:
        assert same["loss"] == history["loss"]
        for name, array in net.parameters.items():
            assert array.tobytes() == other.parameters[name].tobytes()


@pytest.mark.parametrize("schedule", ["cosine", cr.Step(5)])
def test_a_schedule_goes_on_over_calls(schedule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = fit(schedule=schedule)
    pace(monkeypatch, 3)
    _, cut = fit(schedule=schedule)
    assert whole["loss"] == cut["loss"]
    assert whole["learning_rate"] == cut["learning_rate"]
    assert len(set(whole["learning_rate"])) > 1


def test_a_smaller_last_batch_counts_by_its_rows() -> None:
    """The mean over batches at a rate of nearly 0 is the mean over rows."""
    net, history = fit(epochs=1, optimizer=cr.SGD(1e-12))
    assert history["loss"][0] == pytest.approx(net.evaluate(X, Y)["loss"], rel=1e-9)


def test_weights_of_rows_count_in_the_mean() -> None:
    w = RNG.uniform(0.1, 3, size=50)
    net, history = fit(epochs=1, optimizer=cr.SGD(1e-12), sample_weight=w)
    error = (net.predict(X) - Y).ravel() ** 2
    assert history["loss"][0] == pytest.approx(np.average(error, weights=w), rel=1e-9)


def test_a_loss_that_is_a_sum_is_summed() -> None:
    net, history = fit(epochs=1, optimizer=cr.SGD(1e-12), loss="half_sum_squared_error")
    assert history["loss"][0] == pytest.approx(((net.predict(X) - Y) ** 2).sum() / 2, rel=1e-9)


@pytest.mark.parametrize("limit", [None, 2 * 30 * 4 * 8])
def test_unshuffled_rows_are_taken_in_order(limit: float | None) -> None:
    """The same batches as the numpy engine's then: the same losses."""
    options: dict[str, Any] = {"shuffle": False, "batch_size": 10}
    _, ours = fit(memory_limit=limit, **options)
    _, theirs = fit(engine="numpy", **options)
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=1e-10)


def test_a_second_fit_goes_on() -> None:
    net, first = fit()
    _, second = fit(net)
    assert second["loss"][0] < first["loss"][0]
    assert second["loss"][-1] < first["loss"][-1]


# What callbacks see


def test_a_callback_for_every_epoch_sees_each() -> None:
    seen = SeenEach()
    _, history = fit(callbacks=[seen])
    assert seen.epochs == list(range(1, 13))
    assert len({w.tobytes() for w in seen.weights}) == 12
    assert history["loss"] == fit()[1]["loss"]


def test_one_that_need_not_sees_blocks_and_the_history_has_every_epoch() -> None:
    fit(epochs=200, batch_size=None)  # after this, the pace is known
    seen = Seen()
    net, history = fit(epochs=200, batch_size=None, callbacks=[seen])
    assert len(seen.epochs) < 200
    assert seen.epochs[-1] == 200 == len(history)
    np.testing.assert_array_equal(seen.weights[-1], net.parameters["W1"])
    assert history["epoch"] == list(range(1, 201))


def test_a_callback_may_change_parameters_and_the_rate() -> None:
    def halve(training: Any) -> None:
        if training.epoch == 3:
            training.net.parameters["W1"][...] = 0
            training.net.parameters["W2"][...] = 0
            training.optimizer.learning_rate = 1e-12

    net, history = fit(callbacks=[halve])
    assert not net.parameters["W1"].any() or np.abs(net.parameters["W1"]).max() < 1e-9
    assert history["learning_rate"][:4] == [0.05, 0.05, 0.05, 1e-12]


def test_early_stopping_stops() -> None:
    stopping = cr.EarlyStopping(patience=2, minimum_change=1e9)
    _, history = fit(callbacks=[stopping])
    assert len(history) == 3
    assert "has not improved" in str(history.stopped)


def test_validation_is_scored_after_every_epoch() -> None:
    net, history = fit(validation=(X[:20], Y[:20]))
    assert len(history["validation_loss"]) == 12
    expected = net.evaluate(X[:20], Y[:20])["loss"]
    assert history["validation_loss"][-1] == pytest.approx(expected, rel=1e-9)


def test_the_host_is_told_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []

    class Ticks(Callback):
        def on_tick(self, training: Any, position: float) -> None:
            told.append(position)

    pace(monkeypatch, 1)
    fit(epochs=2, callbacks=[Ticks()])
    assert told == pytest.approx([0.32, 0.64, 0.96, 1.32, 1.64, 1.96])


def test_the_line_tells_the_time_to_compile(capsys: pytest.CaptureFixture[str]) -> None:
    net = cr.Sequential(cr.Dense(3, "silu"), cr.Dense(1))
    fit(net, callbacks=[Progress()])
    assert "s to compile" in capsys.readouterr().err


# Ends before the last epoch


@pytest.mark.parametrize("batch_size", [16, None])
def test_an_interrupt_during_a_call_comes_after_it(
    batch_size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace(monkeypatch, 4)
    program = EpochsRunner._program

    def interrupted(self: Any, *given: Any) -> Any:
        run = program(self, *given)

        def call(*arguments: Any) -> Any:
            if self.steps == 8:
                signal.raise_signal(signal.SIGINT)
            return run(*arguments)

        return call

    monkeypatch.setattr(epochs, "_paces", {})
    monkeypatch.setattr(EpochsRunner, "epochs_in", lambda *_: 12)
    monkeypatch.setattr(EpochsRunner, "_program", interrupted)
    net, history = fit(batch_size=batch_size)
    assert "interrupted by the user" in str(history.stopped)
    monkeypatch.setattr(EpochsRunner, "_program", program)
    # 12 steps were made, and are kept.
    other, _ = fit(batch_size=batch_size, epochs=12 if batch_size is None else 3)
    for name, array in net.parameters.items():
        np.testing.assert_array_equal(array, other.parameters[name])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("batch_size", [16, None])
def test_what_is_not_finite_is_named_and_the_last_finite_state_kept(
    batch_size: int | None,
) -> None:
    with pytest.warns(TrainingWarning, match=r"not finite was born in step \d+, in the op"):
        net, history = fit(epochs=400, batch_size=batch_size, optimizer=cr.SGD(40.0))
    assert all(np.isfinite(array).all() for array in net.parameters.values())
    assert np.isfinite(history["loss"]).all() or not len(history)


@pytest.mark.parametrize("told", ["RESOURCE_EXHAUSTED: out of memory", "INTERNAL: a bug"])
def test_a_full_device_is_told_in_one_line(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = jax_module().errors.JaxRuntimeError(told)

    def fails(*_: Any) -> Any:
        raise error

    net, _ = fit(epochs=1)
    before = {name: array.copy() for name, array in net.parameters.items()}
    monkeypatch.setattr(EpochsRunner, "_program", lambda *_: fails)
    monkeypatch.setattr(EpochsRunner, "_most", lambda *_: 1)
    monkeypatch.setattr(EpochsRunner, "epochs_in", lambda *_: 1)
    expected: Any = (OptionError, type(error))["INTERNAL" in told]
    with pytest.raises(expected, match=r"memory is full\. Give memory_limit=|a bug"):
        fit(net)
    for name, array in before.items():
        np.testing.assert_array_equal(net.parameters[name], array)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_a_late_failure_is_found_in_a_long_block(engine: str) -> None:
    """The state kept is the one that epoch after epoch leads to."""
    started = np.array([[1e-3]])

    def last(epochs: int, **options: Any) -> Any:
        net = cr.Sequential(
            cr.Dense(1, weight_init=lambda *_: started, bias_init="zeros"), dtype="float32"
        )
        given = {"batch_size": None, "optimizer": cr.SGD(1.4), "engine": engine, "epochs": epochs}
        return net, net.fit(np.ones((2, 1)), np.zeros(2), **(given | options))

    with pytest.warns(TrainingWarning, match="not finite was born in step"):
        net, history = last(1000)
    steps = len(history)
    assert 20 < steps < 200
    other, _ = last(steps)
    np.testing.assert_allclose(net.parameters["W1"], other.parameters["W1"], rtol=1e-4)


def test_rates_count_from_their_first_epoch() -> None:
    rates = Rates(cr.Step(2, factor=0.5), 1.0, 1, 10)
    assert rates.at(range(3)) == [1.0, 0.5, 0.5]
    assert rates.later(2).at(range(2)) == [0.5, 0.25]
    assert not rates.is_constant
