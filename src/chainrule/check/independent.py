"""The independent gradient, as a judge needs it: with its own error, and with kinks recognised.

Every derivative is that of φ(s) = loss(θ + s·d) at 0, for a direction d in one parameter (an entry
is a direction too). Along a *ladder* of steps h the error of the central difference

    D(h) = (φ(h) - φ(-h)) / 2h

falls with h² while the formula's error rules, and rises with ε/h while rounding does: a V. The step
at its bottom is taken, and what neighbouring steps differ by is the error. The differences to
either side tell a kink: their gap shrinks with h where φ is smooth, and stays where it is not.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.exceptions import ComplexWarning

from chainrule.check.calls import Calls
from chainrule.check.evidence import Array
from chainrule.check.numeric import COMPLEX_STEP, Index

#: Steps of a ladder, for a loss in float64, relative to the size of the parameter.
LADDER = tuple(10.0**-k for k in range(2, 9))
#: Rounding of a loss is some units in its last place.
UNITS = 4.0


@dataclass(frozen=True)
class Slope:
    """A derivative along a direction, with its error and the step that gave it.

    ``low`` and ``high`` differ where there is a kink within a small step: the derivatives around
    it lie between them.
    """

    value: float
    error: float
    h: float
    low: float
    high: float

    @property
    def is_kink(self) -> bool:
        """Whether the derivative depends on the side."""
        return self.low < self.high

    def allows(self, given: float, tolerance: float) -> bool:
        """Whether ``given`` is the derivative, or lies between those around a kink."""
        near = abs(given - self.value) <= tolerance
        return near or (self.is_kink and self.low - tolerance <= given <= self.high + tolerance)


def ladder(phi: Callable[[float], float], at_zero: float, scale: float, eps: float) -> Slope | None:
    """The derivative of φ at 0 by the best of several steps; None where φ is not finite."""
    shift = max(1.0, (eps / float(np.finfo(np.float64).eps)) ** (1 / 3) / 100)
    rungs = []
    for relative in LADDER:
        h = relative * scale * shift
        up, down = phi(h), phi(-h)
        if np.isfinite(up) and np.isfinite(down):
            noise = UNITS * eps * max(abs(up), abs(down), abs(at_zero)) / h
            left, right = (at_zero - down) / h, (up - at_zero) / h
            rungs.append(_Rung(h, (up - down) / (2 * h), noise, left, right))
    if len(rungs) < 3:
        return None
    errors = [abs(b.central - a.central) + b.noise for a, b in pairwise(rungs)]
    best = int(np.argmin(errors))
    taken = rungs[best + 1]
    # What smaller steps make of the same derivative tells how noisy φ really is.
    noise = max((abs(r.central - taken.central) * r.h for r in rungs[best + 2 :]), default=0.0)
    low, high = _kink(rungs) or (taken.central, taken.central)
    return Slope(taken.central, max(errors[best], noise / taken.h), taken.h, low, high)


@dataclass(frozen=True)
class _Rung:
    """One step h: the central difference, its rounding, and the differences to either side."""

    h: float
    central: float
    noise: float
    left: float
    right: float

    @property
    def gap(self) -> float:
        """How far the two sides are apart."""
        return abs(self.right - self.left)


def _kink(rungs: Sequence[_Rung]) -> tuple[float, float] | None:
    """The least and largest slope to either side, if there is a kink within a small step."""
    small = [r for r in rungs[1:] if r.gap > 20 * r.noise + 1e-6 * abs(r.central)]
    # Smooth: the gap is h·φ'', a tenth at each rung. A kink: the gap stays.
    if not any(b.gap > 0.5 * a.gap for a, b in pairwise(small)):
        return None
    sides = [side for r in small for side in (r.left, r.right)]
    return min(sides), max(sides)


class Independent:
    """Derivatives of a loss around one point, by calling it."""

    def __init__(self, calls: Calls, point: Mapping[str, Array], loss: float) -> None:
        self.calls, self.point, self.at_zero = calls, dict(point), loss

    def scale(self, name: str) -> float:
        """The size that a step in this parameter is measured by."""
        return max(1.0, float(np.abs(self.point[name]).max(initial=0)))

    def along(self, name: str, direction: Array) -> Slope | None:
        """The derivative along ``direction``, with its error: 14 calls."""
        return ladder(
            lambda s: self._moved(name, s * direction), self.at_zero, self.scale(name),
            self.calls.eps,
        )  # fmt: skip

    def entry(self, name: str, index: Index) -> Slope | None:
        """The derivative with respect to one entry, with its error: 14 calls."""
        return self.along(name, self.unit(name, index))

    def unit(self, name: str, index: Index) -> Array:
        """The direction of one entry."""
        direction = np.zeros(self.point[name].shape)
        direction[index] = 1.0
        return direction

    def central(self, name: str, direction: Array, h: float) -> float:
        """The central difference with a step that was found good: 2 calls."""
        up, down = self._moved(name, h * direction), self._moved(name, -h * direction)
        return (up - down) / (2 * h)

    def complex_step(self, name: str, direction: Array) -> float | None:
        """Im loss(θ + ih·d) / h, which has no error but rounding; None if the loss bears none."""
        moved = self.point[name].astype(np.complex128)
        moved += 1j * COMPLEX_STEP * direction
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", ComplexWarning)
                value = np.asarray(self.calls.raw(self.point | {name: moved}))
        except Exception:  # whatever their code raises at complex numbers, they were not asked for
            return None
        if value.size != 1 or value.dtype.kind != "c" or not np.isfinite(value).all():
            return None
        return float(value.reshape(()).imag) / COMPLEX_STEP

    def _moved(self, name: str, change: Array) -> float:
        return self.calls.loss(self.point | {name: self.point[name] + change})
