"""Statics: what the data are like before anything is computed with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.op import Array


@dataclass(frozen=True)
class Columns:
    """The inputs, column by column.

    Attributes:
        size: the root of the mean square of all inputs: what the first layer's sums grow with.
        largest: the largest absolute input.
        mean, spread: of each column.
    """

    size: float
    largest: float
    mean: Array
    spread: Array

    @property
    def typical_spread(self) -> float:
        """The root mean square of the columns' spreads: how much rows differ."""
        return float(np.sqrt(np.mean(self.spread**2)))


def columns(X: Any) -> Columns:
    """The size of the inputs and each column's mean and spread, of rows of any shape."""
    flat = np.asarray(X, np.float64).reshape(len(X), -1)
    return Columns(
        float(np.sqrt(np.mean(flat**2))),
        float(np.abs(flat).max()),
        flat.mean(axis=0),
        flat.std(axis=0),
    )


def non_finite(name: str, array: Any) -> tuple[str, int] | None:
    """The first place that is not finite and how many there are; None where all are."""
    values = np.asarray(array)
    if values.dtype.kind not in "fO":
        return None
    try:
        bad = ~np.isfinite(values.astype(np.float64))
    except (TypeError, ValueError):
        return None
    if not bad.any():
        return None
    place = [int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape)]
    where = f"{name}, row {place[0]}" + (f", column {place[1]}" if len(place) > 1 else "")
    return where, int(bad.sum())


def variety_in_batches(t: Array, size: int) -> float:
    """The variance of the targets inside batches cut in order, beside what chance would give.

    Classes count as one-hot rows, so that it is 1 - Σ p² of their shares. A batch of B rows drawn
    at random has (B - 1) / B of the variance of all rows.
    """
    labels = (t[:, None] == np.unique(t)).astype(np.float64) if t.ndim == 1 else t
    flat = labels.reshape(len(t), -1).astype(np.float64)
    size = min(size, len(flat))
    total = float(flat.var(axis=0).sum()) * (size - 1) / size
    if total <= 0 or size == len(flat):
        return 1.0
    starts = range(0, len(flat) - size + 1, size)
    inside = [float(flat[start : start + size].var(axis=0).sum()) for start in starts]
    return float(np.mean(inside)) / total
