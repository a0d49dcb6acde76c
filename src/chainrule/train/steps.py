"""Steps on batches of one size: planned once, many made in one call, their losses afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engine import Repeatable, program, repeated
from chainrule.engine.memory import aligned
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.train.late_loss import late_loss
from chainrule.train.step import training_step

#: Steps that can be made before their losses are asked for.
COUNT = 256


class Steps:
    """The planned step for batches of ``size`` rows of ``data``, and the losses of its last runs.

    A batch of all rows is the data itself, in order, which is the same in every step (unless
    ``steady_data`` is False); others are gathered, row by row, into buffers. ``step`` is what was
    traced. Steps on batches of another size, made ``beside`` these, share their memory.
    """

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, state: Mapping[str, Array],
        bound: Mapping[str, Array], data: Mapping[str, Array], size: int, engine: str,
        penalty: float = 0.0, steady_data: bool = True, beside: Iterable[Steps] = (),
    ) -> None:  # fmt: skip
        self._whole = steady_data and size == len(data["x"])
        batch, steady, gathered = data, tuple(data), {}
        if not self._whole:
            batch = {name: aligned((size, *a.shape[1:]), a.dtype) for name, a in data.items()}
            steady, gathered = (), dict(data)
        self.step = training_step(net, loss, optimizer, state, batch, penalty)
        late = late_loss(self.step, steady, COUNT)
        graph, replaces = late.step.graph, late.step.replaces
        kept = {
            place: np.zeros((COUNT, *graph.outputs[place].shape), graph.outputs[place].dtype)
            for place in late.kept
        }
        self._steps: Repeatable = repeated(
            graph, {**bound, **batch}, replaces, engine, steady, kept, gathered, "rate",
            [other._steps for other in beside],
        )  # fmt: skip
        self._losses, self._compute = kept[late.kept[0]], None
        if late.losses is not None:
            names = late.losses.input_names()
            given = dict(zip(late.names, kept.values(), strict=True))
            given |= {name: array for name, array in data.items() if name in names}
            self._compute = program(late.losses, given, {}, engine, [n for n in names if n in data])
            self._losses = self._compute.outputs[0]

    def rows(self, batches: Sequence[Array]) -> Iterator[tuple[Any, ...]]:
        """What ``run`` takes for a step on each of ``batches``, which hold indices of rows."""
        places = self._steps.rows[: len(batches)]
        if self._whole:
            return iter(places)
        return iter([(*place, indices) for place, indices in zip(places, batches, strict=True)])

    def run(self, rows: Iterator[tuple[Any, ...]], rates: Sequence[float]) -> None:
        """Make a step for each of ``rows``: what it has left tells how far an interrupt let it."""
        self._steps.run(rows, rates)

    def losses(self, count: int) -> list[float]:
        """The losses of the first ``count`` steps."""
        if self._compute is not None:
            self._compute.run()
        values: list[float] = self._losses[:count].tolist()
        return values
