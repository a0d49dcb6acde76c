"""Vectors in parts: the same numbers as in one piece, through every op that meets them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine.xla import compiled, epochs
from chainrule.engine.xla.lowering import outputs
from chainrule.engine.xla.parts import Cut, Parts, cuts_of
from chainrule.engine.xla.resident import gathered, resident
from chainrule.engine.xla.runtime import all_dtypes
from chainrule.graph.graph import Graph

RNG = np.random.default_rng(11)
SHAPES = ((6, 2), (3,), (2, 4))
SIZE = 23


def read(theta: Any) -> list[Any]:
    """The vector in the shapes of its parts."""
    parts, start = [], 0
    for shape in SHAPES:
        stop = start + int(np.prod(shape))
        parts.append(theta[start:stop].reshape(shape))
        start = stop
    return parts


def traced(update: Any) -> Graph:
    return cr.trace(update, np.zeros(SIZE), np.zeros(SIZE), np.zeros(()))


def both(update: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The update on vectors in one piece, in parts (joined again), and as it came."""
    graph = traced(lambda theta, g, r: update(theta, g, r))
    names = graph.input_names()
    cut = Cut(SHAPES)
    arrays = [RNG.normal(size=SIZE), RNG.normal(size=SIZE), np.array(0.3)]
    with all_dtypes():
        given = dict(zip(names, arrays, strict=True))
        whole = [np.asarray(x) for x in outputs(graph, given)]
        found = outputs(graph, given | {n: cut(given[n]) for n in names[:2]})
        joined = [np.asarray(x.joined() if isinstance(x, Parts) else x) for x in found]
    return whole, joined, found


UPDATES = {
    "difference": lambda theta, g, r: theta - r * g,
    "momentum": lambda theta, g, r: theta - r * (0.9 * g + theta * np.full(SIZE, 2.0)),
    "root": lambda theta, g, r: theta / (cr.sqrt(g * g) + 1e-3),
    "concatenated": lambda theta, g, r: (
        theta - cr.concatenate([(x * x).reshape(-1) for x in read(theta)])
    ),
}
OTHERS = {
    "sum": lambda theta, g, r: cr.sum(theta * g),
    "shape of its own": lambda theta, g, r: theta[2:9] * r,
    "matrix": lambda theta, g, r: cr.matmul(theta.reshape(1, SIZE), g.reshape(SIZE, 1)),
    "outer": lambda theta, g, r: theta.reshape(SIZE, 1) + g,
    "not whole": lambda theta, g, r: cr.concatenate([theta, g]),
    "scalar of one part": lambda theta, g, r: cr.sum(read(theta)[0] @ read(g)[2]),
}


@pytest.mark.parametrize("name", UPDATES)
def test_updates_stay_in_parts(name: str) -> None:
    whole, joined, found = both(UPDATES[name])
    assert all(isinstance(x, Parts) for x in found)
    np.testing.assert_allclose(joined[0], whole[0], rtol=1e-14)


@pytest.mark.parametrize("name", OTHERS)
def test_everything_else_is_joined_where_it_must_be(name: str) -> None:
    whole, joined, _ = both(OTHERS[name])
    np.testing.assert_allclose(joined[0], whole[0], rtol=1e-13)


def test_a_part_with_many_inputs_lies_transposed() -> None:
    vector = np.arange(SIZE, dtype=float)
    parts = Cut(SHAPES)(vector)
    assert [x.shape for x in parts.arrays] == [(2, 6), (3,), (2, 4)]
    np.testing.assert_array_equal(np.concatenate(parts.pieces()), vector)


def test_only_vectors_that_slices_cover_are_cut() -> None:
    def gap(theta: Any, g: Any, r: Any) -> Any:
        return theta[0:10], theta[11:23]

    assert cuts_of(traced(gap), ["theta", "g"]) == {}
    cut = cuts_of(traced(lambda theta, g, r: [*read(theta), g]), ["theta", "g", "r"])
    assert cut == {"theta": Cut(SHAPES), "g": Cut(SHAPES)}


OPTIMIZERS = {
    "sgd": cr.SGD(0.1),
    "momentum": cr.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": cr.Adam(0.01, clip_norm=1.0),
    "adamw": cr.AdamW(0.01, clip_value=0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_in_parts_is_training_in_one_piece(
    optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = RNG.normal(size=(50, 6))
    results = []
    for least in (1, 10**6):
        monkeypatch.setattr(epochs, "LEAST_CUT", least)
        monkeypatch.setattr(compiled, "_entries", OrderedDict())
        net = cr.Sequential(
            cr.Dense(5, "tanh"), cr.BatchNorm(), cr.Dropout(0.2), cr.Dense(2), dtype="float64"
        )
        history = net.fit(
            X, X[:, :2] ** 2, optimizer=OPTIMIZERS[optimizer], epochs=6, batch_size=16, engine="xla"
        )
        results.append((history["loss"], net.parameters))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-11)
    for name, array in results[1][1].items():
        np.testing.assert_allclose(results[0][1][name], array, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_no_training_joins_what_it_keeps_in_parts(
    optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def joined(parts: Parts) -> Any:
        raise AssertionError(f"{len(parts.arrays)} parts are joined")

    monkeypatch.setattr(epochs, "LEAST_CUT", 1)
    monkeypatch.setattr(compiled, "_entries", OrderedDict())
    monkeypatch.setattr(Parts, "joined", joined)
    X = RNG.normal(size=(50, 6))
    net = cr.Sequential(cr.Dense(5, "tanh"), cr.Dense(2), dtype="float64")
    before = {name: array.copy() for name, array in net.build(6).parameters.items()}
    net.fit(X, X[:, :2], optimizer=OPTIMIZERS[optimizer], epochs=2, batch_size=16, engine="xla")
    assert all(np.all(net.parameters[name] != array) for name, array in before.items())


@pytest.mark.parametrize("skipped", range(0, 64, 8))
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_rows_are_read_where_they_lie(skipped: int, dtype: str) -> None:
    width = 7
    memory = np.zeros(40_000 * width * 8 + 128, np.uint8)
    start = -memory.ctypes.data % 64 + skipped
    X = memory[start : start + 40_000 * width * np.dtype(dtype).itemsize].view(dtype)
    X = X.reshape(-1, width)
    X[:] = RNG.integers(1000, size=X.shape)
    places = np.array([0, 39_999, 5, 0, 17, 1])
    with all_dtypes():
        got = np.asarray(gathered(resident(X), places, len(X)))
    np.testing.assert_array_equal(got, X[places])
    assert got.dtype == X.dtype


@pytest.mark.parametrize("shape", [(40_000,), (5_000, 4, 3, 2), (40_000, 2, 4)])
def test_rows_of_any_shape(shape: tuple[int, ...]) -> None:
    X = RNG.normal(size=shape)
    places = RNG.integers(len(X), size=30)
    with all_dtypes():
        np.testing.assert_array_equal(gathered(resident(X), places, len(X)), X[places])
