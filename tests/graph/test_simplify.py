"""simplify: each rule, and the same bits before and after on random graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.apply import constant
from chainrule.graph.graph import Graph
from chainrule.graph.simplify import FOLDED_ENTRIES

RNG = np.random.default_rng(10)
X = RNG.standard_normal((3, 4))
BIG = np.arange(FOLDED_ENTRIES + 1.0)


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes if node.op is not None]


RULES: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "x * 1": (lambda x: x * 1.0, []),
    "1 * x": (lambda x: 1.0 * x, []),
    "x * ones": (lambda x: x * np.ones((3, 4)), []),
    "x / 1": (lambda x: x / 1.0, []),
    "x ** 1": (lambda x: x**1, []),
    "x + 0": (lambda x: x + 0.0, []),
    "0 + x": (lambda x: np.zeros(4) + x, []),
    "x - 0": (lambda x: x - 0.0, []),
    "identity": (lambda x: +x, []),
    "--x": (lambda x: cr.negative(-x), []),
    "x.T.T": (lambda x: x.T.T, []),
    "three transposes": (lambda x: x.T.T.T, ["transpose"]),
    "transpose that moves nothing": (lambda x: cr.transpose(x, (0, 1)), []),
    "reshape of reshape": (lambda x: x.reshape(12).reshape(2, 6), ["reshape"]),
    "reshape there and back": (lambda x: x.reshape(12).reshape(3, 4), []),
    "astype to the same": (lambda x: x.astype("float64"), []),
    "common subexpressions": (lambda x: np.exp(x) + np.exp(x), ["exp", "add"]),
    "common constants": (lambda x: (x + 2.0) * (x + 2.0), ["constant", "add", "multiply"]),
    "unused": (lambda x: (np.exp(x), x + 1.0)[1], ["constant", "add"]),
    "-(2 x)": (lambda x: -(2.0 * x), ["constant", "multiply"]),
    "a spread number": (
        lambda x: x * cr.broadcast_to(cr.sum(x), (3, 4)), ["sum", "multiply"]),
    "a number spread, then changed": (
        lambda x: np.exp(cr.broadcast_to(cr.sum(x), (3, 4))), ["sum", "exp", "broadcast_to"]),
}  # fmt: skip

# Left as they are, for a reason.
KEPT: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "x * 0 may be NaN": (lambda x: x * 0.0, ["constant", "multiply"]),
    "x - x may be NaN": (lambda x: x - x, ["subtract"]),
    "x + 0 may change the shape": (lambda x: x + np.zeros((2, 3, 4)), ["constant", "add"]),
    "x * 1 may change the dtype": (lambda x: x.astype("float32") * np.float64(1.0), [
        "astype", "constant", "multiply"]),
    "one cast is not none": (
        lambda x: x.astype("float32").astype("float64"), ["astype", "astype"]),
    "different settings": (lambda x: x.sum(0) + x.max(0), ["sum", "max", "add"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("function", "left"), [*RULES.values(), *KEPT.values()], ids=[*RULES, *KEPT]
)
def test_rule(function: Callable[[Any], Any], left: list[str]) -> None:
    graph = cr.trace(function, X)
    simple = graph.simplify()
    simple.verify()
    assert names(simple) == left
    assert len(simple) <= len(graph)
    np.testing.assert_array_equal(simple.evaluate(X), graph.evaluate(X))
    assert simple.input_names() == graph.input_names()
    assert simple.outputs[0].dtype == graph.outputs[0].dtype
    again = simple.simplify()
    assert names(again) == names(simple), "once is enough"


def test_constants_are_folded_to_one_number() -> None:
    def f(x: Any) -> Any:
        return x * (cr.exp(constant(np.array(0.5)) * 2.0) + 1.0)

    graph = cr.trace(f, X)
    simple = graph.simplify()
    assert names(simple) == ["constant", "multiply"]
    np.testing.assert_array_equal(simple.evaluate(X), X * (np.exp(1.0) + 1.0))


def test_a_view_of_a_constant_is_a_constant() -> None:
    rows = np.arange(12.0).reshape(4, 3)
    graph = cr.trace(lambda x: (x + constant(rows).T) * constant(rows)[0, 1], X)
    simple = graph.simplify()
    assert names(simple) == ["constant", "add"]
    np.testing.assert_array_equal(simple.evaluate(X), X + rows.T)


def test_a_large_constant_is_not_computed_into_the_graph() -> None:
    def f(x: Any) -> Any:
        return x + constant(np.array(1.0)) * constant(BIG)

    simple = cr.trace(f, BIG).simplify()
    simple.verify()
    np.testing.assert_array_equal(simple.evaluate(BIG), 2 * BIG)


def test_equal_bytes_of_another_dtype_or_shape_are_another_constant() -> None:
    zero_float, zero_int = np.zeros(2), np.zeros(2, np.int64)
    graph = cr.trace(
        lambda x: (x + zero_float[0] * 0 + 3.0, x.astype("int64") + zero_int), np.ones(2)
    )
    simple = graph.simplify()
    simple.verify()
    for ours, right in zip(simple.evaluate(np.ones(2)), graph.evaluate(np.ones(2)), strict=True):
        np.testing.assert_array_equal(ours, right)
        assert ours.dtype == right.dtype


def test_minus_zero_and_zero_are_not_shared() -> None:
    graph = cr.trace(lambda x: (np.maximum(x, 0.0) / -np.inf, x * -0.0, x * 0.0), 1.0)
    found = graph.simplify().evaluate(1.0)
    assert [bool(np.signbit(part)) for part in found] == [True, True, False]


def test_placeholders_are_never_shared() -> None:
    graph = cr.trace(lambda a, b: a - b, 1.0, 1.0).simplify()
    assert graph.evaluate(5.0, 3.0) == 2.0


def test_a_leaf_is_not_a_constant() -> None:
    """What cr.tensor makes may want a gradient, so no rule may swallow it."""
    one, z = cr.tensor(1.0), cr.tensor(0.3)
    y = one / (1 + np.exp(-z))
    y.backward()
    s = 1 / (1 + np.exp(-0.3))
    np.testing.assert_allclose(one.grad, s, rtol=1e-15)
    np.testing.assert_allclose(z.grad, s * (1 - s), rtol=1e-15)

    inner, x = cr.tensor(1.0), cr.tensor(0.3)
    (1 / (inner + np.exp(-x))).backward()
    np.testing.assert_allclose(inner.grad, -(s**2), rtol=1e-15)

    unit = cr.tensor(1.0)
    (x * unit).backward()
    assert unit.grad == 0.3

    probability, certain = cr.sigmoid(x), cr.tensor(1.0)
    np.log(certain - probability).backward()
    np.testing.assert_allclose(certain.grad, 1 / (1 - s), rtol=1e-14)


def test_an_input_that_happens_to_be_one_is_no_constant_either() -> None:
    graph = cr.trace(lambda one, z: one / (1 + np.exp(-z)), 1.0, 0.3)
    simple = graph.simplify()
    np.testing.assert_allclose(simple.evaluate(2.0, 0.3), 2 / (1 + np.exp(-0.3)), rtol=1e-15)
    slope = graph.backward("one").evaluate(1.0, 0.3)
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(-0.3)), rtol=1e-15)


# --- random graphs ---------------------------------------------------------------------------

UNARY: list[Callable[[Any], Any]] = [
    lambda a: -a, lambda a: +a, np.tanh, np.sin, cr.sigmoid, cr.relu, np.abs, np.square,
    lambda a: a * 1.0, lambda a: 1.0 * a, lambda a: a + 0.0, lambda a: a / 1.0, lambda a: a**1,
    lambda a: -(0.5 * a), lambda a: 2.0 * a, lambda a: a - 3.0, lambda a: 3.0 - a,
    lambda a: a.T.T, lambda a: cr.transpose(cr.reshape(a, (4, 3))) if a.size == 12 else a,
    lambda a: cr.reshape(cr.reshape(a, -1), a.shape), lambda a: cr.broadcast_to(cr.mean(a), (3, 4)),
    lambda a: a - cr.mean(a, 0 if a.ndim else None, keepdims=True),
    lambda a: cr.broadcast_to(cr.sum(a) * 0.1, a.shape), lambda a: a * np.full(a.shape, 1.0),
    lambda a: cr.exp(cr.tensor(0.5).value * cr.clip(a, -1.0, 1.0)), lambda a: a.astype("float64"),
    lambda a: np.concatenate([a, a], axis=0)[: a.shape[0]] if a.ndim else a,
    lambda a: a[::-1] if a.ndim else a, lambda a: cr.softmax(a, 0) if a.ndim else a,
    lambda a: np.where(a > 0, a, 0.0), lambda a: cr.sum(a, 0) if a.ndim else a,
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (1.0 + b * b),
    np.maximum, np.minimum, lambda a, b: np.where(a > b, a, b),
]  # fmt: skip

programs = st.lists(
    st.tuples(
        st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 100), st.integers(0, 100)
    ),
    min_size=1,
    max_size=14,
)


def written(program: list[tuple[int, int, int]]) -> Callable[..., Any]:
    """The function that a random program means; every size broadcasts with (3, 4)."""

    def f(x: Any, y: Any, s: Any) -> Any:
        known = [x, y, s]
        for choice, i, j in program:
            a, b = known[i % len(known)], known[j % len(known)]
            if choice < len(UNARY):
                known.append(UNARY[choice](a))
            else:
                known.append(BINARY[choice - len(UNARY)](a, b))
        return cr.sum(known[-1] * 0.5) + cr.sum(known[-2]) * 0.25

    return f


VALUES = (X, RNG.standard_normal(4), np.array(0.7))


@given(programs)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_random_graphs_keep_their_bits(program: list[tuple[int, int, int]]) -> None:
    graph = cr.trace(written(program), *VALUES)
    graph.verify()
    simple = graph.simplify()
    simple.verify()
    assert len(simple) <= len(graph)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(simple.evaluate(*VALUES), graph.evaluate(*VALUES))


@given(programs)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_random_gradients_keep_their_bits(program: list[tuple[int, int, int]]) -> None:
    graph = cr.trace(written(program), *VALUES)
    raw = Graph(graph.inputs, cr.differentiate(graph.outputs[0], list(graph.inputs)))
    raw.verify()
    simple = raw.simplify()
    simple.verify()
    with np.errstate(all="ignore"):
        for ours, right in zip(simple.evaluate(*VALUES), raw.evaluate(*VALUES), strict=True):
            np.testing.assert_array_equal(ours, right)


@given(programs)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_random_graphs_are_the_same_traced_and_eager(program: list[tuple[int, int, int]]) -> None:
    f = written(program)
    with np.errstate(all="ignore"):
        eager = f(*map(cr.tensor, VALUES)).value
        np.testing.assert_array_equal(cr.trace(f, *VALUES).evaluate(*VALUES), eager)


def test_ops_that_only_give_other_dtypes_are_not_one() -> None:
    graph = cr.trace(lambda x: (cr.clip(x, 0, 1), cr.clip(x, 0.0, 1.0)), np.array([-3, 0, 5]))
    whole, broken = graph.simplify().outputs
    assert (whole.dtype, broken.dtype) == (np.int64, np.float64)
