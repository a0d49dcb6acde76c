"""chainrule as its users type it: a Sequential and one call of fit, with the progress line on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import numpy as np

import chainrule as cr
from work import Array, Data, Fresh, Run, Work

OPTIMIZERS = {"sgd": cr.SGD, "adam": cr.Adam}


def prepare(work: Work, data: Data, *, engine: str = "numpy") -> Fresh:
    """Recording and planning the graph happen in fit, so they are timed.

    The xla engine compiles in the first fit of a network's form: that is done here, by an epoch.
    """
    targets = data.labels
    if work.net.output == "sigmoid":
        targets = work.net.targets(targets)

    def fresh(epochs: int = work.epochs) -> Run:
        net = cr.Sequential(*layers(work, work.initial_parameters()), dtype=work.net.dtype)
        net.build(work.net.sizes[0])

        def train() -> Any:
            with nobody_reads():
                history = net.fit(
                    data.rows,
                    targets,
                    optimizer=OPTIMIZERS[work.net.optimizer](work.net.rate),
                    epochs=epochs,
                    batch_size=work.batch,
                    seed=work.seed,
                    engine=engine,
                    progress=True,
                )
            return history["loss"]

        return Run(train, lambda rows: net.predict(rows, engine=engine))

    if engine == "xla":
        fresh(1).train()
    return fresh


def prepare_many(work: Work, data: Data, *, engine: str = "numpy") -> Fresh:
    """All networks by fit_many, each from its seed."""
    targets = work.net.targets(data.labels)

    def build() -> Any:
        pairs = list(zip(work.net.sizes, work.net.sizes[1:], strict=False))
        activations = [work.net.hidden] * (len(pairs) - 1) + [work.net.output]
        made = []
        for (inputs, units), activation in zip(pairs, activations, strict=True):
            draw = drawn(work.net.bound(inputs, units))
            made.append(cr.Dense(units, activation, weight_init=draw, bias_init=draw))
        return cr.Sequential(*made, dtype=work.net.dtype)

    def fresh(epochs: int = work.epochs) -> Run:
        trained: list[Any] = []

        def train() -> Any:
            with nobody_reads():
                population = cr.fit_many(
                    build,
                    data.rows,
                    targets,
                    seeds=range(work.seed, work.seed + work.networks),
                    optimizer=OPTIMIZERS[work.net.optimizer](work.net.rate),
                    epochs=epochs,
                    batch_size=work.batch,
                    engine=engine,
                    progress=True,
                )
            trained[:] = population.networks
            return population.losses.T

        return Run(train, lambda rows: np.stack([net.predict(rows) for net in trained]))

    if engine == "xla":
        fresh(1).train()
    return fresh


@contextmanager
def nobody_reads() -> Iterator[None]:
    """The progress line is written, as users have it, and goes nowhere."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        yield


def drawn(bound: float) -> Callable[[tuple[int, ...], np.random.Generator], Array]:
    """An initializer by the workload's law. From the same seed come the workload's own numbers."""
    return lambda shape, rng: rng.uniform(-bound, bound, shape)


def layers(work: Work, parameters: Any) -> list[cr.Dense]:
    """The dense layers, which start from the numbers given."""
    activations = [work.net.hidden] * (len(parameters) - 1) + [work.net.output]
    return [
        cr.Dense(W.shape[1], activation, weight_init=given(W), bias_init=given(b))
        for (W, b), activation in zip(parameters, activations, strict=True)
    ]


def given(values: Array) -> Callable[[tuple[int, ...], np.random.Generator], Array]:
    """An initializer that hands out ``values``."""
    return lambda shape, rng: values
