"""The scores of answers: accuracy and log loss of classes, R² and errors of numbers."""

from __future__ import annotations

from collections.abc import Callable
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
    """Estimates by name, the first the chief one."""

    estimates: dict[str, Estimate]

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
    if has_classes:
        losses = row_losses(y, outputs, True)
        right = int(np.sum(outputs.argmax(axis=1) == y))
        found = {"accuracy": wilson(right, len(y))}
        (found["log loss"],) = bootstrap(losses[:, None], lambda means: means, seed)
        return Scores(found)
    columns, statistic = _of_numbers(y, outputs)
    names = ("R²", "RMSE", "mean absolute error")
    return Scores(dict(zip(names, bootstrap(columns, statistic, seed), strict=True)))


def row_losses(y: Array, outputs: Array, has_classes: bool) -> NDArray[np.float64]:
    """(n,): -log of the probability of the true class, or the root mean square of the errors."""
    if has_classes:
        chosen = np.take_along_axis(outputs, y[:, None], axis=1)[:, 0]
        result: NDArray[np.float64] = -np.log(np.maximum(chosen, LEAST))
        return result
    return root_mean_square(np.asarray(outputs - y, np.float64), axis=1)


def root_mean_square(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """√mean(v²), also of numbers whose squares have no place."""
    scale = float(np.abs(values).max()) or 1.0
    result: NDArray[np.float64] = scale * np.sqrt(((values / scale) ** 2).mean(axis=axis))
    return result


def _of_numbers(
    y: Array, outputs: Array
) -> tuple[NDArray[np.float64], Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """Columns, and how R², RMSE and mean absolute error follow from their means."""
    # Of a scale of about 1, so that squares of huge numbers have a place.
    away = y - y.mean(axis=0)
    scale = float(np.abs(away).max()) or 1.0
    away, wrong = away / scale, (outputs - y) / scale
    columns = np.hstack([wrong**2, away, away**2, np.abs(wrong).mean(axis=1, keepdims=True)])
    # Of one value over and over there is nothing to explain: as in ``chainrule.nn.metrics.r2``.
    # Few rows, drawn again, may be nearly so: then their spread says nothing of R².
    constant = np.ptp(y, axis=0) == 0
    least = np.where(constant, 1.0, 0.01 * (away**2).mean(axis=0))

    def statistic(means: NDArray[np.float64]) -> NDArray[np.float64]:
        squares, mean, square, absolute = np.split(means, [k, 2 * k, 3 * k], axis=1)
        spread = np.maximum(square - mean**2, least)
        explained = np.where(constant, squares == 0, 1 - squares / spread).mean(axis=1)
        rmse = scale * np.sqrt(squares.mean(axis=1))
        return np.stack([explained, rmse, scale * absolute[:, 0]], axis=1)

    k = y.shape[1]
    return columns, statistic


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
    errors = np.stack([row_losses(y, outputs, False) for outputs in (first, second)])
    squares = (errors / (errors.max() or 1.0)) ** 2
    chief = []
    for outputs in (first, second):
        columns, statistic = _of_numbers(y, outputs)
        chief.append(float(statistic(columns.mean(axis=0)[None])[0, 0]))
    return Pair(chief[1] - chief[0], sign_flips(squares[0] - squares[1], seed))
