"""Scores of many networks at a time: the loss and the outputs of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from chainrule.engine import Runnable, program
from chainrule.graph.batch import batch
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.graph.tensor import Tensor, placeholder
from chainrule.nn.layers import Mode
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.train.rows import Rows
from chainrule.train.step import batch_inputs, unpacked

#: Rows times networks that are scored at a time.
AT_ONCE = 1 << 18


class Scorer:
    """The losses and outputs of ``networks`` networks, whose arrays ``bound`` lie along ``axis``.

    ``bound`` has their theta and statistics; ``rows`` is what they are scored on.
    """

    def __init__(
        self, net: Sequential, loss: Loss, bound: Mapping[str, Array], networks: int, axis: int,
        rows: Rows, engine: str,
    ) -> None:  # fmt: skip
        self._net, self._loss, self._bound, self._engine = net, loss, bound, engine
        self._networks, self._axis, self._rows = networks, axis, rows
        self._at_once = min(len(rows), max(1, AT_ONCE // networks))
        self._made: dict[int, tuple[dict[str, Array], Runnable]] = {}

    def losses(self) -> Array:
        """The loss of each network over all rows."""
        total, weight = np.zeros(self._networks), np.zeros(())
        for value, _, share in self._parts():
            total += value * share
            weight = weight + share
        return total if self._loss.total else total / weight

    def outputs(self) -> Array:
        """The outputs of each network for all rows: (networks, rows, ...)."""
        return np.concatenate([outputs.copy() for _, outputs, _ in self._parts()], axis=1)

    def _parts(self) -> Iterator[tuple[Array, Array, Array]]:
        """Of some rows at a time: the losses, the outputs, and the rows' share of a mean."""
        for start in range(0, len(self._rows), self._at_once):
            count = min(self._at_once, len(self._rows) - start)
            given, run = self._program(count)
            if count < len(self._rows) or start == 0:
                self._rows.gather(slice(start, start + count), given, self._axis)
            with np.errstate(all="ignore"):
                run.run()
            value, outputs = run.outputs
            share = np.array(float(count))
            if self._loss.total:
                share = np.ones(())
            elif "w" in given:
                share = (
                    np.moveaxis(given["w"], self._axis, 0).sum(-1)
                    if self._is_own
                    else given["w"].sum()
                )
            yield value, np.moveaxis(outputs, self._axis, 0), share

    @property
    def _is_own(self) -> bool:
        return self._rows.index is not None

    def _program(self, count: int) -> tuple[dict[str, Array], Runnable]:
        if count not in self._made:
            given = self._rows.buffers(count, self._networks, self._is_own, self._axis)
            graph = self._graph(count, list(self._bound) + (list(given) if self._is_own else []))
            self._made[count] = given, program(graph, {**self._bound, **given}, {}, self._engine)
        return self._made[count]

    def _graph(self, count: int, stacked: list[str]) -> Graph:
        net = self._net
        shapes = {name: array.shape for name, array in net.parameters.items()}
        size = sum(array.size for array in net.parameters.values())
        theta = placeholder((size,), net.dtype, "theta")
        kept = {k: placeholder(a.shape, a.dtype, k) for k, a in net.statistics.items()}
        one = {k: a[:1].repeat(count, 0) for k, a in self._rows.data.items()}
        given: dict[str, Tensor] = batch_inputs(one)
        output, _ = net.forward(given["x"], unpacked(theta, shapes), kept, Mode())
        value = self._loss(output, given["t"], given.get("w"))
        graph = Graph([theta, *kept.values(), *given.values()], [value, output])
        return batch(graph, self._networks, stacked, self._axis).simplify()
