"""What was seen of columns so far, piece by piece: moments, and the scale that they give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.estimators.scale import Scale
from chainrule.graph.op import Array

#: A spread of less than this part of the mean is rounding, and no scale.
LEAST_SPREAD = 1e-12

#: Between these lies the largest number of a column, but for its sign, that needs no scale: one
#: that was standardised, or shrunk to between 0 and 1, or is 0 and 1; lengths in suitable units.
ORDINARY = (0.1, 10.0)

#: So many of its units a column may lie away from 0 before it needs to be shifted.
FAR = 20.0

#: How far from 0 the mean may be, and between what the unit, of a column that is standardised, or
#: was with some more rows: then its largest number may be any.
NEAR_MEAN, NEAR_UNIT = 0.5, (0.5, 2.0)

#: Rows that are looked at in one piece, in double precision.
ROWS = 4096


@dataclass(frozen=True, eq=False)
class Seen:
    """Moments of columns: the rows seen, mean and variance, and the range of each."""

    rows: float
    mean: Array
    variance: Array
    least: Array
    most: Array

    @staticmethod
    def of(x: Array, w: Array | None) -> Seen:
        """Those of some rows, each counted w times; those that count nothing are not seen."""
        if w is not None:
            x, w = x[w > 0], w[w > 0]
        w = np.ones(len(x)) if w is None else w
        mean, square = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            for part, weights in _pieces(x, w):
                mean += weights @ part
            mean /= w.sum()
            for part, weights in _pieces(x, w):
                square += weights @ np.square(part - mean)
            variance = square / w.sum()
        return Seen(float(w.sum()), mean, variance, x.min(axis=0), x.max(axis=0))

    def after(self, before: Seen | None) -> Seen:
        """Those of both, as if they had been one piece (Chan, Golub & LeVeque 1979)."""
        if before is None:
            return self
        rows = before.rows + self.rows
        share = self.rows / rows
        with np.errstate(over="ignore", invalid="ignore"):
            apart = self.mean - before.mean
            within = before.variance * (1 - share) + self.variance * share
            between = np.square(apart) * (share * (1 - share))
            mean = before.mean + apart * share
        least, most = np.minimum(before.least, self.least), np.maximum(before.most, self.most)
        return Seen(rows, mean, within + between, least, most)

    @property
    def varies(self) -> Array:
        """Which columns have a spread that can be told."""
        with np.errstate(over="ignore", invalid="ignore"):
            unit = np.sqrt(self.variance)
        known: Array = (unit > LEAST_SPREAD * np.abs(self.mean)) & np.isfinite(unit)
        return known

    @property
    def scale(self) -> Scale:
        """The mean and the standard deviation of each column; a constant one has the unit 1."""
        mean = np.where(np.isfinite(self.mean), self.mean, 0.0)
        with np.errstate(invalid="ignore"):
            return Scale(mean, np.where(self.varies, np.sqrt(self.variance), 1.0))

    @property
    def scale_of_targets(self) -> Scale:
        """The same for targets, where a constant one among others takes its unit from them.

        It has the least of theirs, or its own size if that is less: in the unit 1, what is left of
        a first random answer would be large beside lengths in millionths.
        """
        scale, varies = self.scale, self.varies
        mean, unit = np.clip(scale.mean, self.least, self.most), np.asarray(scale.unit)
        if varies.any():
            least, size = unit[varies].min(), np.abs(mean)
            size = np.where(size == 0, least, size)
            unit = np.where(varies, unit, np.clip(least, LEAST_SPREAD * size, size))
        return Scale(mean, unit)

    @property
    def is_ordinary(self) -> bool:
        """Whether all columns are of ordinary size, those of 0 alone aside, and none is far off."""
        scale, largest = self.scale, np.maximum(self.most, -self.least)
        is_near = (self.most <= self.least) | (np.abs(scale.mean) <= FAR * np.asarray(scale.unit))
        fits = (largest == 0) | (_within(largest, ORDINARY) & is_near) | is_standardised(scale)
        return bool(np.all(fits))


def is_standardised(scale: Scale) -> Array:
    """Which columns of this scale are standardised, or were with some more rows."""
    near: Array = (np.abs(scale.mean) <= NEAR_MEAN) & _within(scale.unit, NEAR_UNIT)
    return near


def _within(numbers: Any, limits: tuple[float, float]) -> Any:
    return (numbers >= limits[0]) & (numbers <= limits[1])


def _pieces(x: Array, w: Array) -> Iterator[tuple[Array, Array]]:
    """Some rows at a time, in double precision, and their weights."""
    for i in range(0, len(x), ROWS):
        yield x[i : i + ROWS].astype(np.float64), w[i : i + ROWS]
