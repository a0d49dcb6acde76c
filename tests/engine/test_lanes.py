"""Lanes: the same numbers with the axis of the networks last, and when that is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_checks import assert_engines_agree

import chainrule as cr
from chainrule.engine import lanes as lanes_module
from chainrule.engine.faster import faster
from chainrule.engine.lanes import lane_count, lanes
from chainrule.graph.apply import apply
from chainrule.graph.batch import batch
from chainrule.graph.graph import Graph
from chainrule.graph.op import OPS, Op
from chainrule.graph.tensor import placeholder
from chainrule.nn.losses import loss
from chainrule.train.step import flat, training_step

SIZE = 4
Array = np.ndarray[Any, Any]
EXAMPLES = [
    pytest.param(op, inputs, id=f"{name}-{i}")
    for name, kind in sorted(OPS.items())
    for i, (op, inputs) in enumerate(kind.examples(np.random.default_rng(3)))
]
AXES = pytest.mark.parametrize("axis", [0, -1])


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every graph is taken for one of SIZE networks."""
    monkeypatch.setattr(lanes_module, "lane_count", lambda graph: SIZE)


def stacked(x: Array, rng: np.random.Generator) -> Array:
    rows = [rng.permutation(np.ravel(x)).reshape(np.shape(x)) for _ in range(SIZE)]
    return np.stack(rows)


def assert_same(graph: Graph, moved: Graph, arrays: list[Array]) -> None:
    moved.verify()
    assert moved.inputs == graph.inputs or all(
        a is b for a, b in zip(moved.inputs, graph.inputs, strict=True)
    )
    expected = graph.structure.leaves(graph.compile("reference")(*arrays))
    found = moved.structure.leaves(moved.compile("reference")(*arrays))
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


@AXES
@pytest.mark.parametrize(("op", "inputs"), EXAMPLES)
@pytest.mark.usefixtures("forced")
def test_every_op_is_moved_or_left_as_it_was(op: Op, inputs: tuple[Any, ...], axis: int) -> None:
    """All inputs in lanes, then only the first, then only the last."""
    arrays = [np.asarray(x) for x in inputs]
    names = "abcdef"[: len(arrays)]
    leaves = [placeholder(x.shape, x.dtype, n) for x, n in zip(arrays, names, strict=True)]
    graph = Graph(leaves, [apply(op, *leaves)])
    rng = np.random.default_rng(1)
    for chosen in sorted({names, names[0], names[-1]}):
        batched = batch(graph, SIZE, list(chosen), axis)
        given = [
            np.moveaxis(stacked(x, rng), 0, axis) if n in chosen else x
            for x, n in zip(arrays, names, strict=True)
        ]
        assert_same(batched, lanes(batched), given)
        assert_engines_agree(batched, given)


# What the rules leave of a product


def product(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Graph, list[Array]]:
    x, y = placeholder(a, "float64", "x"), placeholder(b, "float64", "y")
    rng = np.random.default_rng(2)
    return Graph([x, y], [x @ y]), [rng.standard_normal(a), rng.standard_normal(b)]


@pytest.mark.parametrize(("i", "k", "j"), [(3, 1, 2), (3, 5, 1), (1, 5, 3), (1, 1, 1), (3, 5, 2)])
@pytest.mark.parametrize("at_once", [0, 1 << 17])
@pytest.mark.usefixtures("forced")
def test_products_of_each_with_its_own(
    i: int, k: int, j: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes_module, "AT_ONCE", at_once)
    graph, arrays = product((SIZE, i, k), (SIZE, k, j))
    moved = lanes(graph)
    # What is left are sums: a row of ones times a matrix.
    assert all(node.ndim == 1 for node in moved.nodes if str(node.op) == "matmul")
    assert_same(graph, moved, arrays)


@pytest.mark.usefixtures("forced")
def test_whole_numbers_keep_their_dtype() -> None:
    def function(x: Any, y: Any) -> Any:
        return x @ y, cr.sum(x, (1, 2)), cr.mean(x, (1, 2))

    x, y = np.arange(24, dtype=np.int32).reshape(SIZE, 2, 3), np.ones((SIZE, 3, 5), np.int32)
    graph = cr.trace(function, x, y)
    assert_same(graph, lanes(graph), [x, y])


@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 5), (SIZE, 5, 2)), ((SIZE, 3, 5), (5, 2)), ((SIZE, 5), (5, 2)), ((SIZE, 5), (5,))],
)
@pytest.mark.usefixtures("forced")
def test_products_with_what_all_share(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    graph, arrays = product(a, b)
    moved = lanes(graph)
    assert str(moved).count("matmul") == 1
    assert_same(graph, moved, arrays)


@pytest.mark.usefixtures("forced")
def test_an_axis_that_is_as_long_by_chance_does_no_harm() -> None:
    """SIZE rows, SIZE features, SIZE classes: every axis could be taken for the lanes."""

    def function(x: Any, w: Any, b: Any, t: Any) -> Any:
        y = cr.tanh(cr.matmul(cr.tanh(x), w) + cr.reshape(b, (SIZE, 1, SIZE)))
        z = cr.softmax(cr.transpose(y, (0, 2, 1)) @ x) + cr.broadcast_to(t, (SIZE, SIZE, SIZE))
        picked = cr.concatenate([z[:, 1:], z[1:2] + cr.sum(x, 0) + z[:, ..., :1]], axis=1)
        return picked, cr.sum(picked, 0), cr.max(picked, (0, 1)), cr.transpose(z, (2, 1, 0)), t[1]

    rng = np.random.default_rng(4)
    shapes = [(SIZE, SIZE), (SIZE, SIZE, SIZE), (SIZE, SIZE), (SIZE, SIZE, 1)]
    arrays = [rng.standard_normal(shape) for shape in shapes]
    graph = cr.trace(function, *arrays)
    assert_same(graph, lanes(graph), arrays)
    assert_engines_agree(graph, arrays)


# Training steps


def step(hidden: tuple[int, ...], rows: int, networks: int, axis: int) -> tuple[Graph, list[Array]]:
    """The batched step of small networks with its arrays."""
    layers = [cr.Dense(units, "tanh") for units in hidden]
    nets = [
        cr.Sequential(*layers, cr.Dense(1, "sigmoid"), dtype="float64").build(2, seed)
        for seed in range(networks)
    ]
    rng = np.random.default_rng(5)
    data = {"x": rng.standard_normal((rows, 2)), "t": (rng.random((rows, 1)) < 0.5) * 1.0}
    one = training_step(nets[0], loss("binary_cross_entropy"), cr.SGD(0.5), {}, data)
    graph = batch(one.graph, networks, ["theta", "rate"], axis).simplify()
    theta = np.stack([flat(net.parameters, net.dtype) for net in nets], axis)
    return graph, [theta, np.full(networks, 0.5), np.zeros(2, np.uint32), *data.values()]


@AXES
def test_small_networks_are_moved_and_the_plan_gives_the_bits_of_the_reference(axis: int) -> None:
    graph, arrays = step((4,), 4, 32, axis)
    assert lane_count(graph) == 32
    products = [node for node in faster(graph).nodes if str(node.op) == "matmul"]
    assert products
    assert all(node.ndim <= 2 for node in products)
    assert_engines_agree(graph, arrays)
    quick, defined = (graph.compile(engine)(*arrays) for engine in ("numpy", "reference"))
    for a, b in zip(quick, defined, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_with_their_axis_last_nothing_is_turned() -> None:
    graph, _ = step((4,), 4, 32, -1)
    names = {x.name for x in graph.inputs}
    turned = [
        node for node in lanes(graph).nodes
        if str(node.op).startswith("transpose") and node.inputs[0].name in names - {"x"}
    ]  # fmt: skip
    assert turned == []


@pytest.mark.parametrize(("hidden", "rows"), [((64, 64), 100), ((16, 16), 400)])
def test_larger_networks_stay_as_they_are(hidden: tuple[int, ...], rows: int) -> None:
    graph, _ = step(hidden, rows, 32, 0)
    assert lane_count(graph) is None
    assert lanes(graph) is graph


def test_one_network_and_one_product_stay_as_they_are() -> None:
    graph, _ = product((5, 2, 3), (5, 3, 4))
    assert lanes(graph) is graph
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1)).build(2)
    alone = net.graph(4)
    assert lanes(alone) is alone


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_long_softplus_is_within_its_bound(dtype: str) -> None:
    spread = np.concatenate([np.linspace(-800, 800, 5001), np.linspace(-30, 30, 5001)])
    z = np.concatenate([spread, [0.0, -0.0, np.inf, -np.inf]]).astype(dtype)
    graph = cr.trace(cr.softplus, z)
    assert "softplus" not in str(faster(graph))
    quick, defined = (graph.compile(engine)(z) for engine in ("numpy", "reference"))
    finite = np.isfinite(defined)
    error = np.abs(quick[finite] - defined[finite])
    assert error.max() > 0
    assert np.all(error <= 4 * np.finfo(dtype).eps * defined[finite] + np.finfo(dtype).tiny)
    np.testing.assert_array_equal(quick[~finite], defined[~finite])
    short = cr.trace(cr.softplus, z[:100])
    assert faster(short).nodes[-1] is short.nodes[-1]


def test_an_own_targets_mean_is_over_its_own_rows() -> None:
    """Targets that differ by network, and never change: the mean is not one over all networks."""

    def function(z: Any, t: Any) -> Any:
        return cr.mean(cr.sigmoid_cross_entropy(z, t), (0, 1))

    rng = np.random.default_rng(6)
    z, t = rng.standard_normal((5, 1, 8)), rng.random((5, 1, 8))
    graph = cr.trace(function, z, t)
    program = cr.engine.Program(graph, {"z": z, "t": t}, steady=["t"])
    program.run()
    np.testing.assert_allclose(program.outputs[0], graph.evaluate(z, t), rtol=1e-12)
