"""Thinc: chained layers with callbacks for backward, and its own optimizers. float32 only."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from thinc.api import SGD, Adam, Relu, Sigmoid, Softmax, chain

from contestants.stepping import loop
from work import Array, Data, Fresh, Run, Work

HIDDEN = {
    "sigmoid": lambda n, m: Sigmoid(m, n),
    "relu": lambda n, m: Relu(m, n),
}


def prepare(work: Work, data: Data) -> Fresh:
    """The gradient of the cross-entropy is written by hand, as its examples have it."""
    X, T = data.rows, work.net.targets(data.labels)
    sizes = work.net.sizes

    def fresh() -> Run:
        pairs = list(pairwise(sizes))
        layers = [HIDDEN[work.net.hidden](n, m) for n, m in pairs[:-1]]
        layers.append(Softmax(sizes[-1], sizes[-2]))
        net = chain(*layers).initialize(X=X[:1], Y=T[:1])
        for layer, (W, b) in zip(layers, work.initial_parameters(), strict=True):
            layer.set_param("W", np.ascontiguousarray(W.T))
            layer.set_param("b", b)
        off: dict[str, Any] = {"L2": 0.0, "grad_clip": 0.0, "use_averages": False}
        rate = work.net.rate
        optimizer = (
            Adam(rate, **off, eps=1e-8) if work.net.optimizer == "adam" else SGD(rate, **off)
        )

        def step(rows: Array | None) -> float:
            x, t = (X, T) if rows is None else (X[rows], T[rows])
            p, backprop = net.begin_update(x)
            backprop((p - t) / len(x))
            net.finish_update(optimizer)
            return float(-np.log((p * t).sum(axis=1)).mean())

        return Run(lambda: loop(work, len(X), step), net.predict)

    return fresh
