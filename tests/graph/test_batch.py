"""batch: a graph of stacked inputs is the stack of the graph on each, for every op.

Which inputs get the axis is tried in all ways, on both engines, in both precisions; derivatives are
taken before and after.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from op_checks import CASES, DIFFERENTIABLE, Case

import chainrule as cr
from chainrule.errors import OptionError, RecordingError
from chainrule.graph.apply import apply
from chainrule.graph.batch import batch
from chainrule.graph.graph import Graph
from chainrule.graph.op import OPS, Op
from chainrule.graph.trace import stand_in
from chainrule.ops.indexing import Index, IndexAdd

SIZE = 3
Array = np.ndarray[Any, Any]
BOTH_PRECISIONS = pytest.mark.parametrize("dtype", ["float64", "float32"])
BOTH_ENGINES = pytest.mark.parametrize("engine", ["reference", "numpy"])
ALL = pytest.mark.parametrize("case", CASES, ids=str)

ARRAY, WHOLE = "array", (None, None, None)
CUBE = np.random.default_rng(5).standard_normal((3, 4, 5))
PLACES, COLUMNS = np.array([0, 2, 2, -1]), np.array([[1], [0]])
#: Keys whose arrays are parted, stand behind other axes, or beside numbers and new axes.
KEYS: list[tuple[tuple[Any, ...], tuple[Array, ...]]] = [
    ((ARRAY, WHOLE, ARRAY), (PLACES, np.array([0, 4, 1, 1]))),
    ((WHOLE, ARRAY, ARRAY), (PLACES, COLUMNS)),
    ((..., ARRAY), (PLACES,)),
    ((1, WHOLE, ARRAY), (COLUMNS,)),
    ((WHOLE, 0, ARRAY), (PLACES,)),
    ((None, ARRAY, (1, 3, None)), (PLACES,)),
    ((WHOLE, ARRAY, None, 2), (PLACES,)),
]
KEYED = [Case(f"key-{i}", Index(key), (CUBE, *arrays)) for i, (key, arrays) in enumerate(KEYS)]
KEYED += [
    Case(f"add-{i}", IndexAdd(case.op.key, CUBE.shape), (case.value, *case.inputs[1:]))  # type: ignore[attr-defined]
    for i, case in enumerate(KEYED)
]


def varied(x: Array, rng: np.random.Generator) -> Array:
    """SIZE arrays like ``x``, of its domain: its own entries in other orders, for floats scaled."""
    rows = [rng.permutation(x.reshape(-1)).reshape(x.shape) for _ in range(SIZE)]
    stacked = np.stack(rows)
    if x.dtype.kind != "f":
        return stacked
    return (stacked * rng.uniform(0.5, 0.95, stacked.shape)).astype(x.dtype)


def choices(count: int) -> list[tuple[bool, ...]]:
    return [c for c in itertools.product([True, False], repeat=count) if any(c)]


def in_turn(graph: Graph, chosen: tuple[bool, ...], arrays: list[Array]) -> list[Array]:
    """The graph on one entry of the chosen inputs after the other, stacked."""
    run = graph.compile("reference")
    rows = [
        list(
            graph.structure.leaves(
                run(*[a[i] if c else a for a, c in zip(arrays, chosen, strict=True)])
            )
        )
        for i in range(SIZE)
    ]
    return [np.stack(outputs) for outputs in zip(*rows, strict=True)]


def assert_batched(
    graph: Graph, inputs: tuple[Array, ...], engine: str, tolerance: float = 1e-12
) -> None:
    """All ways to choose inputs, with the new axis in front and at the end."""
    names = graph.input_names()
    rng = np.random.default_rng(1)
    for chosen in choices(len(inputs)):
        arrays = [varied(x, rng) if c else x for x, c in zip(inputs, chosen, strict=True)]
        expected = in_turn(graph, chosen, arrays)
        picked = [name for name, c in zip(names, chosen, strict=True) if c]
        for axis in (0, -1):
            made = batch(graph, SIZE, picked, axis)
            made.verify()
            simpler = made.simplify()
            simpler.verify()
            given = [
                np.moveaxis(a, 0, axis) if c else a for a, c in zip(arrays, chosen, strict=True)
            ]
            one = made if engine == "reference" else simpler
            found = list(one.structure.leaves(one.compile(engine)(*given)))
            for a, b, node in zip(expected, found, one.outputs, strict=True):
                b = np.moveaxis(b, axis, 0) if b.shape != a.shape[1:] else np.stack([b] * SIZE)
                assert b.dtype == a.dtype == node.dtype
                np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


def traced(op: Op, inputs: tuple[Array, ...]) -> Graph:
    names = "abcdef"[: len(inputs)]
    leaves = [stand_in(x, name) for x, name in zip(inputs, names, strict=True)]
    return Graph(leaves, [apply(op, *leaves)])


# Values


@ALL
@BOTH_ENGINES
@BOTH_PRECISIONS
def test_every_op_is_the_stack_of_itself(case: Case, engine: str, dtype: str) -> None:
    inputs = tuple(x.astype(dtype) if x.dtype == np.float64 else x for x in case.inputs)
    tolerance = 1e-12 if dtype == "float64" else 2e-6
    assert_batched(traced(case.op, inputs), inputs, engine, tolerance)


@pytest.mark.parametrize("case", KEYED, ids=str)
@BOTH_ENGINES
def test_keys_of_every_kind(case: Case, engine: str) -> None:
    assert_batched(traced(case.op, case.inputs), case.inputs, engine)


def test_every_op_has_a_rule_of_its_own_or_its_family() -> None:
    without = [name for name, op in OPS.items() if op.batched is Op.batched and name != "constant"]
    assert without == []


# Planted mistakes: each must be noticed

REDUCE, LOSS, SHAPE, RANDOM = cr.ops.reduce, cr.ops.loss, cr.ops.shape, cr.ops.random
EXTREME, STACKING = cr.ops.extreme, cr.ops.stacking
CUBES = (CUBE[:, :3, :3],)  # axes of one length, so that shapes alone tell nothing
Rule = Any
MISTAKES: dict[str, tuple[Rule, Op, tuple[Array, ...]]] = {
    "the axis is not moved": (lambda op, s, x: apply(op, x), LOSS.Softmax(1), CUBES),
    "the largest of another axis": (
        lambda op, s, x: apply(EXTREME.ArgMax(1), x), EXTREME.ArgMax(1), (CUBE[0, :3, :3],),
    ),
    "axes stay where they were": (
        lambda op, s, x: apply(SHAPE.Transpose((0, 1, 2, 3)), x),
        SHAPE.Transpose((2, 0, 1)), CUBES,
    ),
    "joined along the wrong axis": (
        lambda op, s, *x: cr.reshape(cr.concatenate(x, -1), (SIZE, 4, 3)),
        STACKING.Concatenate(0), (CUBE[0, :2, :3], CUBE[1, :2, :3]),
    ),
    "one key for all": (
        lambda op, s, key: cr.broadcast_to(apply(op, key[0]), (SIZE, *op.to)),
        RANDOM.Uniform((4,)), (np.array([1, 2], np.uint32),),
    ),
    "parted arrays' axes stay in front": (
        lambda op, s, x, *arrays: apply(Index((WHOLE, *op.key)), x, *arrays),
        Index((ARRAY, WHOLE, ARRAY)), (*CUBES, np.array([0, 1, 1]), np.array([2, 0, 1])),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_rule_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, op, inputs = MISTAKES[name]
    graph = traced(op, inputs)
    rng = np.random.default_rng(1)
    chosen = tuple(x.dtype != np.intp for x in inputs)
    arrays = [varied(x, rng) if c else x for x, c in zip(inputs, chosen, strict=True)]
    picked = [n for n, c in zip(graph.input_names(), chosen, strict=True) if c]
    expected = in_turn(graph, chosen, arrays)[0]

    def found() -> Array:
        return np.asarray(batch(graph, SIZE, picked).compile("reference")(*arrays))

    np.testing.assert_allclose(found(), expected)
    monkeypatch.setattr(type(op), "batched", lambda op, stacked, *x: rule(op, stacked, *x))
    assert not np.allclose(found(), expected)


def test_a_rule_that_gives_another_shape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REDUCE.Sum, "batched", lambda op, stacked, *x: apply(op, *x))
    with pytest.raises(
        RecordingError, match=r"rule of sum\(.*gave float64 of shape \(4, 5\).*\(3, 5\)"
    ):
        batch(traced(REDUCE.Sum(0), (CUBE[0],)), SIZE)


# Derivatives


def gradient_graph(case: Case) -> tuple[Graph, tuple[Array, ...]]:
    """y and the gradient of <v, y> for each input of floats, as one graph of (v, inputs)."""
    v = np.random.default_rng(2).standard_normal(case.value.shape)
    graph = traced(case.op, case.inputs)
    weight = stand_in(v, "v")
    wanted = [graph.inputs[i] for i in case.floats]
    found = cr.differentiate(graph.outputs[0], wanted, weight)
    return Graph([weight, *graph.inputs], [graph.outputs[0], *found]), (v, *case.inputs)


@pytest.mark.parametrize("case", [*DIFFERENTIABLE, *KEYED], ids=str)
@BOTH_ENGINES
def test_differentiated_then_batched(case: Case, engine: str) -> None:
    graph, inputs = gradient_graph(case)
    assert_batched(graph, inputs, engine, 1e-11)


@pytest.mark.parametrize("case", [*DIFFERENTIABLE, *KEYED], ids=str)
def test_batched_then_differentiated(case: Case) -> None:
    """Each entry depends on its own row alone, so its gradient does too; what is shared adds up."""
    graph, inputs = gradient_graph(case)
    rng = np.random.default_rng(3)
    names = graph.input_names()
    for chosen in choices(len(inputs)):
        if not chosen[0]:
            continue
        arrays = [varied(x, rng) if c else x for x, c in zip(inputs, chosen, strict=True)]
        forward = Graph(graph.inputs[1:], graph.outputs[:1])
        picked = [name for name, c in zip(names[1:], chosen[1:], strict=True) if c]
        if not picked:
            continue
        made = batch(forward, SIZE, picked)
        weight = stand_in(arrays[0], "v")
        wanted = [made.inputs[i] for i in case.floats]
        found = cr.differentiate(made.outputs[0], wanted, weight)
        gradients = Graph([weight, *made.inputs], found).compile("reference")(*arrays)
        expected = in_turn(Graph(graph.inputs, graph.outputs[1:]), chosen, arrays)
        for i, a, b in zip(
            case.floats,
            expected,
            gradients if isinstance(gradients, tuple) else [gradients],
            strict=True,
        ):
            whole = a if chosen[i + 1] else a.sum(0)
            np.testing.assert_allclose(b, whole, rtol=1e-11, atol=1e-11)


# What is asked for


def linear_graph() -> Graph:
    return cr.trace(lambda x, w: (cr.sigmoid(x @ w), cr.sum(w)), np.ones((2, 3)), np.ones((3, 1)))


def test_what_depends_on_nothing_chosen_stays_shared() -> None:
    graph = linear_graph()
    made = batch(graph, 5, "x")
    assert [x.shape for x in made.inputs] == [(5, 2, 3), (3, 1)]
    assert [y.shape for y in made.outputs] == [(5, 2, 1), ()]
    assert made.inputs[1] is graph.inputs[1]
    assert made.outputs[1] is graph.outputs[1]
    assert made.input_names() == ["x", "w"]


def test_all_inputs_by_default_and_names_places_and_structure_are_kept() -> None:
    def model(x: Any) -> dict[str, Any]:
        return {"y": cr.tanh(x), "x": x}

    graph = cr.trace(model, np.ones(3))
    made = batch(graph, 2)
    result = made.compile()(np.arange(6.0).reshape(2, 3))
    assert list(result) == ["y", "x"]
    np.testing.assert_array_equal(result["x"], np.arange(6.0).reshape(2, 3))
    assert made.outputs[0].place == graph.outputs[0].place != ""


def test_a_batched_graph_can_be_batched_again() -> None:
    graph = linear_graph()
    twice = batch(batch(graph, 4, "w"), 5, "x")
    x, w = np.random.default_rng(0).random((5, 2, 3)), np.random.default_rng(1).random((4, 3, 1))
    y, total = twice.compile()(x, w)
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-np.einsum("bij,njk->bnik", x, w))), rtol=1e-12)
    np.testing.assert_allclose(total, w.sum((1, 2)), rtol=1e-12)


def test_stable_forms_stay_stable() -> None:
    def surprise(z: Any) -> Any:
        return -np.sum(np.log(1 / (1 + np.exp(-z))))

    graph = cr.trace(surprise, np.zeros(3))
    both = Graph(graph.inputs, [*graph.outputs, *cr.differentiate(graph.outputs[0], graph.inputs)])
    z = np.array([[-1000.0, 0.0, 1000.0], [1.0, 2.0, 3.0]])
    value, slope = batch(both, 2).simplify().compile()(z)
    np.testing.assert_allclose(value[0], 1000 + np.log(2), rtol=1e-12)
    np.testing.assert_allclose(slope[0], [-1, -0.5, 0], atol=1e-12)


def test_simplify_still_works_on_it() -> None:
    graph = cr.trace(lambda x, w: (x * 1.0 + 0.0) @ w + (x @ w), np.ones((2, 3)), np.ones((3, 4)))
    assert len(batch(graph, 5, "w").simplify()) == len(graph.simplify())


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"size": 0}, "a whole number of 1 or more, got 0"),
    ({"size": 2.0}, r"a whole number of 1 or more, got 2\.0"),
    ({"size": True}, "got True"),
    ({"inputs": "z"}, "input 'z' is not known.* Known: w, x"),
    ({"inputs": []}, "batch needs at least one input .* for all of x, w"),
    ({"axis": 1}, r"in front \(axis=0\) or at the end \(-1\), got 1"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        batch(linear_graph(), **{"size": 3, **options})


def test_an_op_without_a_rule_says_what_is_missing() -> None:
    class Odd(Op):
        """An op of somebody's own."""

        def shape(self, *x: Any) -> Any:
            return x[0]

    odd = Odd()
    Odd.name = "odd"
    graph = traced(odd, (CUBE,))
    with pytest.raises(RecordingError, match=r"the op odd has no rule.*Give Odd a method batched"):
        batch(graph, 2)
