"""Every op of the table on both engines: its value, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_checks import assert_engines_agree

import chainrule as cr
from chainrule.engine.faster import SOFTMAXES, faster
from chainrule.engine.lower import NARROW
from chainrule.graph.apply import apply
from chainrule.graph.op import OPS, Op

EXAMPLES = [
    pytest.param(op, inputs, id=f"{name}-{i}")
    for name, kind in sorted(OPS.items())
    for i, (op, inputs) in enumerate(kind.examples(np.random.default_rng(3)))
]


def test_every_op_has_examples() -> None:
    tried = {param.values[0].name for param in EXAMPLES}
    assert set(OPS) - tried == {"constant"}


def with_gradients(op: Op, inputs: tuple[Any, ...], weight: Any) -> list[Any]:
    y = apply(op, *inputs)
    floats = [x for x in inputs if x.dtype.kind == "f"]
    if y.dtype.kind != "f" or not floats:
        return [y]
    return [y, *cr.differentiate(y, floats, weight)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("op", "inputs"), EXAMPLES)
def test_value_and_gradient(op: Op, inputs: tuple[Any, ...], dtype: str) -> None:
    arrays = [np.asarray(x, dtype if x.dtype.kind == "f" else x.dtype) for x in inputs]
    result = np.asarray(op.value(np, *arrays))
    weight = np.random.default_rng(4).standard_normal(result.shape).astype(result.dtype)

    def function(weight: Any, *x: Any) -> list[Any]:
        return with_gradients(op, x, weight)

    graph = cr.trace(function, weight, *arrays)
    assert_engines_agree(graph, [weight, *arrays])
    assert_engines_agree(graph.simplify(), [weight, *arrays])


@pytest.mark.parametrize(("op", "inputs"), EXAMPLES)
def test_of_views_of_intermediate_results(op: Op, inputs: tuple[Any, ...]) -> None:
    arrays = [np.array(np.asarray(x).T, order="C") for x in inputs]
    result = np.asarray(op.value(np, *inputs))
    weight = np.random.default_rng(4).standard_normal(result.shape)

    def function(weight: Any, *x: Any) -> list[Any]:
        turned = tuple(cr.transpose(part * 2 if part.dtype.kind == "f" else part) for part in x)
        return with_gradients(op, turned, weight)

    assert_engines_agree(cr.trace(function, weight, *arrays), [weight, *arrays])


LOGITS = np.concatenate([np.linspace(-110, 110, 20001), np.linspace(-40, 40, 20001), [0.0, -0.0]])
TARGETS = np.random.default_rng(6).random(LOGITS.shape)
FLOATS = pytest.mark.parametrize("dtype", ["float32", "float64"])


def faster_and_as_defined(function: Any, gone: str, *arrays: Any) -> list[tuple[Any, Any]]:
    """The outputs on both engines, of a graph in which the op ``gone`` has a faster form."""
    graph = cr.trace(function, *arrays)
    assert f"  {gone}" in str(graph)
    assert f"  {gone}" not in str(faster(graph))
    both = [graph.compile(engine)(*arrays) for engine in ("numpy", "reference")]
    return list(zip(*(graph.structure.leaves(result) for result in both), strict=True))


@FLOATS
def test_faster_sigmoid_is_within_its_bound(dtype: str) -> None:
    z = np.concatenate([LOGITS, [1e-30, 1e30, -1e30, np.inf, -np.inf]]).astype(dtype)
    ((quick, defined),) = faster_and_as_defined(cr.sigmoid, "sigmoid", z)
    assert 0 < np.abs(quick - defined).max() <= 2 * np.finfo(dtype).eps


@FLOATS
def test_faster_cross_entropy_and_the_sigmoid_beside_it_are_within_their_bounds(dtype: str) -> None:
    z, t = LOGITS.astype(dtype), TARGETS.astype(dtype)
    (loss, loss_defined), (s, s_defined) = faster_and_as_defined(
        lambda z, t: (cr.sigmoid_cross_entropy(z, t), cr.sigmoid(z)), "sigmoid", z, t
    )
    eps = np.finfo(dtype).eps
    assert np.all(np.abs(loss - loss_defined) <= 4 * eps * (1 + np.abs(z)))
    assert 0 < np.abs(s - s_defined).max() <= 16 * eps


SUMS = {
    "sum over rows": (lambda x: cr.sum(x, 0), "sum", lambda x: len(x) * x.sum(0)),
    "sum of all": (cr.sum, "sum", lambda x: x.size * x.sum()),
    "mean of all": (cr.mean, "mean", lambda x: x.size * x.mean()),
}


@FLOATS
@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("name", SUMS)
def test_faster_sums_are_within_their_bound(name: str, rows: int, dtype: str) -> None:
    function, gone, scale = SUMS[name]
    x = np.random.default_rng(rows).standard_normal((rows, 13)).astype(dtype)
    ((quick, defined),) = faster_and_as_defined(function, gone, x)
    assert np.all(np.abs(quick - defined) <= 2 * np.finfo(dtype).eps * scale(np.abs(x)))


@FLOATS
@pytest.mark.parametrize("name", ["sum", "mean"])
def test_faster_sums_of_each_table_in_a_stack_are_within_their_bound(name: str, dtype: str) -> None:
    x = np.random.default_rng(8).standard_normal((5, 7, 11)).astype(dtype)
    function = getattr(cr, name)
    ((quick, defined),) = faster_and_as_defined(lambda x: function(x, (1, 2)), name, x)
    scale = getattr(np, name)(np.abs(x), (1, 2)) * 77
    assert np.all(np.abs(quick - defined) <= 2 * np.finfo(dtype).eps * scale)


@FLOATS
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("width", [1, 2, 10, 32])
def test_softmax_of_short_rows_is_within_its_bound(name: str, width: int, dtype: str) -> None:
    z = (30 * np.random.default_rng(9).standard_normal((200, width))).astype(dtype)
    z[0] = np.where(np.arange(width) % 2, 1000, -1000)
    ((quick, defined),) = faster_and_as_defined(lambda z: getattr(cr, name)(z, axis=-1), name, z)
    bound = (2 * width + 2) * np.finfo(dtype).eps
    assert np.all(np.abs(quick - defined) <= bound * np.maximum(np.abs(defined), 1))
    if name == "softmax":
        assert np.all(np.abs(quick - defined) <= bound * defined)


@FLOATS
def test_cross_entropy_of_short_rows_is_within_its_bound(dtype: str) -> None:
    rng = np.random.default_rng(10)
    z, t = (30 * rng.standard_normal((200, 10))).astype(dtype), rng.integers(10, size=200)
    ((quick, defined),) = faster_and_as_defined(
        cr.softmax_cross_entropy, "softmax_cross_entropy", z, t
    )
    assert np.all(np.abs(quick - defined) <= 22 * np.finfo(dtype).eps * np.maximum(defined, 1))


def test_long_rows_are_added_up_as_they_were() -> None:
    graph = cr.trace(cr.softmax, np.zeros((3, NARROW + 1)))
    assert "  softmax" in str(faster(graph))


@FLOATS
def test_faster_scaled_error_of_sigmoid_is_within_its_bound(dtype: str) -> None:
    z, t, c = LOGITS.astype(dtype), TARGETS.astype(dtype), np.array(0.37, dtype)
    graph = cr.trace(lambda c, z, t: c * (cr.sigmoid(z) - t), c, z, t)
    quick = faster(graph, [graph.input_names()[2]])
    assert "  sigmoid" in str(graph)
    assert "  sigmoid" not in str(quick)
    ours, defined = (g.compile("reference")(c, z, t) for g in (quick, graph))
    assert 0 < np.abs(ours - defined).max() <= 3 * np.finfo(dtype).eps * 0.37


def test_sums_of_nothing_are_left_alone() -> None:
    graph = cr.trace(lambda x: (cr.sum(x, 0), cr.sum(x)), np.zeros((0, 3)))
    assert_engines_agree(graph, [np.zeros((0, 3))])


def test_nothing_else_differs_from_the_graph_as_it_was_recorded() -> None:
    rewritten = {"sigmoid", "sum", "mean", "sigmoid_cross_entropy", *SOFTMAXES}
    untouched = [p for p in EXAMPLES if p.values[0].name not in rewritten]
    assert len(untouched) > 100
    for param in untouched:
        op, inputs = param.values
        graph = cr.trace(lambda *x, op=op: apply(op, *x), *inputs)
        assert faster(graph).nodes == graph.nodes
