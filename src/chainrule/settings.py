"""Settings: what an object is made with is looked at when it is made, where the mistake is."""

from __future__ import annotations

import math
import os
from numbers import Integral, Real
from pathlib import Path

from chainrule.errors import OptionError


def whole_number(owner: str, name: str, value: object, *, least: int = 1) -> int:
    """``value``, if it is a whole number of ``least`` or more.

    Raises:
        OptionError: it is not; the text says who needs what.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise OptionError(
            f"{owner} needs {name} to be a whole number of {least} or more, got {value!r}."
        )
    return int(value)


def number(
    owner: str, name: str, value: object, *, least: float = -math.inf, above: float = -math.inf,
    most: float = math.inf,
) -> float:  # fmt: skip
    """``value``, if it is a finite number of ``least`` or more, ``above`` that, up to ``most``.

    Raises:
        OptionError: it is not; the text says who needs what.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if is_number and above < value and least <= value <= most:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    bounds = [
        f"above {above:g}" if math.isfinite(above) else "",
        f"of {least:g} or more" if math.isfinite(least) else "",
        f"up to {most:g}" if math.isfinite(most) else "",
    ]
    wanted = " ".join(["a number", *filter(None, bounds)])
    raise OptionError(f"{owner} needs {name} to be {wanted}, got {value!r}.")


def function(owner: str, name: str, value: object) -> None:
    """Refuse what cannot be called.

    Raises:
        OptionError: the text says who needs what.
    """
    if not callable(value):
        raise OptionError(
            f"{owner} needs {name} to be a function, got {type(value).__name__}: write the name of "
            f"one, or {name}=lambda x: ..."
        )


def folder(owner: str, value: object) -> Path:
    """``value`` as a path, if it may be that of a folder, which need not be there yet.

    Raises:
        OptionError: it is no path, or that of a file.
    """
    if not isinstance(value, str | os.PathLike):
        raise OptionError(f"{owner} writes to a folder: give its path, not {value!r}.")
    path = Path(value)
    if path.exists() and not path.is_dir():
        raise OptionError(f"{owner} writes to a folder, and {path} is a file.")
    return path
