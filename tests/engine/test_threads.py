"""Two threads that plan at the same time do not write into each other's plans."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import lower as lowering


def test_two_plans_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Node by node in turns: operators between slots, such as a sigmoid's, go to their own plan."""
    barrier, plain = threading.Barrier(2, timeout=10), lowering._lowered

    def in_turns(*given: Any) -> Any:
        barrier.wait()
        return plain(*given)

    monkeypatch.setattr(lowering, "_lowered", in_turns)

    def compute(x: np.ndarray) -> Any:
        graph = cr.trace(lambda x: cr.gelu(cr.sigmoid(x) - x) * x, x)
        return graph.compile("numpy")(x)

    inputs = [np.linspace(-1, 1, 5), np.linspace(-2, 3, 9)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(compute, inputs))
    for x, result in zip(inputs, found, strict=True):
        s = cr.sigmoid(x) - x
        np.testing.assert_allclose(np.squeeze(result), cr.gelu(s) * x, rtol=1e-12)
