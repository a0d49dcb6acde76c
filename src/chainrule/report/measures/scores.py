"""The scores of answers: accuracy and log loss of classes, R² and errors of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.report.measures.intervals import Estimate, bootstrap, mcnemar, sign_flips, wilson

Array = NDArray[Any]
#: The least probability that a log loss sees: a wrong answer given for certain costs 34.5.
LEAST = 1e-15


@dataclass(frozen=True)
class Scores:
    """Estimates by name, the first the chief one, and each row's loss."""

    estimates: dict[str, Estimate]
    losses: NDArray[np.float64]

    @property
    def chief(self) -> Estimate:
        """Accuracy or R²."""
        return next(iter(self.estimates.values()))


def scores(y: Array, outputs: Array, has_classes: bool, seed: int = 0) -> Scores:
    """Score answers as :class:`~chainrule.report.material.Material` has them.

    Classes: accuracy (Wilson's interval) and log loss, mean(-log p of the true class). Numbers: R²,
    1 - Σ(y - f)² / Σ(y - mean y)², with the mean over several outputs; RMSE, √mean((y - f)²), and
    the mean absolute error. Intervals other than Wilson's are bootstrapped.
    """
    losses = row_losses(y, outputs, has_classes)
    if has_classes:
        right = int(np.sum(outputs.argmax(axis=1) == y))
        found = {"accuracy": wilson(right, len(y))}
        low, high = bootstrap(lambda rows: losses[rows].mean(axis=1)[:, None], len(y), seed)
        found["log loss"] = Estimate(float(losses.mean()), float(low[0]), float(high[0]))
        return Scores(found, losses)
    errors = outputs - y
    everything = np.arange(len(y))[None, :]
    values = _of_numbers(y, errors, everything)[0]
    low, high = bootstrap(lambda rows: _of_numbers(y, errors, rows), len(y), seed)
    names = ("R²", "RMSE", "mean absolute error")
    return Scores(
        {
            name: Estimate(float(v), float(a), float(b))
            for name, v, a, b in zip(names, values, low, high, strict=True)
        },
        losses,
    )


def row_losses(y: Array, outputs: Array, has_classes: bool) -> NDArray[np.float64]:
    """(n,): -log of the probability of the true class, or the squared error."""
    if has_classes:
        chosen = np.take_along_axis(outputs, y[:, None], axis=1)[:, 0]
        result: NDArray[np.float64] = -np.log(np.maximum(chosen, LEAST))
        return result
    return np.asarray(((outputs - y) ** 2).mean(axis=1), np.float64)


def _of_numbers(y: Array, errors: Array, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """(b, 3): R², RMSE and mean absolute error of b samples of rows."""
    chosen, wrong = y[rows], errors[rows]
    squares = (wrong**2).sum(axis=1)
    spread = ((chosen - chosen.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    # A sample may be of one value over and over; then nothing is there to be explained.
    explained = 1 - squares / np.where(spread > 0, spread, np.inf)
    rmse = np.sqrt((wrong**2).mean(axis=(1, 2)))
    return np.stack([explained.mean(axis=1), rmse, np.abs(wrong).mean(axis=(1, 2))], axis=1)


@dataclass(frozen=True)
class Pair:
    """Two answers to the same rows: by how much the second's score is higher, and by what chance.

    ``gain`` is in accuracy, or in R² of the same rows; ``first_alone`` and ``second_alone`` are the
    rows that one alone gets right (classes only).
    """

    gain: float
    p: float
    first_alone: int = 0
    second_alone: int = 0


def paired(y: Array, first: Array, second: Array, has_classes: bool, seed: int = 0) -> Pair:
    """Compare two answers to the same rows: McNemar's test, or sign flips of squared errors."""
    if has_classes:
        a, b = first.argmax(axis=1) == y, second.argmax(axis=1) == y
        alone = int(np.sum(a & ~b)), int(np.sum(b & ~a))
        return Pair((alone[1] - alone[0]) / len(y), mcnemar(*alone), *alone)
    less = row_losses(y, first, False) - row_losses(y, second, False)
    everything = np.arange(len(y))[None, :]
    chief = [_of_numbers(y, outputs - y, everything)[0, 0] for outputs in (first, second)]
    return Pair(float(chief[1] - chief[0]), sign_flips(less, seed))
