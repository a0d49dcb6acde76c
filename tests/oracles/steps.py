"""Derivatives from values alone: the complex step, and central differences.

Nothing here knows a derivative rule, nor anything of chainrule: a function of arrays, a point and a
direction go in, a number comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

#: Values that NumPy computes for complex numbers too, but not as the continuation of the real
#: function: |z| has no imaginary part, and the sign of z is z / |z|.
NOT_ANALYTIC = {"abs", "sign"}


def complex_step(
    function: Callable[..., Any], x: Sequence[Any], place: int, u: Any, v: Any
) -> float | None:
    """d/ds <v, f(x + s u)> at s = 0, exact to rounding, or None if f refuses complex numbers.

    f(x + ihu) = f(x) + ih f'(x)u + O(h²), and no difference is taken, so h may be tiny. Squire &
    Trapp (1998), Using complex variables to estimate derivatives of real functions.
    """
    h = 1e-30
    moved = [*x]
    moved[place] = x[place] + 1j * h * u
    try:
        y = np.asarray(function(*moved))
    except (TypeError, np.exceptions.ComplexWarning):
        return None
    return float(np.sum(v * y.imag) / h) if y.dtype.kind == "c" else None


def central(function: Callable[..., Any], x: Sequence[Any], place: int, u: Any, v: Any) -> float:
    """The same by differences over four points, with an error of the order h⁴."""
    h = 2e-4

    def at(s: float) -> float:
        moved = [*x]
        moved[place] = x[place] + s * u
        return float(np.sum(v * function(*moved)))

    return (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)


def slope(
    name: str, function: Callable[..., Any], x: Sequence[Any], place: int, u: Any, v: Any
) -> float:
    """The complex step where it holds, else central differences."""
    exact = None if name in NOT_ANALYTIC else complex_step(function, x, place, u, v)
    return central(function, x, place, u, v) if exact is None else exact
