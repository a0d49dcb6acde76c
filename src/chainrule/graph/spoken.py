"""Spoken: NumPy's functions, called with Tensors, become the ops that speak for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import DtypeError, RecordingError
from chainrule.graph.op import SPOKEN


def not_spoken(name: str) -> RecordingError:
    """What to tell whoever calls the NumPy function ``name``, for which no op speaks."""
    known = ", ".join(sorted({f.__name__ for f in SPOKEN}))
    return RecordingError(
        f"{name} has no rule for Tensors, so it cannot be recorded. Write it with functions that "
        f"have one ({known}), or take t.value where no gradient is wanted."
    )


def not_one_number(what: str, given: str) -> RecordingError:
    """What to tell whoever takes a Tensor for a number, which it is not."""
    return RecordingError(
        f"{what} is of one number, and the Tensor is {given}. Outside of a trace take one, such as "
        "t.mean() or t[0]; for all entries use NumPy's functions (np.tanh) instead of math's."
    )


def no_attribute(name: str) -> AttributeError:
    """What to tell whoever asks a Tensor for what it has not, and an array perhaps has."""
    if name.startswith("_") or not hasattr(np.ndarray, name):
        return AttributeError(f"'Tensor' object has no attribute {name!r}")
    return AttributeError(
        f"a Tensor has no {name}, as an array has: there is no rule for it, so it cannot be "
        "recorded. Write it with what a Tensor has (sum, mean, max, reshape, ...), or take "
        f"t.value.{name} where no gradient is wanted."
    )


#: What to write instead of an option of NumPy's that no op has.
INSTEAD = {
    "dtype": "convert with t.astype(dtype)",
    "where": "choose with cr.where(condition, t, 0)",
    "ddof": "multiply the variance by n / (n - ddof), where n is how many it is taken over",
    "initial": "add it, or take cr.maximum or cr.minimum with it, afterwards",
    "order": "transpose first",
    "keepdims": "add the axis again with cr.expand_dims",
}


def record(function: Callable[..., Any], inputs: Any, options: dict[str, Any]) -> Any:
    """Record the op that speaks for a NumPy ``function``.

    Raises:
        RecordingError: none does, or it has no such option.
    """
    recorder = SPOKEN.get(function)
    if recorder is None:
        module = getattr(function, "__module__", None) or "numpy"
        raise not_spoken(f"{module.replace('numpy', 'np')}.{function.__name__}")
    try:
        return recorder(*inputs, **options)
    except TypeError as error:
        if "argument" not in str(error) or isinstance(error, RecordingError | DtypeError):
            raise
        raise RecordingError(
            f"np.{function.__name__} was given an option that cannot be recorded "
            f"({', '.join(options) or 'too many arguments'}): {error}.{_instead(options)}"
        ) from error


def _instead(options: dict[str, Any]) -> str:
    hints = [INSTEAD[name] for name in options if name in INSTEAD]
    return f" Leave it away, and {'; '.join(hints)}." if hints else ""
