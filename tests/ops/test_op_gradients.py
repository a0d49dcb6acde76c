"""Every rule of the table against steps of the value: first and second order."""

from __future__ import annotations

import numpy as np
import pytest
from op_checks import (
    CASES,
    DIFFERENTIABLE,
    Case,
    first_order_error,
    gradients,
    leaves,
    second_order_error,
    weights,
)

import chainrule as cr
from chainrule.graph.apply import apply, constant

every = pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)


@every
def test_first_order_against_steps(case: Case) -> None:
    assert first_order_error(case, np.random.default_rng(1)) < 1e-9


@every
def test_second_order_against_steps(case: Case) -> None:
    assert second_order_error(case, np.random.default_rng(2)) < 1e-8


@every
def test_backward_on_arrays_is_the_recorded_gradient_bit_for_bit(case: Case) -> None:
    v = weights(case.value.shape, np.random.default_rng(3))
    nodes = leaves(case)
    apply(case.op, *nodes).backward(v)
    for place, g in zip(case.floats, gradients(case, v), strict=True):
        np.testing.assert_array_equal(nodes[place].grad, g)


@every
def test_a_rule_hands_out_no_memory_of_what_it_was_given(case: Case) -> None:
    """Gradients are copied late, when somebody asks: until then only g itself may be shared."""
    y = case.value
    g = weights(y.shape, np.random.default_rng(4))
    for gx in case.op.pull(g, y, *case.inputs):
        gx = gx() if callable(gx) else gx
        assert gx is None or not any(np.shares_memory(gx, x) for x in (y, *case.inputs))


@every
def test_a_gradient_has_its_inputs_shape_and_dtype(case: Case) -> None:
    inputs = [x.astype(np.float32) if x.dtype == np.float64 else x for x in case.inputs]
    nodes = [cr.tensor(x) for x in inputs]
    y = apply(case.op, *nodes)
    v = constant(np.ones(y.shape, y.dtype))
    wanted = [nodes[i] for i in case.floats]
    for node, g in zip(wanted, cr.differentiate(y, wanted, v), strict=True):
        assert g.shape == node.shape
        assert g.dtype == node.dtype


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.floats and not case.is_differentiable], ids=str
)
def test_what_is_not_a_float_passes_no_gradient(case: Case) -> None:
    nodes = leaves(case)
    y = apply(case.op, *nodes)
    kept = cr.sum(cr.astype(y, "float64") * 2.0)
    for g in cr.differentiate(kept, [nodes[i] for i in case.floats]):
        np.testing.assert_array_equal(g.value, np.zeros(g.shape))
