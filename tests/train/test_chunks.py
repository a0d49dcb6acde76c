"""Data streamed in chunks: the same training, with no more than two chunks in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine.xla import stream
from chainrule.engine.xla.runtime import jax_module
from chainrule.engine.xla.stream import Stream, chunk_bounds, device_memory
from chainrule.errors import OptionError, TrainingWarning
from chainrule.train.chunks import ChunkRunner
from chainrule.train.epochs import EpochsRunner
from chainrule.train.runner import Runner

RNG = np.random.default_rng(12)
X = RNG.normal(size=(110, 3))
Y = X[:, :1] ** 2
#: 60 rows of x and t in float64: chunks of 30, 30, 30 and 20 rows, with batches of 10.
LIMIT = 2 * 30 * 4 * 8


def fit(x: Any = X, y: Any = Y, **options: Any) -> tuple[Any, Any]:
    net = cr.Sequential(cr.Dense(5, "tanh"), cr.Dense(1), dtype="float64")
    given = {"epochs": 5, "batch_size": 10, "seed": 3, "engine": "xla", "memory_limit": LIMIT}
    return net, net.fit(x, y, **(given | options))


def test_chunks_are_full_batches_and_two_fit() -> None:
    assert chunk_bounds(110, 10, 32, LIMIT) == [0, 30, 60, 90, 110]
    assert chunk_bounds(110, 8, 32, LIMIT) == [0, 24, 48, 72, 96, 110]
    assert chunk_bounds(110, 10, 32, 110 * 32) == [0, 110]
    assert chunk_bounds(110, 10, 32, 2 * 10 * 32 - 1) == []


def test_a_stream_holds_two_chunks_at_most() -> None:
    """By the memory that NumPy has from Python: JAX's arrays of a chunk lie in NumPy's."""
    data = RNG.normal(size=(110_000, 3))
    chunk = 30_000 * 3 * 8
    jax_module()
    tracemalloc.start()
    try:
        held = Stream({"x": data}, [0, 30_000, 60_000, 90_000, 110_000])
        for number, following in [(0, 1), (0, 1), (1, 3), (3, 2), (2, None), (0, 1), (3, None)]:
            found = held.get(number, following)["x"]
            assert (np.asarray(found) == data[30_000 * number :][: len(found)]).all()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 2 * chunk < most < 2.6 * chunk


@pytest.mark.parametrize("options", [{}, {"batch_size": 5}, {"optimizer": cr.SGD(0.05)}])
@pytest.mark.parametrize("weighted", [False, True])
def test_streamed_training_is_the_reference_in_that_order(
    options: dict[str, Any], weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if weighted:
        options = options | {"sample_weight": np.linspace(0.1, 2, 110)}
    ours, history = fit(schedule="cosine", **options)
    orders: list[Any] = []
    batches = ChunkRunner.batches
    begin = Runner.__init__

    def begin_with_chunks(self: Any, *args: Any, **options: Any) -> None:
        if type(self) is Runner:
            bounds = chunk_bounds(110, args[4], 40 if weighted else 32, LIMIT)
            others = np.random.default_rng(0)
            self._streamed = ChunkRunner(*args[:5], others, "xla", bounds=bounds)
        begin(self, *args, **options)
        if type(self) is Runner:
            self._streamed._order_key = args[5].integers(2**32, size=2, dtype=np.uint32)

    def in_chunks(self: Any) -> Any:
        self._streamed.steps = self.steps
        orders.append(batches(self._streamed))
        return orders[-1]

    monkeypatch.setattr(Runner, "__init__", begin_with_chunks)
    monkeypatch.setattr(Runner, "batches", in_chunks)
    theirs, expected = fit(engine="reference", memory_limit=None, schedule="cosine", **options)
    assert len(orders) == 5
    for order in orders:
        np.testing.assert_array_equal(np.sort(np.concatenate(order)), np.arange(110))
    assert [o[0][0] for o in orders] != [orders[0][0][0]] * 5
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-9)
    for name, array in theirs.parameters.items():
        np.testing.assert_allclose(ours.parameters[name], array, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [8, 7, 30])
def test_every_row_counts_once(batch_size: int) -> None:
    net, history = fit(epochs=2, optimizer=cr.SGD(1e-12), batch_size=batch_size)
    expected = net.evaluate(X, Y)["loss"]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-9)


def test_how_steps_are_cut_into_calls_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, history = fit()
    monkeypatch.setattr(EpochsRunner, "_most", lambda self, rates: 2)
    cut, same = fit()
    assert history["loss"] == same["loss"]
    assert whole.parameters["W1"].tobytes() == cut.parameters["W1"].tobytes()


@pytest.mark.parametrize("labels", ["float64", "int64"])
def test_a_file_mapped_into_memory(labels: str, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    y = Y if labels == "float64" else X.argmax(axis=1)
    np.save(tmp_path / "y.npy", y)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("X", "y")]
    results = []
    for x, t in ((X, y), mapped):
        net = cr.Sequential(
            cr.Dense(1) if labels == "float64" else cr.Dense(3, "softmax"), dtype="float64"
        )
        net.fit(x, t, epochs=3, batch_size=10, engine="xla", memory_limit=LIMIT)
        results.append(net.parameters["W1"])
    np.testing.assert_array_equal(*results)


def test_what_is_not_finite_is_named_in_a_stream_too() -> None:
    with pytest.warns(TrainingWarning, match=r"not finite was born in step \d+, in the op"):
        net, _ = fit(epochs=200, optimizer=cr.SGD(60.0))
    assert all(np.isfinite(array).all() for array in net.parameters.values())


def test_batches_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        OptionError, match=r"memory_limit is 640 bytes, and two batches of 110 rows"
    ):
        fit(memory_limit=640, batch_size=None)


@pytest.mark.parametrize("limit", [0, -1, "2 GB", True, float("nan")])
def test_a_limit_is_a_number_of_bytes(limit: Any) -> None:
    with pytest.raises(OptionError, match="memory_limit is a number of bytes, such as 2e9"):
        fit(memory_limit=limit)


def test_other_engines_have_no_limit() -> None:
    with pytest.raises(OptionError, match="memory_limit is for engine='xla'"):
        fit(engine="numpy")


def test_by_default_a_file_may_take_half_the_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stream, "_host_memory", lambda: 5000.0)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert device_memory({"x": mapped[3:]}) == 2500
    assert device_memory({"x": X}) == np.inf  # it is there already
    made = []
    begin = ChunkRunner.__init__

    def noted(self: Any, *arguments: Any, **options: Any) -> None:
        made.append(arguments[-1])
        begin(self, *arguments, **options)

    monkeypatch.setattr(ChunkRunner, "__init__", noted)
    fit(mapped, memory_limit=None)
    assert made == [[0, 30, 60, 90, 110]]
    fit(memory_limit=None)
    assert len(made) == 1
