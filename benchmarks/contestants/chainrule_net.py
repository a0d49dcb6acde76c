"""chainrule as its users type it: a Sequential and one call of fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

import chainrule as cr
from contestants import Training
from workloads import Array, Data, Workload


def prepare(work: Workload, data: Data, epochs: int) -> Training:
    """Recording and planning the graph happen in fit, so they are timed."""
    (W1, b1), (W2, b2) = work.initial_parameters()
    net = cr.Sequential(
        cr.Dense(work.sizes[1], work.hidden, weight_init=given(W1), bias_init=given(b1)),
        cr.Dense(work.sizes[2], work.output, weight_init=given(W2), bias_init=given(b2)),
        dtype=work.dtype,
    )
    targets = data.labels
    if work.output == "sigmoid":
        targets = targets.astype(work.dtype).reshape(-1, 1)

    def train() -> Sequence[float]:
        history = net.fit(
            data.rows,
            targets,
            loss=work.loss,
            optimizer=cr.SGD(work.rate),
            epochs=epochs,
            batch_size=work.batch,
            seed=work.seed,
            engine="numpy",
            progress=False,
        )
        losses: Sequence[float] = history["loss"]
        return losses

    return Training(train, net.predict)


def given(values: Array) -> Callable[[tuple[int, ...], np.random.Generator], Array]:
    """An initializer that hands out ``values``."""
    return lambda shape, rng: values
