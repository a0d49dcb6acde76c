"""The independent gradient: found by calling the function, without a single derivative rule.

It shares no code with the backward pass that it judges. Two ways::

    central    df/dx_i ≈ (f(x + h·e_i) - f(x - h·e_i)) / 2h      any f that is smooth at x
    complex    df/dx_i ≈ Im f(x + ih·e_i) / h                    analytic f; exact to rounding
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.exceptions import ComplexWarning
from numpy.typing import NDArray

from chainrule.errors import DataError, DtypeError, GradientError, OptionError, unknown_name
from chainrule.settings import function

Array: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Any], Any]
Index: TypeAlias = tuple[int, ...]

# No subtraction, so no cancellation: any step whose square vanishes beside 1 will do.
COMPLEX_STEP = 1e-20


def numerical_gradient(
    f: Function, x: Any, *, h: float | None = None, method: str = "central"
) -> Any:
    """The gradient of ``f`` at ``x``, by two calls of ``f`` for each element of ``x``.

    Args:
        f: a function of one array (like ``x``) that returns one number. It may write into its
            argument: every call gets a fresh copy, and ``x`` is never changed.
        x: floats of any shape, or a Python number. Other precisions are computed in float64.
        h: the step. Given, it is used as it is, so that ``h=1e-4`` gives a textbook's very digits.
            Left out, for ``central``, it is eps^(1/3)·max(1, |x_i|), which balances the error of
            the formula (h²) against that of rounding (eps/h); eps is that of the type that ``f``
            returns, so about 6e-6 for float64. For ``complex`` it is 1e-20.
        method: ``"central"``, or ``"complex"`` for the complex step (Squire & Trapp 1998), one call
            an element. ``f`` must then be analytic and take complex numbers: no ``abs``, no
            conjugate. The result is held against differences along one direction.

    Returns:
        A float64 array shaped like ``x``; a float where ``x`` is a number.

    Raises:
        DtypeError: ``x`` is an array of integers, or not of real numbers.
        DataError: ``x`` holds NaN or infinity.
        GradientError: ``f`` returns something other than one finite number, ``h`` is lost in
            rounding, or ``f`` does not bear complex numbers or is not analytic.
        OptionError: ``f`` is no function, ``h`` no positive number, or ``method`` not known.

    >>> numerical_gradient(lambda x: x**2 + 16, 3.0, h=1e-4)
    6.00000000000378
    """
    function("numerical_gradient", "f", f)
    if not isinstance(method, str) or method not in ("central", "complex"):
        raise unknown_name("method", method, ("central", "complex"))
    if h is not None and not (_is_number(h) and 0 < h < math.inf):
        raise OptionError(f"h must be a positive number such as 1e-4, got {h!r}.")
    point = _floats(x)
    # A number goes in as a number and comes out as one: f may be written with Python's math.
    single = _is_number(x)
    gradient = np.zeros(point.shape)
    if method == "complex":
        for index in np.ndindex(point.shape):
            gradient[index] = _complex_step(f, point, index, h or COMPLEX_STEP, single)
        _refuse_other_slope(f, point, gradient, single)
    else:
        eps = _result_eps(_call(f, point.copy(), single))
        for index in np.ndindex(point.shape):
            gradient[index] = _central(f, point, index, h, eps, single)
    return float(gradient) if single else gradient


def _central(
    f: Function, point: Array, index: Index, h: float | None, eps: float, single: bool
) -> float:
    step = h if h is not None else eps ** (1 / 3) * max(1.0, abs(float(point[index])))
    values, places = [], []
    for signed in (step, -step):
        moved = point.copy()
        moved[index] += signed
        places.append(float(moved[index]))
        what = f"with x{_at(index)} moved by {signed:+.3g} to {places[-1]:.6g}"
        values.append(_real(_call(f, moved, single), what))
    if places[0] == places[1]:
        raise GradientError(
            f"the step h={step:g} is lost in rounding: x{_at(index)} = {point[index]:g} does not "
            f"change when it is added. Leave h out, or take one above {np.spacing(places[0]):.1g}."
        )
    # x + h and x - h are rounded, so their true distance is a little better than 2h. A given h is
    # divided by as textbooks do, to give their digits.
    width = places[0] - places[1] if h is None else 2 * step
    return (values[0] - values[1]) / width


def _complex_step(f: Function, point: Array, index: Index, step: float, single: bool) -> float:
    moved = point.astype(np.complex128)
    moved[index] += 1j * step
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ComplexWarning)
            value = np.asarray(_call(f, moved, single))
    except (TypeError, ComplexWarning) as error:
        raise GradientError(
            f"method='complex' calls f with complex numbers, and f cannot take them ({error}). "
            f"Use method='central'."
        ) from error
    _check_scalar(value)
    if value.dtype.kind != "c":
        raise GradientError(
            f"method='complex' needs the imaginary part, and f dropped it: given complex numbers, "
            f"it returned {value.dtype.name}. abs, float, real and comparisons do that. "
            f"Use method='central'."
        )
    if not np.isfinite(value):
        raise GradientError(
            f"f returned {value} at x, so it has no gradient there (x{_at(index)} = "
            f"{point[index]:.6g})."
        )
    return float(value.imag) / step


def _refuse_other_slope(f: Function, point: Array, gradient: Array, single: bool) -> None:
    """Hold complex steps against differences along a random direction.

    Raises:
        GradientError: two differences agree with each other, and not with the complex steps.
    """
    along = np.ones(()) if single else np.random.default_rng(0).standard_normal(point.shape)
    slope = float(np.sum(gradient * along))
    size = max(1.0, float(np.max(np.abs(point), initial=0.0)))
    found, noise = [], 0.0
    for step in (6e-6 * size, 3e-6 * size):
        with np.errstate(all="ignore"):  # f may end here: then nothing is told
            up, down = (
                float(np.real(_call(f, point + signed * along, single))) for signed in (step, -step)
            )
        found.append((up - down) / (2 * step))
        noise = max(noise, 8 * np.finfo(float).eps * max(abs(up), abs(down)) / step)
    wide, narrow = found
    apart = 1e-3 * max(abs(narrow), abs(slope)) + noise
    if abs(wide - narrow) < apart / 10 and abs(narrow - slope) > apart:
        raise GradientError(
            f"method='complex' gives the slope {slope:.6g} along a direction in which f rises by "
            f"{narrow:.6g}: f is not analytic. abs, vdot, real and conjugates do that. "
            "Use method='central'."
        )


def _floats(x: Any) -> Array:
    """A float64 copy of ``x``."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise DtypeError("x must be one array of floats; its rows have unequal lengths.") from None
    if array.dtype.kind in "iub" and not _is_number(x):
        raise DtypeError(
            f"x is an array of {array.dtype.name}, and x + h is lost in an integer array: with h = "
            f"1e-4 the gradient of x0² + x1² at [3, 4] came out as [25000, 35000]. "
            f"Write x.astype(float), or [3., 4.] instead of [3, 4]."
        )
    if array.dtype.kind not in "iuf":
        raise DtypeError(f"x must be an array of floats, got {array.dtype.name}.")
    if not np.all(np.isfinite(array)):
        raise DataError("x holds NaN or infinity; there is no gradient at such a point.")
    return array.astype(np.float64)


def _call(f: Function, point: NDArray[Any], single: bool) -> Any:
    result = f(point.item() if single else point)
    # A Tensor, where f is written with chainrule's ops, refuses to become an array by itself.
    return getattr(result, "value", result)


def _real(value: Any, what: str) -> float:
    array = np.asarray(value)
    _check_scalar(array)
    if array.dtype.kind not in "iuf":
        raise GradientError(f"f must return a real number, it returned {array.dtype.name}.")
    if not np.isfinite(array):
        raise GradientError(
            f"f returned {array} {what}. A gradient needs f to be finite on both sides of x."
        )
    return float(array)


def _check_scalar(value: NDArray[Any]) -> None:
    if value.ndim:
        raise GradientError(
            f"f must return one number, it returned an array of shape {value.shape}. "
            f"Perhaps a sum or a mean is missing: np.sum(...)."
        )


def _result_eps(value: Any) -> float:
    """eps of what ``f`` computes in; the call at ``x`` itself also finds a useless ``f`` early."""
    _real(value, "at x itself")
    dtype = np.asarray(value).dtype
    return float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)


def _is_number(x: object) -> TypeGuard[float]:
    return isinstance(x, numbers.Real) and not isinstance(x, bool)


def _at(index: Index) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""
