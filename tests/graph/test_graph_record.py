"""trace makes a Graph: its inputs and names, how it prints itself, and what verify catches."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DtypeError, RecordingError, ShapeError
from chainrule.graph.graph import Graph
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor
from chainrule.ops.arithmetic import Add
from chainrule.ops.exponential import Exp

X, W, B = np.ones((2, 3)), np.ones((3, 4)), np.zeros(4)


def layer(x: Any, w: Any, b: Any) -> Any:
    return np.tanh(x @ w + b)


def test_inputs_are_called_as_the_functions_parameters() -> None:
    graph = cr.trace(layer, X, W, B)
    assert graph.input_names() == ["x", "w", "b"]
    assert graph.input("w").shape == (3, 4)
    assert len(graph) == 6
    assert repr(graph) == "<Graph of 6 nodes: x, w, b>"


def test_a_name_of_its_own_wins() -> None:
    graph = cr.trace(layer, cr.tensor(X, name="pixels"), W, B)
    assert graph.input_names() == ["pixels", "w", "b"]
    assert cr.trace(lambda *given: given[0] + given[1], 1.0, 2.0).input_names() == ["x0", "x1"]


def test_dicts_and_lists_of_arguments_and_results() -> None:
    def step(parameters: Any, batch: Any) -> Any:
        error = batch[0] @ parameters["w"] - batch[1]
        return {"loss": cr.mean(error**2), "new": [parameters["w"] - 0.1, (error,)]}

    graph = cr.trace(step, {"w": np.ones(3)}, (X, np.zeros(2)))
    assert graph.input_names() == ["w", "batch0", "batch1"]
    result = graph.evaluate(np.ones(3), X, np.zeros(2))
    assert list(result) == ["loss", "new"]
    assert result["loss"] == 9.0
    np.testing.assert_array_equal(result["new"][0], np.full(3, 0.9))
    np.testing.assert_array_equal(result["new"][1][0], [3.0, 3.0])
    by_name = graph.evaluate(w=np.ones(3), batch1=np.zeros(2), batch0=X)
    np.testing.assert_array_equal(by_name["loss"], result["loss"])


def test_arrays_by_place_are_told_apart_even_where_names_repeat() -> None:
    graph = cr.trace(lambda a, b: a["W"] - b["W"], {"W": 1.0}, {"W": 2.0})
    assert graph.evaluate(5.0, 3.0) == 2.0


def test_an_input_that_is_returned_or_unused_stays_an_input() -> None:
    graph = cr.trace(lambda a, b: a, 1.0, 2.0)
    graph.verify()
    assert graph.input_names() == ["a", "b"]
    assert graph.evaluate(5.0, 7.0) == 5.0


def test_a_constant_result() -> None:
    graph = cr.trace(lambda x: 3.0, 1.0)
    graph.verify()
    assert graph.evaluate(1.0) == 3.0
    np.testing.assert_array_equal(cr.trace(lambda x: (x, np.ones(2)), 1.0).evaluate(2.0)[1], [1, 1])


def test_what_a_function_closes_over_is_frozen_in() -> None:
    rate = [0.5]
    graph = cr.trace(lambda x: x * rate[0], 1.0)
    rate[0] = 9.0
    assert graph.evaluate(2.0) == 1.0


def test_values_are_not_looked_at() -> None:
    graph = cr.trace(np.log, np.array(-1.0))
    assert graph.evaluate(np.array(1.0)) == 0.0


def test_printing() -> None:
    line = inspect.currentframe().f_lineno + 3  # type: ignore[union-attr]

    def net(x: Any, w: Any) -> Any:
        return cr.sum(x @ w, axis=0) * 2.0

    where = f"test_graph_record.py:{line}"
    lines = str(cr.trace(net, X, W)).split("\n")
    assert [row.split() for row in lines] == [
        ["%0", "input", "x", "float64[2,", "3]"],
        ["%1", "input", "w", "float64[3,", "4]"],
        ["%2", "matmul", "%0", "%1", "float64[2,", "4]", where],
        ["%3", "sum(axis=0,", "keepdims=False)", "%2", "float64[4]", where],
        ["%4", "constant", "2", "float64[]"],
        ["%5", "multiply", "%3", "%4", "float64[4]", where],
        ["returns", "%5"],
    ]
    starts = {row.index("float64") for row in lines[:-1]}
    assert len(starts) == 1, "columns stand below each other"


def test_the_layer_stands_in_the_print_of_forward_and_backward() -> None:
    def net(x: Any, w: Any) -> Any:
        with within("hidden/0"):
            h = np.tanh(x @ w)
        return cr.sum(h)

    graph = cr.trace(net, X, W)
    assert str(graph).count("hidden/0") == 2
    assert "hidden/0" in str(graph.backward("w"))


def test_printing_of_tensors() -> None:
    assert repr(cr.tensor([1.0, 2.0], name="w")) == "tensor([1., 2.], float64, name='w')"
    assert repr(cr.tensor(3)) == "tensor(3, int64)"
    assert len(repr(cr.tensor(np.zeros(10_000)))) < 100


def test_backward_of_a_graph_by_names() -> None:
    graph = cr.trace(lambda a, b: cr.sum(a * a * b), np.ones(2), np.ones(2))
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    np.testing.assert_array_equal(graph.backward("b").evaluate(a, b), a * a)
    both = graph.backward().evaluate(a, b)
    np.testing.assert_array_equal(both[0], 2 * a * b)
    np.testing.assert_array_equal(both[1], a * a)
    swapped = graph.backward("b", "a").evaluate(a, b)
    np.testing.assert_array_equal(swapped[1], both[0])
    graph.backward().verify()


# --- verify catches what a wrong transform would leave behind --------------------------------


def _wrong_shape(node: Tensor) -> None:
    node.shape = (4, 2)


def _wrong_dtype(node: Tensor) -> None:
    node.dtype = np.dtype(np.float32)


def _other_op(node: Tensor) -> None:
    node.op = cr.ops.reduce.Sum()


def _inputs_left_out(node: Tensor) -> None:
    node.inputs = (node.inputs[0], cr.trace(np.exp, np.ones(4)).outputs[0])


def _neither_op_nor_value(node: Tensor) -> None:
    node.op = None


CORRUPTIONS: list[tuple[Callable[[Tensor], None], type[Exception], str]] = [
    (
        _wrong_shape,
        ShapeError,
        r"node %4 \(add, .*\) says shape \(4, 2\), but its op gives \(2, 4\)",
    ),
    (_wrong_dtype, DtypeError, r"node %4 \(add, .*\) says float32, but its op gives float64"),
    (_inputs_left_out, RecordingError, r"node %4 \(add, .*\) uses a node that comes after it"),
    (_neither_op_nor_value, RecordingError, r"node %4 \(input, .*\) is neither an input nor has"),
]


@pytest.mark.parametrize(("corrupt", "error", "message"), CORRUPTIONS)
def test_verify_catches_a_corrupted_node(
    corrupt: Callable[[Tensor], None], error: type[Exception], message: str
) -> None:
    graph = cr.trace(layer, X, W, B)
    graph.verify()
    node = graph.nodes[4]
    assert isinstance(node.op, Add)
    corrupt(node)
    with pytest.raises(error, match=message):
        cr.verify(graph)


def test_verify_catches_another_op() -> None:
    graph = cr.trace(lambda x: np.exp(x), X)
    assert isinstance(graph.nodes[1].op, Exp)
    _other_op(graph.nodes[1])
    with pytest.raises(ShapeError, match=r"says shape \(2, 3\), but its op gives \(\)"):
        graph.verify()


def test_verify_catches_a_constant_that_is_not_what_it_says() -> None:
    graph = cr.trace(lambda x: x + np.ones(3), X)
    graph.nodes[1].shape = (1,)
    with pytest.raises(ShapeError, match=r"says \(1,\), but holds \(3,\)"):
        graph.verify()


def test_verify_catches_a_wrong_order() -> None:
    graph = cr.trace(layer, X, W, B)
    graph.nodes = (*graph.nodes[:3], graph.nodes[4], graph.nodes[3], graph.nodes[5])
    with pytest.raises(
        RecordingError, match=r"node %3 \(add, .*\) uses a node that comes after it"
    ):
        graph.verify()


def test_a_graph_is_recorded_once_per_node() -> None:
    graph = cr.trace(lambda x: x * x + x * x, 2.0)
    assert isinstance(graph, Graph)
    assert len(set(graph.nodes)) == len(graph.nodes) == 4
