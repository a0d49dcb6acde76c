"""Closeness: whether two gradients are the same numbers, up to rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule.check.evidence import Array, Evidence

#: Two gradients fit if they differ by less than this, relative to the largest entry; and by less
#: than so many rounding errors, where theirs was computed in a lower precision.
FITS = 1e-7
ROUNDINGS = 300.0
#: Of explanations that fit, those count as equal whose error is at most so many times the best's.
EQUAL = 1e4
EQUAL_FLOOR = 1e-11

#: Relative errors beyond which nothing is taken for rounding, in double and in single precision.
DOUBLE = 1e-5
SINGLE = 2e-3


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
        size = float(np.max(np.abs(mine[known]), initial=0.0))
        if size == 0 or not np.all(np.isfinite(theirs)):
            return None
        unit = mine[known] / size  # squares of it neither overflow nor vanish
        c = float(np.sum(theirs[known] * unit) / np.sum(unit * unit)) / size
        return c if c != 0 and self.fit(theirs, c * mine) else None


def closeness_of(evidence: Evidence) -> Closeness:
    """How near is near enough for these numbers."""
    known = [t.gradient[t.known] for t in evidence.true.values()]
    scale = max((float(np.max(np.abs(g))) for g in known if g.size), default=0.0)
    # Where there is no graph, the truth has an error of its own; in float32, theirs has.
    most = SINGLE if evidence.eps > 1e-10 else DOUBLE
    inexact = 0.0
    for truth in evidence.true.values():
        size = float(np.max(np.abs(truth.gradient[truth.known]), initial=0.0))
        if size:
            error = float(np.max(truth.tolerance[truth.known], initial=0.0)) / size
            inexact = max(inexact, min(error, most))
    return Closeness(evidence.eps, scale, inexact)
