"""The runner: trains epoch after epoch on data in memory, one planned step for each batch shape.

The XLA engine, which compiles whole epochs, has a runner of its own with the same face
(``epochs``): ``run`` for some epochs, ``state`` and ``restore`` for going back.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.distributed import agreed
from chainrule.engine.memory import aligned_copy
from chainrule.graph.op import Array
from chainrule.nn.finite import all_finite
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.train.rates import Rates
from chainrule.train.step import Step, flat, views
from chainrule.train.steps import COUNT, Steps

#: Seconds between two looks at the clock while an epoch runs.
TICK_SECONDS = 0.1

#: With so many rows and more, their numbers take as much memory as a batch: half a megabyte.
MANY_ROWS = 2**16


class Runner:
    """Trains ``net`` on checked arrays ``data`` (x, t, perhaps w) by steps of ``optimizer``.

    While it lives, the network's parameters are views of one vector, ``theta``, that every step
    updates in place.

    Args:
        penalty: α of the penalty on weights, see ``chainrule.train.step.penalised``.
        shuffle: whether each epoch's batches are drawn anew; else rows are taken in order.
        steady: whether ``data`` stays as it is. If not, its rows may be written anew between two
            calls of ``run``, and nothing is made of them beforehand.
    """

    #: How many times as many epochs may be asked for as were before: the first are the slowest.
    growth = 4

    #: From where the rows of a batch are taken, in words.
    order = "rows from all the data"

    #: Epochs are asked for in multiples of this, unless somebody is to look, or they are the last.
    together = 1

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, data: dict[str, Array],
        batch_size: int | None, rng: np.random.Generator, engine: str, *, penalty: float = 0.0,
        shuffle: bool = True, steady: bool = True,
    ) -> None:  # fmt: skip
        self.net, self.loss, self.optimizer, self.data = net, loss, optimizer, data
        self.penalty, self.shuffle, self.steady = penalty, shuffle, steady
        self.rows = len(data["x"])
        self.batch_size = min(batch_size or self.rows, self.rows)
        self.engine = engine
        self._rng = rng
        self.theta = aligned_copy(flat(net.parameters, net.dtype))
        net.parameters = views(self.theta, {k: a.shape for k, a in net.parameters.items()})
        memory = optimizer.init(self.theta)
        self.optimizer_state = {name: aligned_copy(array) for name, array in memory.items()}
        self.rate = np.zeros(())
        self.key = np.array([rng.integers(2**32), 0], np.uint32)
        self.steps = 0
        self._planned: dict[int, Steps] = {}

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

    def epochs_in(self, seconds: float, rates: Rates) -> int:
        """How many epochs take about so many seconds, if that is known before the first."""
        return 1

    def run(self, epochs: int, rates: Rates, tick: Callable[[float], None]) -> list[float]:
        """Train for some epochs; returns the loss of each, averaged over its batches' rows.

        Args:
            rates: at positions in these epochs (0 to ``epochs``).
            tick: told the position now and then.
        """
        if self.batch_size < self.rows:
            return [self._run_epoch(epoch, rates, tick) for epoch in range(epochs)]
        (everything,) = self.batches()
        losses: list[float] = []
        for first in range(0, epochs, COUNT):
            numbers = rates.at(range(first, min(first + COUNT, epochs)))
            losses += self.make_steps([everything] * len(numbers), numbers)
            agreed(None)  # lets Ctrl-C end all processes of a group after the same step
        return losses

    def _run_epoch(self, epoch: int, rates: Rates, tick: Callable[[float], None]) -> float:
        batches = self.batches()
        losses: list[float] = []
        began = ticked = time.perf_counter()
        count = 1
        while len(losses) < len(batches):
            first = len(losses)
            # The last batch may be smaller, and so is not made together with the others.
            last = max(first + 1, min(first + count, len(batches) - 1))
            positions = [epoch + i * self.batch_size / self.rows for i in range(first, last)]
            losses += self.make_steps(batches[first:last], rates.at(positions))
            now = time.perf_counter()
            wanted = 1 + int((last - first) * TICK_SECONDS / (now - began))
            count = agreed(min(COUNT, 4 * count, wanted))
            began = now
            if now - ticked > TICK_SECONDS:
                ticked = now
                tick(epoch + min(1.0, last * self.batch_size / self.rows))
        shares = [self.share(rows) for rows in batches]
        total = sum(loss * share for loss, share in zip(losses, shares, strict=True))
        return total if self.loss.total else total / sum(shares)

    def batches(self) -> list[Array]:
        """The rows of each batch of an epoch: all rows in order, or shuffled and cut."""
        if self.batch_size == self.rows:
            return [np.arange(self.rows)]
        # Numbers of half the size are drawn and gathered more slowly: not where there are few.
        small = MANY_ROWS <= self.rows <= np.iinfo(np.int32).max
        order = np.arange(self.rows, dtype=np.int32 if small else np.intp)
        if self.shuffle:
            self._rng.shuffle(order)
        starts = range(0, self.rows, self.batch_size)
        return [order[start : start + self.batch_size] for start in starts]

    def make_steps(self, batches: Sequence[Array], rates: Sequence[float]) -> list[float]:
        """A step on each batch, at most ``COUNT`` and all of one size; returns their losses."""
        steps = self.steps_on(len(batches[0]))
        rows = steps.rows(batches)
        try:
            with np.errstate(all="ignore"):
                steps.run(rows, rates)
                return steps.losses(len(batches))
        finally:
            # An interrupt leaves rows for which no step was made.
            self.steps += len(batches) - operator.length_hint(rows)

    def make_step(self, batch: Array, rate: float) -> float:
        """A step on ``batch``, the one that comes next; returns its loss."""
        (loss,) = self.make_steps([batch], [rate])
        return loss

    def share(self, rows: Array) -> float:
        """What a batch's loss counts in the mean of an epoch."""
        if self.loss.total:
            return 1.0
        return float(self.data["w"][rows].sum()) if "w" in self.data else float(len(rows))

    def steps_on(self, size: int) -> Steps:
        """The planned step for batches of so many rows: traced at first need."""
        if size not in self._planned:
            self._planned[size] = Steps(
                self.net, self.loss, self.optimizer, self.optimizer_state, self.bound(),
                self.data, size, self.engine, self.penalty, self.steady, self._planned.values(),
            )  # fmt: skip
        return self._planned[size]

    def step_on(self, size: int) -> Step:
        """The step for batches of so many rows, as it was traced."""
        return self.steps_on(size).step

    @property
    def is_finite(self) -> bool:
        """Whether all that steps change is: a state that is not would stop parameters silently.

        The square of a gradient of 2e19 is infinite in float32, and Adam divides by its root.
        """
        states, statistics = self.optimizer_state.values(), self.net.statistics.values()
        return all_finite(self.theta, *states, *statistics)

    # --- going back ----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that a step changes, copied."""
        return {
            "arrays": {name: array.copy() for name, array in self.bound().items()},
            "steps": self.steps,
            "rng": self._rng.bit_generator.state,
            "drawn": dict(getattr(self._rng, "__dict__", {})),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a copied state."""
        for name, array in self.bound().items():
            array[...] = state["arrays"][name]
        self.steps = state["steps"]
        self._rng.bit_generator.state = state["rng"]
        getattr(self._rng, "__dict__", {}).update(state["drawn"])
