"""Numbers and amounts as readers like to see them."""

from __future__ import annotations

import math
from typing import Any

#: Between a number and its unit, where no line may break.
SPACE = "\u00a0"


def number(value: Any, digits: int = 4) -> str:
    """A number to some significant digits, with a true minus sign and no needless power of ten."""
    value = float(value)
    if not math.isfinite(value):
        return str(value).replace("-", "−")
    rounded = float(f"{value:.{digits}g}")
    text = f"{rounded:,.10g}" if 1e-4 <= abs(rounded) < 1e9 or not rounded else f"{rounded:g}"
    return text.replace("-", "−").replace("e−", "e-")


def alike(first: float, *others: float) -> list[str]:
    """Numbers with as many decimals each as the first one needs for three digits."""
    size = math.floor(math.log10(abs(first))) if first else 0
    decimals = min(max(0, 2 - size), 9)
    texts = (f"{value:,.{decimals}f}" for value in (first, *others))
    return [text.replace("-", "−") for text in texts]


def percent(share: float, decimals: int = 1) -> str:
    """A share from 0 to 1 as a percentage."""
    return f"{100 * share:.{decimals}f}{SPACE}%".replace("-", "−")


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{float(f'{seconds / size:.3g}'):,g}{SPACE}{unit}"
    return f"{seconds / 1e-6:.3g}{SPACE}µs"


def amount(count: int, thing: str, things: str = "") -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def capital(text: str) -> str:
    """A text with a capital in front; names in it, such as R2 of a metric, stay as they are."""
    return text[:1].upper() + text[1:]


def chance(p: float) -> str:
    """A p value: two digits, or that it is very small."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
