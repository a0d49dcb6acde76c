"""Plans that never run at the same time share their memory, and nothing that must stay in it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from random_graphs import Case, cases, same_bits

import chainrule as cr
from chainrule.engine import Repeated
from chainrule.engine.memory import Pool
from chainrule.train.runner import Runner

quietly = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)


def made(case: Case, room: Any) -> tuple[Repeated, list[Any]]:
    bound = dict(zip(case.graph.input_names(), map(np.array, case.arrays), strict=True))
    kept = {
        place: np.zeros((3, *node.shape), node.dtype)
        for place, node in enumerate(case.graph.outputs)
        if place not in case.replaces
    }
    return Repeated(case.graph, bound, case.replaces, (), kept, room=room), [
        *kept.values(),
        *bound.values(),
    ]


@quietly
@given(cases())
def turn_by_turn(case: Case) -> None:
    """Two plans of one graph, run in turn: each goes on as if it were alone."""
    alone, expected = made(case, ())
    first, ours = made(case, ())
    second, theirs = made(case, first.buffers)
    with np.errstate(all="ignore"):
        for i in range(3):
            for steps in (alone, first, second):
                steps.run(iter(steps.rows[i : i + 1]))
    for found in (ours, theirs):
        for i, (a, b) in enumerate(zip(expected, found, strict=True)):
            assert same_bits(a, b), f"array {i}: {b} is not {a} in\n{case}"


def test_random_plans_share_their_memory() -> None:
    turn_by_turn()


def test_memory_that_must_stay_is_never_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: ones written once, into memory that another plan writes over."""

    def shared(pool: Pool, shape: Any, dtype: Any) -> Any:
        nbytes = math.prod(shape) * dtype.itemsize
        return pool.take(nbytes)[:nbytes].view(dtype).reshape(shape)

    X, y = np.random.default_rng(0).normal(size=(9, 3)), np.arange(9) % 3
    expected = trained(X, y)
    monkeypatch.setattr(Pool, "own", shared)
    assert trained(X, y) != expected


def trained(X: Any, y: Any) -> list[bytes]:
    """What comes of batches of 5 and of 4 rows, whose biases are rows of the weights."""
    layers = [cr.Dense(4, "tanh"), cr.Dense(5, "tanh"), cr.Dense(3, "softmax")]
    net = cr.Sequential(*layers, dtype="float64")
    net.fit(X, y, epochs=4, batch_size=5, optimizer=cr.SGD(0.1))
    return [array.tobytes() for array in net.parameters.values()]


def test_a_short_last_batch_needs_hardly_more_memory() -> None:
    X, y = np.random.default_rng(0).normal(size=(70, 20)).astype("float32"), np.arange(70) % 2
    net = cr.Sequential(cr.Dense(300, "relu"), cr.Dense(2, "softmax")).build(20, seed=0)
    data = {"x": X, "t": y}
    runner = Runner(net, net.loss_for(), cr.SGD(0.1), data, 40, np.random.default_rng(0), "numpy")
    sizes = [runner.steps_on(rows)._steps.nbytes for rows in (40, 30)]
    assert sizes[1] < sizes[0] / 10
