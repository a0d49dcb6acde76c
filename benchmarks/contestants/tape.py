"""The shape of a training by a library that has variables with gradients and no optimizer.

What such libraries share: parameters in a list, the update written by hand in NumPy, as their
examples have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from contestants.stepping import loop
from work import ADAM, Array, Data, Fresh, Run, Work

Gradient = Callable[[list[Array], Array, Array], tuple[Any, list[Array]]]


class Update:
    """SGD or Adam on NumPy arrays, in place."""

    def __init__(self, work: Work, parameters: list[Array]) -> None:
        self.rate, self.adam = work.net.rate, work.net.optimizer == "adam"
        self.first = [np.zeros_like(p) for p in parameters]
        self.second = [np.zeros_like(p) for p in parameters]
        self.steps = 0

    def __call__(self, parameters: list[Array], gradients: list[Array]) -> None:
        self.steps += 1
        b1, b2 = ADAM["beta1"], ADAM["beta2"]
        scale = self.rate / (1 - b1**self.steps)
        root = 1 / (1 - b2**self.steps)
        for p, g, m, v in zip(parameters, gradients, self.first, self.second, strict=True):
            if not self.adam:
                p -= self.rate * g
                continue
            m += (1 - b1) * (g - m)
            v += (1 - b2) * (g * g - v)
            p -= scale * m / (np.sqrt(v * root) + ADAM["epsilon"])


def prepare(
    work: Work,
    data: Data,
    targets: Array,
    gradient: Gradient,
    outputs: Callable[[list[Array], Array], Array],
) -> Fresh:
    """A training from ``gradient`` (parameters, x, t) -> (loss, gradients), and ``outputs``."""
    X, T = data.rows, targets

    def fresh() -> Run:
        parameters = [a.copy() for layer in work.initial_parameters() for a in layer]
        update = Update(work, parameters)

        def step(rows: Array | None) -> float:
            x, t = (X, T) if rows is None else (X[rows], T[rows])
            value, gradients = gradient(parameters, x, t)
            update(parameters, gradients)
            return float(value)

        return Run(lambda: loop(work, len(X), step), lambda rows: outputs(parameters, rows))

    return fresh
