"""Every op against SymPy: its symbol is its value, and SymPy's derivative of it is our gradient."""

from __future__ import annotations

import numpy as np
import pytest
from op_checks import CASES, Case, gradients, weights
from symbols import value_and_gradients


@pytest.mark.parametrize("case", [case for case in CASES if case.op.has_symbol], ids=str)
def test_symbol_and_its_derivative(case: Case) -> None:
    v = None
    if case.is_differentiable:
        v = weights(case.value.shape, np.random.default_rng(4))
    value, slopes = value_and_gradients(case.op, case.inputs, v)
    np.testing.assert_allclose(value.astype(case.value.dtype), case.value, rtol=1e-12, atol=1e-13)
    if v is not None:
        found = gradients(case, v)
        assert len(found) == len(slopes)
        for ours, theirs in zip(found, slopes, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_what_has_no_symbol_is_known() -> None:
    """A position and a hash of bits are no expressions of the entries; all else is."""
    assert {case.op.name for case in CASES if not case.op.has_symbol} == {"argmax", "uniform"}
