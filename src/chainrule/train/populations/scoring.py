"""Scores of many networks at a time: the loss and the outputs of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from chainrule.engine import Runnable, program
from chainrule.graph.batch import batch
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.graph.tensor import placeholder
from chainrule.nn.layers import Mode
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.train.populations.rows import Rows
from chainrule.train.step import batch_inputs, unpacked

#: Rows times networks that are scored at a time.
AT_ONCE = 1 << 18


class Scorer:
    """The losses and outputs of ``networks`` networks, whose arrays ``bound`` lie along ``axis``.

    ``bound`` has their theta and statistics; ``rows`` is what they are scored on, without weights.
    """

    def __init__(
        self, net: Sequential, loss: Loss, bound: Mapping[str, Array], networks: int, axis: int,
        rows: Rows, engine: str,
    ) -> None:  # fmt: skip
        self._net, self._loss, self._bound, self._engine = net, loss, bound, engine
        self._networks, self._axis = networks, axis
        self._rows = Rows({name: rows.data[name] for name in ("x", "t")}, rows.index)
        self._at_once = min(len(rows), max(1, AT_ONCE // networks))
        self._made: dict[int, tuple[dict[str, Array], Runnable]] = {}

    def losses(self) -> Array:
        """The loss of each network over all rows."""
        total = np.zeros(self._networks)
        for count, run in self._parts():
            total += run.outputs[0] * (1.0 if self._loss.total else count)
        return total if self._loss.total else total / len(self._rows)

    def outputs(self) -> Array:
        """The outputs of each network for all rows: (networks, rows, ...)."""
        parts = [np.moveaxis(run.outputs[1], self._axis, 0).copy() for _, run in self._parts()]
        return np.concatenate(parts, axis=1)

    def _parts(self) -> Iterator[tuple[int, Runnable]]:
        """Some rows after the other: how many, and the program that has run on them."""
        for start in range(0, len(self._rows), self._at_once):
            count = min(self._at_once, len(self._rows) - start)
            given, run = self._program(count)
            if count < len(self._rows):
                self._rows.gather(slice(start, start + count), given, self._axis)
            with np.errstate(all="ignore"):
                run.run()
            yield count, run

    def _program(self, count: int) -> tuple[dict[str, Array], Runnable]:
        if count not in self._made:
            is_own = self._rows.index is not None
            given = self._rows.buffers(count, self._networks, is_own, self._axis)
            steady = given if count == len(self._rows) else ()
            if steady:
                self._rows.gather(slice(None), given, self._axis)
            graph = self._graph(count, [*self._bound, *(given if is_own else ())])
            run = program(graph, {**self._bound, **given}, {}, self._engine, steady)
            self._made[count] = given, run
        return self._made[count]

    def _graph(self, count: int, stacked: list[str]) -> Graph:
        net = self._net
        shapes = {name: array.shape for name, array in net.parameters.items()}
        size = sum(array.size for array in net.parameters.values())
        theta = placeholder((size,), net.dtype, "theta")
        kept = {k: placeholder(a.shape, a.dtype, k) for k, a in net.statistics.items()}
        x, t = batch_inputs(
            {k: a[:1].repeat(count, 0) for k, a in self._rows.data.items()}
        ).values()
        output, _ = net.forward(x, unpacked(theta, shapes), kept, Mode())
        graph = Graph([theta, *kept.values(), x, t], [self._loss(output, t), output])
        return batch(graph, self._networks, stacked, self._axis).simplify()
