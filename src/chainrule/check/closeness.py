"""Closeness: whether two gradients are the same numbers, up to rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule.check.evidence import Array

#: Two gradients fit if they differ by less than this, relative to the largest entry; and by less
#: than so many rounding errors, where theirs was computed in a lower precision.
FITS = 1e-7
ROUNDINGS = 300.0
#: Of explanations that fit, those count as equal whose error is at most so many times the best's.
EQUAL = 1e4
EQUAL_FLOOR = 1e-11


@dataclass(frozen=True)
class Closeness:
    """How near is near enough, for numbers whose largest gradient is ``scale``.

    ``eps`` is the rounding error of what they were computed in, ``inexact`` the largest relative
    error that rounding, or the truth they are compared with, was seen to leave in an array.
    """

    eps: float
    scale: float
    inexact: float = 0.0

    def allowed(self, theirs: Array) -> float:
        """The largest relative error that is taken for rounding.

        A single number agrees with one of many candidates by chance, if it may be far off.
        """
        return self.strict if theirs.size == 1 else max(self.strict, self.inexact)

    @property
    def strict(self) -> float:
        """What rounding alone explains, with nothing known of how much it was here."""
        return max(FITS, ROUNDINGS * self.eps)

    def error(self, theirs: Array, mine: Array) -> float:
        """The largest difference, relative to their largest entry; infinite for another shape.

        Entries of ``mine`` that are NaN are not known, and are left out.
        """
        if theirs.shape != mine.shape:
            return np.inf
        if theirs.size == 0:
            return 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            difference = np.abs(theirs - mine)
        worst = float(difference.max())
        if math.isnan(worst):
            known = ~np.isnan(mine)
            if not known.any() or not np.isfinite(theirs[known]).all():
                return np.inf
            worst = float(difference[known].max())
        # What is nothing beside the largest gradient is the rounding of a sum that cancels.
        rest = worst - 100 * self.eps * self.scale
        size = float(np.abs(theirs).max())
        return 0.0 if rest <= 0 else rest / size if size else np.inf

    def fit(self, theirs: Array, mine: Array) -> bool:
        """Whether the two are the same numbers."""
        return self.error(theirs, mine) <= self.allowed(theirs)

    def factor(self, theirs: Array, mine: Array) -> float | None:
        """c, if theirs is c times mine; None if it is no multiple, or if either is zero."""
        if theirs.shape != mine.shape:
            return None
        known = ~np.isnan(mine)
        square = float(np.sum(mine[known] ** 2))
        if square == 0 or not np.all(np.isfinite(theirs)):
            return None
        c = float(np.sum(theirs[known] * mine[known])) / square
        return c if c != 0 and self.fit(theirs, c * mine) else None
