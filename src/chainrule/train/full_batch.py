"""Training on all rows at a time: many steps in one call, their losses computed afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.engine import program, repeated
from chainrule.graph.op import Array
from chainrule.train.late_loss import late_loss
from chainrule.train.step import Step

#: Steps whose losses are computed at a time.
COUNT = 256


class FullBatch:
    """The planned step on the whole of the data, and the losses of its last ``COUNT`` runs."""

    def __init__(
        self, step: Step, bound: Mapping[str, Array], data: Mapping[str, Array], engine: str
    ) -> None:
        self.step = step
        late = late_loss(step, data, COUNT)
        outputs = late.step.graph.outputs
        stacks = {
            place: np.zeros((COUNT, *outputs[place].shape), outputs[place].dtype)
            for place in late.kept
        }
        self._steps = repeated(
            late.step.graph, {**bound, **data}, late.step.replaces, engine, tuple(data), stacks
        )
        self._losses = stacks[late.kept[0]]
        self._compute = None
        if late.losses is not None:
            given = dict(zip(late.names, stacks.values(), strict=True))
            names = late.losses.input_names()
            given |= {name: array for name, array in data.items() if name in names}
            self._compute = program(late.losses, given, {}, engine, [n for n in names if n in data])
            self._losses = self._compute.outputs[0]

    def rows(self, start: int, stop: int) -> Iterator[tuple[Array, ...]]:
        """What ``run`` takes for the steps ``start`` to ``stop`` of ``COUNT``."""
        return iter(self._steps.rows[start:stop])

    def run(self, rows: Iterator[tuple[Array, ...]]) -> None:
        """Make a step for each of ``rows``: what it has left tells how far an interrupt let it."""
        self._steps.run(rows)

    def losses(self, count: int) -> list[float]:
        """The losses of the first ``count`` steps."""
        if self._compute is not None:
            self._compute.run()
        values: list[float] = self._losses[:count].tolist()
        return values


def stretches(rates: Sequence[float], longest: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of each stretch of equal rates, at most ``longest`` long."""
    start = 0
    for i in range(1, len(rates) + 1):
        if i == len(rates) or rates[i] != rates[start] or i - start == longest:
            yield start, i
            start = i
