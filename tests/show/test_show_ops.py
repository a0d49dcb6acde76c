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
