"""Scores with a row for each class: the same numbers from long loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.engine import Program, ReferenceProgram
from chainrule.engine.classes_first import LONG_ROWS, ROWS_A_CLASS, classes_first
from chainrule.engine.faster import faster
from chainrule.engine.lower import NARROW
from chainrule.graph.graph import Graph
from chainrule.graph.origin import came_from, settings
from chainrule.train.step import Step, flat, training_step


def traced(
    rows: int, classes: int, dtype: str = "float64", *, units: int = 5, labels: str = "whole",
    weighted: bool = False, optimizer: Any = cr.SGD(0.1),  # noqa: B008
) -> tuple[Step, dict[str, Any]]:  # fmt: skip
    """A training step of a network with a hidden layer, and the arrays that it reads."""
    net = cr.Sequential(cr.Dense(units, "tanh"), cr.Dense(classes, "softmax"), dtype=dtype)
    net.build(3, seed=1)
    rng = np.random.default_rng(2)
    theta = flat(net.parameters, net.dtype)
    state = optimizer.init(theta)
    targets: Any = rng.integers(classes, size=rows)
    if labels == "soft":
        targets = rng.dirichlet(np.ones(classes), rows).astype(dtype)
    batch = {"x": rng.normal(size=(rows, 3)).astype(dtype), "t": targets}
    if weighted:
        batch["w"] = rng.uniform(size=rows).astype(dtype)
    step = training_step(net, net.loss_for(), optimizer, state, batch)
    arrays = {"theta": theta, "rate": np.array(0.1), "key": np.array([1, 2], np.uint32), **batch}
    return step, arrays | {f"state {name}": array for name, array in state.items()}


#: Ops that go along the scores of a row.
ALONG = ("max", "softmax", "log_softmax")


def is_turned(graph: Graph) -> bool:
    """Whether all that goes along scores goes down the columns."""
    axes = [settings(x)["axis"] for x in graph.nodes if came_from(x, *ALONG)]
    return bool(axes) and all(axis in (0, (0,)) for axis in axes)


CASES: dict[str, dict[str, Any]] = {
    "labels": {},
    "soft labels": {"labels": "soft"},
    "weights of rows": {"weighted": True},
    "soft labels with weights": {"labels": "soft", "weighted": True},
    "adam": {"optimizer": cr.Adam(0.01)},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_a_step_has_the_bits_of_the_reference_on_its_faster_graph(case: str, dtype: str) -> None:
    step, ours = traced(20, 4, dtype, **CASES[case])
    assert is_turned(classes_first(step.graph))
    theirs = {name: array.copy() for name, array in ours.items()}
    program = Program(step.graph, ours, step.replaces)
    reference = ReferenceProgram(faster(step.graph), theirs, step.replaces)
    for _ in range(5):
        program.run()
        reference.run()
        assert ours["theta"].tobytes() == theirs["theta"].tobytes()
        assert program.outputs[0].tobytes() == reference.outputs[0].tobytes()


@pytest.mark.parametrize("case", CASES)
@given(rows=st.integers(4, 40), classes=st.integers(2, 8), units=st.integers(1, 9))
def test_a_step_differs_from_the_definition_by_rounding_only(
    case: str, rows: int, classes: int, units: int
) -> None:
    step, arrays = traced(rows, classes, units=units, **CASES[case])
    given = [arrays[name] for name in step.graph.input_names()]
    for ours, theirs in zip(
        classes_first(step.graph).evaluate(*given), step.graph.evaluate(*given), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_no_pass_goes_along_the_short_rows(case: str) -> None:
    """What is left with a column for each class are the products, and what is read of them."""
    step, _ = traced(20, 4, **CASES[case])
    for node in classes_first(step.graph).nodes:
        if node.shape == (20, 4) and node.op is not None:
            assert came_from(node, "matmul", "transpose")


def test_labels_outside_the_classes_are_rows_of_zeros_as_before() -> None:
    step, arrays = traced(20, 4)
    arrays["t"] = np.where(np.arange(20) % 5 == 0, 7, arrays["t"])
    given = [arrays[name] for name in step.graph.input_names()]
    ours, theirs = classes_first(step.graph).evaluate(*given), step.graph.evaluate(*given)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)


def test_huge_scores_stay_finite() -> None:
    z = np.array([[1000.0, -1000.0], [-1e300, 1e300], [0.0, 0.0], [5.0, 5.0]])
    t = np.array([1, 0, 1, 0])
    graph = cr.trace(lambda z: cr.softmax_cross_entropy(z + 0.0 * z, t), z)
    graph = Graph(graph.inputs, graph.outputs)
    turned = classes_first(graph)
    assert is_turned(turned)
    np.testing.assert_allclose(turned.evaluate(z), graph.evaluate(z), rtol=1e-15)


def test_what_is_asked_for_beside_the_loss_keeps_its_form() -> None:
    """Outputs, sums along rows and other readers find rows as they were."""
    b, t = np.array([0.5, -1.0, 2.0]), np.arange(9) % 3

    def several(z: Any) -> Any:
        scores = z + b
        p = cr.softmax(scores)
        return (
            cr.softmax_cross_entropy(scores, t), p, p.sum(axis=1), p.sum(axis=0),
            p.sum(axis=0, keepdims=True), cr.max(p, 1), p[2], cr.reshape(p, 27), scores * b,
            cr.log_softmax(scores), p.T, p + scores[:, :1],
        )  # fmt: skip

    z = np.random.default_rng(4).normal(size=(9, 3))
    graph = cr.trace(several, z)
    turned = classes_first(Graph(graph.inputs, graph.outputs, graph.structure))
    assert is_turned(Graph(turned.inputs, turned.outputs[:1]))
    for ours, theirs in zip(turned.evaluate(z), graph.evaluate(z), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


@pytest.mark.parametrize(
    ("rows", "classes", "units"),
    [
        (ROWS_A_CLASS * 4 - 1, 4, 5),
        (3 * NARROW, NARROW + 1, 5),
        (20, 4, LONG_ROWS // 8),
    ],
    ids=["few rows", "many classes", "long rows of weights"],
)
def test_where_it_does_not_pay_the_graph_is_left(rows: int, classes: int, units: int) -> None:
    step, _ = traced(rows, classes, units=units)
    assert classes_first(step.graph) is step.graph


def test_on_small_data_the_product_that_has_the_bias_in_it_is_turned() -> None:
    step, ours = traced(20, 4)
    theirs = {name: array.copy() for name, array in ours.items()}
    graph = faster(step.graph, ("x", "t"))
    assert is_turned(graph)
    assert not any(node.shape == (20, 4) and came_from(node, "matmul") for node in graph.nodes)
    Program(step.graph, ours, step.replaces, ("x", "t")).run()
    ReferenceProgram(step.graph, theirs, step.replaces).run()
    np.testing.assert_allclose(ours["theta"], theirs["theta"], rtol=1e-12, atol=1e-14)


def test_a_graph_without_scores_is_left() -> None:
    graph = cr.trace(lambda x: cr.tanh(x) @ x.T, np.ones((8, 2)))
    assert classes_first(graph) is graph


PRODUCTS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "a vector on the right": ((8, 4, 4), (4,)),
    "a vector on the right, of another length": ((8, 3, 4), (4,)),
    "a vector on the left": ((6,), (8, 6, 3)),
}


@pytest.mark.parametrize("case", PRODUCTS)
def test_products_of_more_than_two_axes_are_left(case: str) -> None:
    rng = np.random.default_rng(5)
    a, b = (rng.normal(size=shape) for shape in PRODUCTS[case])
    graph = cr.trace(lambda a, b: cr.softmax(a @ b), a, b)
    ours, theirs = graph.compile("numpy")(a, b), graph.evaluate(a, b)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_wide_products_of_more_than_two_axes_are_left() -> None:
    rng = np.random.default_rng(6)
    q, keys = rng.normal(size=4), rng.normal(size=(4, 4, 256))
    graph = cr.trace(lambda q, keys: cr.tanh(q @ keys), q, keys)
    np.testing.assert_allclose(graph.compile("numpy")(q, keys), graph.evaluate(q, keys), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
def test_what_is_counted_is_not_added_as_floats_are(axis: int) -> None:
    z = np.random.default_rng(7).normal(size=(9, 3))
    b = np.array([0.5, -1.0, 2.0])
    for count in (
        lambda z: cr.sum(cr.softmax(z + b) > 0.3, axis),
        lambda z: cr.sum(cr.astype(1e9 * cr.softmax(z + b), "int32"), axis),
    ):
        graph = cr.trace(count, z)
        ours, theirs = graph.compile("numpy")(z), graph.evaluate(z)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_transpose_that_turns_nothing_is_no_transpose() -> None:
    rng = np.random.default_rng(8)
    H, w = rng.normal(size=(4, 4)), rng.normal(size=(4, 2))
    graph = cr.trace(lambda H, w: cr.softmax(cr.transpose(H, (0, 1)) @ w), H, w)
    np.testing.assert_allclose(graph.compile("numpy")(H, w), graph.evaluate(H, w), rtol=1e-12)
    z = rng.normal(size=(9, 3))
    graph = cr.trace(lambda z: cr.softmax(cr.transpose(z, (0, 1)) + np.ones(3)), z)
    np.testing.assert_allclose(graph.compile("numpy")(z), graph.evaluate(z), rtol=1e-12)
