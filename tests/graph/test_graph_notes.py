"""Notes: what readers want to know of a graph, through every transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GradientError
from chainrule.graph.graph import Graph
from chainrule.graph.notes import Notes

X = np.array([0.3, -0.7])


def model(x: Any, w: Any) -> Any:
    hidden = np.sin(x * w)
    unused = hidden * 3.0  # noqa: F841 - recorded, and needed by nothing
    return cr.sum(hidden * hidden * 1.0)


def test_the_value_and_its_gradients_in_one_graph() -> None:
    graph = cr.trace(model, X, X)
    both = graph.value_and_gradients("w")
    value, gradient = both.evaluate(X, X + 1)
    np.testing.assert_allclose(value, graph.evaluate(X, X + 1))
    np.testing.assert_allclose(gradient, graph.backward("w").evaluate(X, X + 1))
    assert len(graph.value_and_gradients().outputs) == 3
    with pytest.raises(GradientError, match="one output of one entry"):
        cr.trace(np.sin, X).value_and_gradients()


def test_a_graph_with_parameters_is_differentiated_by_them() -> None:
    traced = cr.trace(model, X, X)
    notes = Notes(traced.notes.recorded, parameters=traced.inputs[1:])
    graph = Graph(traced.inputs, traced.outputs, notes=notes).simplify()
    assert len(graph.backward().outputs) == 1
    np.testing.assert_allclose(
        graph.backward().evaluate(X, X + 1), graph.backward("w").evaluate(X, X + 1)
    )


def test_what_nothing_needs_is_remembered_and_follows_its_inputs() -> None:
    graph = cr.trace(model, X, X).simplify()
    times_three = [node for node in graph.notes.forward if node not in set(graph.nodes)]
    assert [node.op.name for node in times_three if node.op] == ["multiply"]
    hidden = next(node for node in graph.nodes if node.op and node.op.name == "sin")
    assert times_three[0].inputs[0] is hidden


def test_every_cotangent_is_the_derivative_by_its_node() -> None:
    graph = cr.trace(model, X, X).value_and_gradients("w")
    (walk,) = graph.notes.passes
    assert walk.output is graph.outputs[0]
    assert walk.wrt == (graph.inputs[1],)
    present = set(graph.nodes)
    assert set(walk.cotangents.values()) <= present
    hidden = next(node for node in graph.nodes if node.op and node.op.name == "sin")
    pair = Graph(graph.inputs, [hidden, walk.cotangents[hidden]])
    value, cotangent = pair.evaluate(X, X + 1)
    np.testing.assert_allclose(cotangent, 2 * value)


def test_the_lines_of_the_users_code_are_kept() -> None:
    graph = cr.trace(model, X, X)
    (lines,) = graph.notes.sources.values()
    assert any("hidden = np.sin(x * w)" in line for line in lines)


def test_a_graph_made_of_nodes_has_empty_notes() -> None:
    x = cr.tensor(X)
    graph = Graph([x], [cr.sum(x * x)])
    assert graph.notes == Notes()
    assert graph.backward().notes.recorded == graph.nodes
