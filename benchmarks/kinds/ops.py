"""Define by run: what one op costs on small arrays, forward (recorded) and backward."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import machine
from contestants import Contestant, Share
from contestants.eager import Eager, adapter
from work import Array, Result, Work

#: How often an op is applied in a row.
LENGTH = 20
SECONDS_PER_OP = 0.06
FEWEST, MOST = 3, 200

Value = Any


def chain(op: Callable[[Value, Value], Value], total: Callable[[Value], Value]) -> Any:
    """A function of x and w: the op applied again and again, then the sum of all numbers."""

    def function(x: Value, w: Value) -> Value:
        for _ in range(LENGTH):
            x = op(x, w)
        return total(x)

    return function


def numbers(name: str) -> tuple[Array, Array]:
    """x and w such that nothing overflows or dies out."""
    rng = np.random.default_rng(7)
    x, w = rng.uniform(-1, 1, (4, 4)), rng.uniform(0.8, 1.2, (4, 4))
    return x, (w / 4 if name in ("matmul", "layer") else w)


def setup(work: Work, contestant: Contestant, share: Share, file: Path) -> Callable[[], Result]:
    """Every op once for the warm-up, its gradients held against the derivatives by hand."""
    eager, by_hand = adapter(contestant.module), adapter("floor")
    error = 0.0
    for name in by_hand.ops:
        found, wanted = gradients(eager, name), gradients(by_hand, name)
        for one, other in zip(found, wanted, strict=True):
            error = max(error, float(np.abs(one - other).max() / np.abs(other).max()))

    def turn() -> Result:
        cpu, start = time.process_time(), time.perf_counter()
        parts: dict[str, float] = {}
        for name in by_hand.ops:
            parts[f"{name} forward"], parts[f"{name} backward"] = seconds_of(eager, name)
        share = (time.process_time() - cpu) / (time.perf_counter() - start)
        return Result(sum(parts.values()), share, error=error, parts=parts, pools=machine.pools())

    return turn


def gradients(eager: Eager, name: str) -> tuple[Array, Array]:
    """The gradients of the chain by x and by w."""
    function = chain(eager.ops[name], eager.total)
    gx, gw = eager.backward(eager.forward(function, *numbers(name)))
    return np.asarray(eager.array(gx), float), np.asarray(eager.array(gw), float)


def seconds_of(eager: Eager, name: str) -> tuple[float, float]:
    """Seconds an application takes forward and backward: medians over many chains."""
    function = chain(eager.ops[name], eager.total)
    x, w = numbers(name)
    forward, backward = [], []
    began = time.perf_counter()
    while len(forward) < FEWEST or (
        time.perf_counter() - began < SECONDS_PER_OP and len(forward) < MOST
    ):
        start = time.perf_counter()
        state = eager.forward(function, x, w)
        middle = time.perf_counter()
        eager.backward(state)
        forward.append((middle - start) / LENGTH)
        backward.append((time.perf_counter() - middle) / LENGTH)
    return median(forward), median(backward)
