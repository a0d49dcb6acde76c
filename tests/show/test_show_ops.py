"""Every op of the table: its program runs, and its formula is LaTeX, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
from op_checks import CASES, Case, weights
from running import same_numbers

import chainrule as cr
from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph

every = pytest.mark.parametrize("case", CASES, ids=str)
differentiable = pytest.mark.parametrize(
    "case", [case for case in CASES if case.is_differentiable], ids=str
)


def forward(case: Case) -> Graph:
    return cr.trace(lambda *x: apply(case.op, *x), *case.inputs)


def weighed(case: Case) -> tuple[Graph, list[str], np.ndarray]:  # type: ignore[type-arg]
    """Σ v · op(x), so that every cotangent is another number; and the inputs that are floats."""
    v = weights(case.value.shape, np.random.default_rng(3))
    graph = cr.trace(lambda *x: cr.sum(apply(case.op, *x[:-1]) * x[-1]), *case.inputs, v)
    return graph, [graph.input_names()[i] for i in case.floats], v


@every
def test_the_program_is_the_op(case: Case) -> None:
    graph = forward(case)
    if case.is_differentiable and case.value.size == 1:
        graph = graph.value_and_gradients(*[f"x{i}" for i in case.floats])
    same_numbers(graph.program(), graph, *case.inputs)


@differentiable
def test_the_program_of_its_gradient(case: Case) -> None:
    graph, names, v = weighed(case)
    both = graph.value_and_gradients(*names)
    same_numbers(graph.program(*names), both, *case.inputs, v)
    same_numbers(graph.backward(*names).program(), graph.backward(*names), *case.inputs, v)


def closed_over(case: Case, place: int) -> Graph:
    """Σ v · op(x) of one input, the others and v being arrays that the function closes over."""
    v = weights(case.value.shape, np.random.default_rng(3))

    def function(x: cr.Tensor) -> cr.Tensor:
        return cr.sum(apply(case.op, *case.inputs[:place], x, *case.inputs[place + 1 :]) * v)

    return cr.trace(function, case.inputs[place])


@differentiable
def test_arrays_that_are_closed_over_stand_before_what_reads_them(case: Case) -> None:
    for place in case.floats:
        graph = closed_over(case, place)
        both = graph.value_and_gradients()
        same_numbers(graph.program(), both, case.inputs[place])
        assert graph.walk(case.inputs[place]).gradients
        assert "</svg>" in graph.draw().svg
        assert both.formula()


def test_a_number_of_the_forward_pass_is_no_derivative() -> None:
    graph = cr.trace(lambda x: 3 * x + 1, 2.0).value_and_gradients()
    assert "    y = 3 * x + 1\n\n    dx = 3.0\n" in graph.program()
    assert graph.formula() == (
        "\\begin{aligned}\n"
        "y &= 3\\, x + 1 \\\\\n"
        "\\frac{\\partial y}{\\partial x} &= 3\n"
        "\\end{aligned}"
    )


def test_data_that_is_also_a_gradient_is_printed_once() -> None:
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    program = cr.trace(lambda w: np.sum(w * X), X).value_and_gradients().program()
    assert program.count("np.array") == 1
    assert "    loss = np.sum(w * c1)\n    dw = c1\n" in program
