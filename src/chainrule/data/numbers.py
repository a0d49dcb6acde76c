"""Numbers in columns: reading them, their mean and spread, and what is said of wrong ones."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.data.table import Table, cell_text, compact
from chainrule.errors import DataError

#: 1,000 or 12,345.67: commas between thousands.
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
#: A number with a unit or the sign of a currency before or after it, as in 12.50 €.
_WITH_UNIT = re.compile(r"([^\d.,+-]*)[-+]?(\d+([.,]\d*)*|[.,]\d+)([^\d.,]*)")


def number(text: str) -> float | None:
    """The finite number that a text writes, or None. Python's own 1_000 is not one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def numbers(table: Table, name: str) -> NDArray[np.float64]:
    """A column as float64 (n,), NaN where the value is missing.

    Raises:
        DataError: what is not a finite number, with its column, line and value.
    """
    values = table.columns[name]
    values = compact(values) if isinstance(values, list) else values
    if isinstance(values, list) or values.dtype.kind == "M":
        row, text = next(
            (row, cell_text(value))
            for row, value in enumerate(values)
            if cell_text(value) and number(cell_text(value)) is None
        )
        raise DataError(
            f"{table.where(row)}: column {name!r} holds numbers, got {text!r}"
            f"{decimal_comma([text])}."
        )
    refuse_infinite(table, name, values)
    return np.array(values)


def refuse_infinite(table: Table, name: str, values: NDArray[np.float64]) -> None:
    """Stop at infinity, which only an array may hold: in text it is no number.

    Raises:
        DataError: there is one, with its place.
    """
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise DataError(
            f"{table.where(row)}: column {name!r} holds {values[row]}; numbers must be finite."
        )


@dataclass(frozen=True)
class Moments:
    """Count, mean, population standard deviation and range of numbers; of none, all are 0."""

    count: int = 0
    mean: float = 0.0
    std: float = 0.0
    minimum: float = 0.0
    maximum: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """Those of an array without NaN."""
        if not len(values):
            return cls()
        return cls(len(values), *mean_and_std(values), float(values.min()), float(values.max()))

    def joined(self, other: Moments) -> Moments:
        """Those of both sets of numbers together (Chan, Golub and LeVeque 1979)."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        here, there = self.count / count, other.count / count
        minimum, maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        # Halves, because the difference of two huge numbers may have no place in float64.
        apart = 2 * math.sqrt(here * there) * (self.mean / 2 - other.mean / 2)
        std = math.hypot(math.sqrt(here) * self.std, math.sqrt(there) * other.std, apart)
        mean = here * self.mean + there * other.mean
        return Moments(count, mean, 0.0 if minimum == maximum else std, minimum, maximum)


def mean_and_std(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Mean and population standard deviation, safe for numbers up to the largest float64.

    The standard deviation is exactly 0 when all values are equal, which rounding in the mean
    would otherwise hide.
    """
    x = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(x).max())
    if x.min() == x.max():
        return float(x[0]), 0.0
    # A power of two, so that scaling rounds nothing.
    scale = math.ldexp(1.0, max(math.frexp(largest)[1] - 1, -1022))
    x = x / scale
    return float(x.mean()) * scale, float(x.std()) * scale


def standardised(
    table: Table, name: str, mean: float, std: float, values: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(values - mean) / std as float32 (n,).

    Raises:
        DataError: a result beyond the largest float32.
    """
    with np.errstate(over="ignore"):
        # Halves, because the difference of two huge numbers may have no place in float64.
        distance = ((values / 2 - mean / 2) / std) * 2
        result = distance.astype(np.float32)
    if not np.isfinite(result).all():
        row = int(np.flatnonzero(~np.isfinite(result))[0])
        raise DataError(
            f"{table.where(row)}: column {name!r} holds {cell_text(table.columns[name][row])}, "
            f"which is too far from the training rows' mean {mean:.6g} (standard deviation "
            f"{std:.6g}) for float32."
        )
    return result


def decimal_comma(present: Sequence[str]) -> str:
    """A hint, where the texts would be numbers if written with a point."""
    if all(
        value.count(",") == 1 and number(value.replace(",", ".")) is not None for value in present
    ):
        return "; numbers are written with a decimal point, 1.5 and not 1,5"
    return ""


def how_to_write(value: str) -> str:
    """A hint for a text that is nearly a number, such as inf, 1,000 or 12.50 €; or nothing."""
    if value.lower().lstrip("+-") in ("inf", "infinity"):
        return "; numbers must be finite"
    if _THOUSANDS.fullmatch(value):
        return "; numbers are written without a comma between thousands, 1000 and not 1,000"
    if _WITH_UNIT.fullmatch(value) and value.strip("+-0123456789.,"):
        return "; numbers are written without a unit"
    return decimal_comma([value])
