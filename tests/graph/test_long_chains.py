"""A hundred thousand nodes in a row: no walk may recurse, and none may take long."""

from __future__ import annotations

import gc
import sys
import time
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.graph import Graph

LENGTH = 100_000
#: Of this process alone, whatever else the machine does. Generous: a walk takes a few seconds on
#: a slow machine, and a quadratic one minutes.
SECONDS = 30.0


def chain(x: Any) -> Any:
    for _ in range(LENGTH):
        x = np.sin(x)
    return x


def by_hand(x: float) -> tuple[float, float]:
    slope = 1.0
    for _ in range(LENGTH):
        slope, x = slope * np.cos(x), np.sin(x)
    return x, slope


@pytest.fixture(scope="module")
def graph() -> Graph:
    return cr.trace(chain, 0.5)


def test_eager_backward_and_release() -> None:
    assert sys.getrecursionlimit() < LENGTH
    start = time.process_time()
    x = cr.tensor(0.5)
    y = chain(x)
    y.backward()
    value, slope = by_hand(0.5)
    np.testing.assert_allclose(y.value, value, rtol=1e-12)
    np.testing.assert_allclose(x.grad, slope, rtol=1e-9)
    del y
    gc.collect()
    assert time.process_time() - start < SECONDS


def test_trace_verify_evaluate_print(graph: Graph) -> None:
    start = time.process_time()
    assert len(graph) == LENGTH + 1
    graph.verify()
    np.testing.assert_allclose(graph.evaluate(0.5), by_hand(0.5)[0], rtol=1e-12)
    assert str(graph).count("\n") == LENGTH + 1
    assert len(graph.simplify()) == LENGTH + 1
    assert time.process_time() - start < SECONDS


def test_the_gradient_as_a_graph(graph: Graph) -> None:
    start = time.process_time()
    backward = graph.backward("x")
    np.testing.assert_allclose(backward.evaluate(0.5), by_hand(0.5)[1], rtol=1e-9)
    del backward
    gc.collect()
    assert time.process_time() - start < SECONDS


def test_simplify_of_a_chain_that_is_nothing() -> None:
    def twice_negated(x: Any) -> Any:
        for _ in range(20_000):
            x = cr.negative(-x) * 1.0 + 0.0
        return x

    start = time.process_time()
    graph = cr.trace(twice_negated, 0.5)
    assert len(graph.simplify()) == 1
    assert time.process_time() - start < SECONDS


def test_a_log_behind_many_moves_is_still_found() -> None:
    def moved(z: Any) -> Any:
        p = cr.softmax(z)
        for _ in range(2_000):
            p = p.T
        return np.log(p)

    z = np.array([[1e4, 0.0], [0.0, 1e4]])
    assert np.all(np.isfinite(cr.trace(moved, z).evaluate(z)))
    assert np.all(np.isfinite(moved(cr.tensor(z)).value))
