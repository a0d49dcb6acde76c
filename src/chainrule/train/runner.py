"""The runner: trains epoch after epoch on data in memory, one planned step for each batch shape.

An engine that compiles whole epochs would bring a runner of its own with the same face: ``run`` for
some epochs, ``state`` and ``restore`` for going back.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engine import Runnable, program
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.train.full_batch import COUNT, FullBatch, stretches
from chainrule.train.step import Step, flat, training_step, views

#: Seconds between two looks at the clock's news while an epoch runs.
TICK_SECONDS = 0.2


@dataclass(slots=True)
class _Batch:
    """The buffers of one batch shape, and the program that reads them."""

    arrays: dict[str, Array]
    step: Step
    program: Runnable


class Runner:
    """Trains ``net`` on checked arrays ``data`` (x, t, perhaps w) by steps of ``optimizer``.

    While it lives, the network's parameters are views of one vector, ``theta``, that every step
    updates in place.
    """

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, data: dict[str, Array],
        batch_size: int | None, rng: np.random.Generator, engine: str,
    ) -> None:  # fmt: skip
        self.net, self.loss, self.optimizer, self.data = net, loss, optimizer, data
        self.rows = len(data["x"])
        self.batch_size = min(batch_size or self.rows, self.rows)
        self.engine = engine
        self._rng = rng
        self.theta = flat(net.parameters, net.dtype)
        net.parameters = views(self.theta, {k: a.shape for k, a in net.parameters.items()})
        self.optimizer_state = optimizer.init(self.theta)
        self.rate = np.zeros(())
        self.key = np.array([rng.integers(2**32), 0], np.uint32)
        self.steps = 0
        self._batches: dict[int, _Batch] = {}
        self._full: FullBatch | None = None

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.rows // self.batch_size)

    def bound(self) -> dict[str, Array]:
        """The arrays that stand behind the step's inputs, the batch apart."""
        states = {f"state {name}": array for name, array in self.optimizer_state.items()}
        return {
            "theta": self.theta,
            **states,
            **self.net.statistics,
            "rate": self.rate,
            "key": self.key,
        }

    def run(
        self, epochs: int, rate_at: Callable[[float], float], tick: Callable[[float], None]
    ) -> list[float]:
        """Train for some epochs; returns the loss of each, averaged over its batches' rows.

        Args:
            rate_at: the learning rate at a position in these epochs (0 to ``epochs``).
            tick: told the position now and then.
        """
        if self.batch_size == self.rows:
            return self._run_full([rate_at(epoch) for epoch in range(epochs)])
        return [self._run_epoch(epoch, rate_at, tick) for epoch in range(epochs)]

    def _run_full(self, rates: list[float]) -> list[float]:
        longest = 1 if any(layer.is_random for layer in self.net.layers) else COUNT
        losses: list[float] = []
        with np.errstate(all="ignore"):
            for first in range(0, len(rates), COUNT):
                part = rates[first : first + COUNT]
                for start, stop in stretches(part, longest):
                    self._steps_at(part[start], start, stop)
                losses += self.full.losses(len(part))
        return losses

    def _steps_at(self, rate: float, start: int, stop: int) -> None:
        self.rate[()] = rate
        self.key[1] = self.steps
        rows = self.full.rows(start, stop)
        try:
            self.full.run(rows)
        finally:
            # An interrupt leaves rows for which no step was made.
            self.steps += stop - start - operator.length_hint(rows)

    def _run_epoch(
        self, epoch: int, rate_at: Callable[[float], float], tick: Callable[[float], None]
    ) -> float:
        order = self._rng.permutation(self.rows)
        total = weight = 0.0
        next_tick = time.perf_counter() + TICK_SECONDS
        with np.errstate(all="ignore"):
            for start in range(0, self.rows, self.batch_size):
                value, share = self.step(
                    order[start : start + self.batch_size], rate_at(epoch + start / self.rows)
                )
                total += value * share
                weight += share
                if time.perf_counter() > next_tick:
                    next_tick += TICK_SECONDS
                    tick(epoch + min(1.0, (start + self.batch_size) / self.rows))
        return total if self.loss.total else total / weight

    def step(self, rows: Array, rate: float) -> tuple[float, float]:
        """One step on some rows of the data; returns its loss and that loss's share of a mean."""
        if self.batch_size == self.rows:
            return self._run_full([rate])[0], 1.0
        batch = self.batch(len(rows))
        for name, buffer in batch.arrays.items():
            # mode="clip" checks no bounds; without it, NumPy would copy through a buffer.
            self.data[name].take(rows, 0, buffer, "clip")
        self.rate[()] = rate
        self.key[1] = self.steps
        batch.program.run()
        self.steps += 1
        value: float = batch.program.outputs[0].item()
        if self.loss.total:
            return value, 1.0
        return value, float(batch.arrays["w"].sum()) if "w" in batch.arrays else float(len(rows))

    def batch(self, rows: int) -> _Batch:
        """The buffers and the program for batches of ``rows`` rows: traced at first need."""
        if rows not in self._batches:
            arrays = {k: np.empty((rows, *a.shape[1:]), a.dtype) for k, a in self.data.items()}
            step = self._traced(arrays)
            made = program(step.graph, self.bound() | arrays, step.replaces, self.engine)
            self._batches[rows] = _Batch(arrays, step, made)
        return self._batches[rows]

    @property
    def full(self) -> FullBatch:
        """The step on the whole of the data: traced at first need."""
        if self._full is None:
            step = self._traced(self.data)
            self._full = FullBatch(step, self.bound(), self.data, self.engine)
        return self._full

    def graph(self, rows: int) -> Graph:
        """The graph of the step on so many rows."""
        return (self.full if self.batch_size == self.rows else self.batch(rows)).step.graph

    def _traced(self, arrays: dict[str, Array]) -> Step:
        return training_step(self.net, self.loss, self.optimizer, self.optimizer_state, arrays)

    # --- going back ----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that a step changes, copied."""
        return {
            "arrays": {name: array.copy() for name, array in self.bound().items()},
            "steps": self.steps,
            "rng": self._rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a copied state."""
        for name, array in self.bound().items():
            array[...] = state["arrays"][name]
        self.steps = state["steps"]
        self._rng.bit_generator.state = state["rng"]
