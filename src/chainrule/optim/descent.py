"""Gradient descent on any function of one array: the idea of all training, with its whole path."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DtypeError, GradientError, OptionError, ShapeError
from chainrule.settings import function

Function: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Path:
    """Where a descent went. Both arrays are read-only.

    Attributes:
        points: (steps + 1, *x0.shape), beginning with ``x0``.
        values: (steps + 1,), the function at each point.
    """

    points: NDArray[Any]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.points.setflags(write=False)
        self.values.setflags(write=False)

    @property
    def end(self) -> NDArray[Any]:
        """The last point, shaped like ``x0``: an array of its own."""
        return np.array(self.points[-1])


def gradient_descent(
    f: Function,
    x0: Any,
    *,
    rate: float = 0.1,
    steps: int = 100,
    gradient: Function | None = None,
    tolerance: float = 0.0,
) -> Path:
    """Walk downhill: x ← x - rate · ∇f(x), ``steps`` times.

    Args:
        f: a function of one array that returns one number.
        x0: where to start: floats of any shape, or a Python number. A float dtype is kept.
        gradient: a function of the array that returns ∇f, shaped like it. By default the recorded
            graph's, ``chainrule.grad(f)``; the numerical one is
            ``lambda x: numerical_gradient(f, x)``.
        tolerance: above 0, stop early once no element of ∇f is larger than this; the path is then
            shorter.

    Raises:
        DtypeError: ``x0`` is an array of integers, or not of real numbers.
        GradientError: f or its gradient became NaN or infinite (too large a rate, most often), or f
            returned more than one number.
        ShapeError: the gradient has another shape than ``x0``.
        OptionError: ``f`` or ``gradient`` is no function; ``rate``, ``steps`` or ``tolerance`` is
            out of its range.

    >>> path = gradient_descent(lambda x: (x**2).sum(), [-3., 4.], gradient=lambda x: 2 * x)
    >>> path.end
    array([-6.11110793e-10,  8.14814391e-10])
    """
    function("gradient_descent", "f", f)
    if gradient is not None:
        function("gradient_descent", "gradient", gradient)
    _check_options(rate, steps, tolerance)
    x = _start(x0)
    slope = gradient if gradient is not None else _recorded_gradient(f)
    points, values = [x], [_value(f, x, 0, rate)]
    for step in range(1, steps + 1):
        g = _gradient(slope, x, step, rate)
        if tolerance > 0 and np.max(np.abs(g), initial=0.0) <= tolerance:
            break
        with np.errstate(over="ignore"):
            x = np.asarray(x - x.dtype.type(rate) * g)
        points.append(x)
        values.append(_value(f, x, step, rate))
    return Path(np.stack(points), np.array(values))


def _check_options(rate: object, steps: object, tolerance: object) -> None:
    if not (_is_number(rate) and 0 < rate < math.inf):
        raise OptionError(f"rate must be a positive number such as 0.1, got {rate!r}.")
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
        raise OptionError(f"steps must be a whole number, 0 or more, got {steps!r}.")
    if not (_is_number(tolerance) and 0 <= tolerance < math.inf):
        raise OptionError(f"tolerance must be 0 or a positive number, got {tolerance!r}.")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _start(x0: Any) -> NDArray[Any]:
    """A float copy of ``x0``."""
    if _is_number(x0) and not isinstance(x0, np.generic):
        return np.array(float(x0))
    array = np.array(x0)
    if array.dtype.kind in "iub":
        raise DtypeError(
            f"x0 is an array of {array.dtype.name}, and a descent takes steps smaller than 1. "
            f"Write x0.astype(float), or [-3., 4.] instead of [-3, 4]."
        )
    if array.dtype.kind != "f":
        raise DtypeError(f"x0 must be an array of floats, got {array.dtype.name}.")
    if not np.all(np.isfinite(array)):
        raise GradientError("x0 holds NaN or infinity; start from finite numbers.")
    return array


def _recorded_gradient(f: Function) -> Function:
    # Imported here: a descent with a gradient of the user's own needs no graph.
    from chainrule.graph import grad

    slope: Function = grad(f)
    return slope


def _value(f: Function, x: NDArray[Any], step: int, rate: float) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        value = _array(f(x.copy()))  # a copy: f may write into its argument
    if value.ndim:
        raise GradientError(
            f"f must return one number, it returned an array of shape {value.shape}. "
            f"Perhaps a sum or a mean is missing: np.sum(...)."
        )
    if not np.isfinite(value):
        raise _diverged("f", step, rate)
    return float(value)


def _gradient(slope: Function, x: NDArray[Any], step: int, rate: float) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        g = _array(slope(x.copy()))
        if g.shape != x.shape:
            raise ShapeError(
                f"the gradient has shape {g.shape}, x0 has {x.shape}; they must be the same."
            )
        g = g.astype(x.dtype)
    if not np.all(np.isfinite(g)):
        raise _diverged("the gradient", step, rate)
    return g


def _array(result: Any) -> NDArray[Any]:
    # A Tensor, where f is written with chainrule's ops, refuses to become an array by itself.
    return np.asarray(getattr(result, "value", result))


def _diverged(what: str, step: int, rate: float) -> GradientError:
    if step == 0:
        return GradientError(f"{what} is NaN or infinite at x0 itself; start somewhere else.")
    return GradientError(
        f"{what} became NaN or infinite in step {step}: the descent diverged. "
        f"Try a smaller rate, such as {rate / 10:g} instead of {rate:g}."
    )
