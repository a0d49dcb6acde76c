"""Inference: outputs and scores of a network, through graphs that are traced once per shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.graph.tensor import placeholder
from chainrule.nn.losses import Loss
from chainrule.nn.metrics import Metric

if TYPE_CHECKING:
    from chainrule.nn.sequential import Sequential

#: Forward passes that are kept compiled, for the shapes used last.
KEPT = 16

#: Rows that are computed at a time: enough to keep the products busy, few enough that what lies
#: between the layers stays small however many rows there are.
ROWS_AT_ONCE = 4096


class Inference:
    """The compiled forward passes of one network, by their shapes."""

    def __init__(self, net: Sequential) -> None:
        self._net = net
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without what is compiled, which no file can hold and which is soon made again."""
        return {"_net": self._net, "_compiled": {}}

    def outputs(self, X: Array, engine: str) -> Array:
        """The outputs for checked samples."""
        if len(X) <= ROWS_AT_ONCE:
            return self._forward(X, engine)
        return np.concatenate([self._forward(X[rows], engine) for rows in _chunks(len(X))])

    def scores(
        self, X: Array, t: Array, w: Array | None, loss: Loss, metrics: Mapping[str, Metric],
        engine: str,
    ) -> dict[str, float]:  # fmt: skip
        """The loss and each metric, on checked data."""
        parts = []

        def value(rows: slice, part_w: Array | None) -> float:
            found, outputs = self._loss(X[rows], t[rows], part_w, loss, engine)
            if metrics:
                parts.append(outputs)
            return float(found)

        scores = {"loss": loss_by_chunks(loss, len(X), w, value)}
        if metrics:
            predicted = np.concatenate(parts)
            scores |= {name: float(score(predicted, t)) for name, score in metrics.items()}
        return scores

    def _forward(self, X: Array, engine: str) -> Array:
        run = self._compile((X.shape, engine), lambda: self._net.graph(len(X)), engine)
        result: Array = run(X, *self._arrays())
        return result

    def _loss(self, X: Array, t: Array, w: Array | None, loss: Loss, engine: str) -> Any:
        key = (X.shape, t.shape, t.dtype, w is None, loss, engine)
        run = self._compile(key, lambda: self._loss_graph(X, t, w, loss), engine)
        weights = () if w is None else (w,)
        return run(X, t, *weights, *self._arrays())

    def _compile(self, key: Any, graph: Callable[[], Graph], engine: str) -> Callable[..., Any]:
        run = self._compiled.pop(key) if key in self._compiled else graph().compile(engine)
        self._compiled[key] = run  # last, so that the first is the one to be forgotten
        if len(self._compiled) > KEPT:
            del self._compiled[next(iter(self._compiled))]
        return run

    def _loss_graph(self, X: Array, t: Array, w: Array | None, loss: Loss) -> Graph:
        forward = self._net.graph(len(X))
        targets = placeholder(t.shape, t.dtype, "t")
        weights = None if w is None else placeholder(w.shape, w.dtype, "w")
        output = forward.outputs[0]
        value = loss(output, targets, weights)
        given = [targets] if weights is None else [targets, weights]
        inputs = [forward.inputs[0], *given, *forward.inputs[1:]]
        return Graph(inputs, [value, output]).simplify()

    def _arrays(self) -> list[Array]:
        return [*self._net.parameters.values(), *self._net.statistics.values()]


def loss_by_chunks(
    loss: Loss, rows: int, w: Array | None, value: Callable[[slice, Array | None], float]
) -> float:
    """The loss of so many rows, weighted by ``w`` or not, from its ``value`` for some at a time."""
    total = weight = 0.0
    for part in _chunks(rows):
        part_w = None if w is None else w[part]
        count = part.stop - part.start if part_w is None else float(part_w.sum())
        share = 1.0 if loss.total else count
        total += value(part, part_w) * share
        weight += share
    return total if loss.total else total / weight


def _chunks(rows: int) -> Iterable[slice]:
    starts = range(0, rows, ROWS_AT_ONCE)
    return (slice(start, min(start + ROWS_AT_ONCE, rows)) for start in starts)
