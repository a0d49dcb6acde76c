"""Every op against PyTorch: value, gradient, and gradient of the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from op_checks import CASES, Case, gradients, leaves, weights
from torch_opinion import ORACLES, WITHOUT

import chainrule as cr
from chainrule.graph.apply import apply
from chainrule.graph.op import OPS


def test_every_op_has_an_oracle_or_a_reason() -> None:
    assert set(OPS) == set(ORACLES) | set(WITHOUT)
    assert not set(ORACLES) & set(WITHOUT)
    assert all(len(reason) > 20 for reason in WITHOUT.values())


def theirs(case: Case) -> tuple[list[Any], Any]:
    inputs = [torch.tensor(x) for x in case.inputs]
    for place in case.floats:
        inputs[place].requires_grad_()
    return [inputs[i] for i in case.floats], ORACLES[case.op.name](case.op, *inputs)


JUDGED = [case for case in CASES if case.op.name not in WITHOUT]


@pytest.mark.parametrize("case", JUDGED, ids=str)
def test_value(case: Case) -> None:
    _, y = theirs(case)
    np.testing.assert_allclose(case.value, y.detach().numpy(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("case", [case for case in JUDGED if case.is_differentiable], ids=str)
def test_gradient_and_second_gradient(case: Case) -> None:
    rng = np.random.default_rng(5)
    v = weights(case.value.shape, rng)
    us = [weights(case.inputs[i].shape, rng) for i in case.floats]
    inputs, y = theirs(case)
    first = torch.autograd.grad(y, inputs, torch.tensor(v), create_graph=True)
    for ours, other in zip(gradients(case, v), first, strict=True):
        np.testing.assert_allclose(ours, other.detach().numpy(), rtol=1e-11, atol=1e-12)

    total = sum(torch.sum(torch.tensor(u) * g) for u, g in zip(us, first, strict=True))
    second = [torch.zeros_like(x) for x in inputs]
    if isinstance(total, torch.Tensor) and total.requires_grad:
        found = torch.autograd.grad(total, inputs, allow_unused=True)
        second = [s if g is None else g + s for s, g in zip(second, found, strict=True)]
    nodes = leaves(case)
    wanted = [nodes[i] for i in case.floats]
    mine = cr.differentiate(apply(case.op, *nodes), wanted, cr.tensor(v))
    phi = sum((cr.sum(u * g) for u, g in zip(us, mine, strict=True)), start=cr.tensor(0.0))
    for ours, other in zip(cr.differentiate(phi, wanted), second, strict=True):
        np.testing.assert_allclose(ours.value, other.detach().numpy(), rtol=1e-10, atol=1e-11)
