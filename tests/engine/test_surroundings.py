"""What a compiled graph does to its caller's surroundings: nothing; and what it sees of them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.apply import apply
from chainrule.graph.op import Op

HUGE = np.full((2, 3), 1e300)
FACTOR = ContextVar("FACTOR", default=1.0)


class Scaled(Op):
    """An op that does its own computing, by what its caller has set."""

    is_open = False

    def value(self, xp: Any, *x: Any) -> Any:
        return FACTOR.get() * x[0] * x[0]

    def shape(self, *x: tuple[int, ...]) -> tuple[int, ...]:
        return x[0]


def planned(x: Any) -> Any:
    return np.exp(x) * (x - x * x) / (x - x)


@pytest.mark.parametrize("function", [planned, lambda x: apply(Scaled(), x * x)])
def test_what_overflows_is_not_said_and_the_caller_is_still_told(function: Any) -> None:
    """Warnings are errors here."""
    before = np.geterr()
    run = cr.trace(function, np.ones((2, 3))).compile("numpy")
    with np.errstate(all="raise"):
        for _ in range(2):
            assert not np.isfinite(run(HUGE)).any()
        with pytest.raises(FloatingPointError):
            HUGE * HUGE
    assert np.geterr() == before
    with pytest.warns(RuntimeWarning, match="overflow"):
        HUGE * HUGE


def test_an_op_that_computes_by_itself_is_in_its_callers_context() -> None:
    x = np.full((2, 3), 2.0)
    run = cr.trace(lambda x: apply(Scaled(), x + 1.0), x).compile("numpy")
    assert (run(x) == 9.0).all()
    token = FACTOR.set(3.0)
    try:
        assert (run(x) == 27.0).all()
    finally:
        FACTOR.reset(token)
    assert (run(x) == 9.0).all()
