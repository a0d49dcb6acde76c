"""Numbers as readers like to see them."""

from __future__ import annotations

from typing import Any


def number(value: Any, digits: int = 4) -> str:
    """A number to some significant digits, with a true minus sign."""
    return f"{float(value):.{digits}g}".replace("-", "−").replace("e−", "e-")


def fixed(value: Any, decimals: int = 4) -> str:
    """A number to some decimals, with a true minus sign; what rounds to zero has none."""
    return f"{float(value) + 0.0:.{decimals}f}".replace("-", "−")


def percent(share: float, decimals: int = 1) -> str:
    """A share from 0 to 1 as a percentage."""
    return f"{100 * share:.{decimals}f} %"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{float(f'{seconds / size:.3g}'):,g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
