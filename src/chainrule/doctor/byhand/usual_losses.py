"""The losses that suit outputs, for a program that did not say its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.doctor.byhand.program import Program
from chainrule.doctor.byhand.reading import BINARY, CLASSES, VALUES

Loss = Callable[..., Any]


def loss_of(program: Program, kind: str) -> Loss:
    """The program's loss; where it was not given, the one that suits its outputs."""
    if program.loss is not None:
        return program.loss
    return {BINARY: _binary, CLASSES: _classes, VALUES: _values}[kind](program.forward)


def _binary(forward: Any) -> Loss:
    def loss(p: Any, X: Any, y: Any) -> Any:
        q = forward(p, X)
        return -np.mean(y * np.log(q) + (1 - y) * np.log(1 - q))

    return loss


def _classes(forward: Any) -> Loss:
    def loss(p: Any, X: Any, y: Any) -> Any:
        return -np.mean(np.sum(y * np.log(forward(p, X)), axis=1))

    return loss


def _values(forward: Any) -> Loss:
    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean((forward(p, X) - y) ** 2)

    return loss
