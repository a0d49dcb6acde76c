"""Numbers in columns: reading them, their mean and spread, and what is said of wrong ones."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.table import Table, cell_text, compact
from chainrule.data.transformers import scikit, values_are_checked
from chainrule.errors import DataError

#: 1,000 or 12'345.67: a mark between thousands, which may be a space of any width too.
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}([,'’ \u00a0\u2009\u202f])\d{3}(\1\d{3})*(\.\d*)?")
#: Signs that look like a minus: the mathematical one, and dashes.
_MINUS = ("\u2212", "\u2013", "\u2014")
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
    """A column as float64 (n,), NaN where the value is missing; perhaps the table's own array.

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
    return values


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


def refuse_far(
    table: Table, name: str, mean: float, std: float, found: NDArray[np.float32]
) -> None:
    """Stop at a standardised value beyond the largest float32.

    Raises:
        DataError: there is one, with its place.
    """
    if np.isinf(found).any():
        row = int(np.isinf(found).argmax())
        raise DataError(
            f"{table.where(row)}: column {name!r} holds {cell_text(table.columns[name][row])}, "
            f"which is too far from the training rows' mean {mean:.6g} (standard deviation "
            f"{std:.6g}) for float32."
        )


class Moments:
    """Mean, population standard deviation and range of numbers seen in batches; of none, all are 0.

    Mean and standard deviation are those of scikit-learn's StandardScaler. Where squares have no
    place in float64, beyond about 1e150, the standard deviation is no finite number.
    """

    def __init__(self) -> None:
        self.count = 0
        self.minimum = self.maximum = 0.0
        self._scaler: Any = None

    def add(self, values: NDArray[np.float64]) -> None:
        """Look at some finite numbers more.

        Raises:
            MissingPackageError: scikit-learn is not installed.
        """
        if not len(values):
            return
        least, most = float(values.min()), float(values.max())
        self.minimum = min(self.minimum, least) if self.count else least
        self.maximum = max(self.maximum, most) if self.count else most
        self.count += len(values)
        self._scaler = self._scaler or scikit("preprocessing").StandardScaler()
        with values_are_checked(), np.errstate(over="ignore", invalid="ignore"):
            self._scaler.partial_fit(values[:, None])

    @property
    def mean(self) -> float:
        """Their mean, which rounding does not change where all are equal."""
        return self.minimum if self.minimum == self.maximum else float(self._scaler.mean_[0])

    @property
    def std(self) -> float:
        """Their standard deviation, exactly 0 where all are equal."""
        if self.minimum == self.maximum:
            return 0.0
        # Rounding may leave a variance a little below 0.
        return math.sqrt(max(float(self._scaler.var_[0]), 0.0))


def too_far_apart(found: Moments) -> str:
    """What is to be said of numbers whose standard deviation is not finite."""
    return (
        f"from {found.minimum:.6g} to {found.maximum:.6g}, too far apart for a standard deviation "
        f"in float64"
    )


def decimal_comma(present: Sequence[str]) -> str:
    """A hint, where the texts would be numbers if written with a point."""
    if all(
        value.count(",") == 1 and number(value.replace(",", ".")) is not None for value in present
    ):
        return "; numbers are written with a decimal point, 1.5 and not 1,5"
    return ""


def nearly_numbers(present: Sequence[str]) -> str:
    """A hint, where all texts would be numbers but for commas, or a unit that all of them have."""
    if hint := decimal_comma(present):
        return hint
    if hint := _minus(present):
        return hint
    marked = next((found for found in map(_THOUSANDS.fullmatch, present) if found), None)
    if marked and all(number(value.replace(marked[1], "")) is not None for value in present):
        return how_to_write(marked[0])
    found = [_WITH_UNIT.fullmatch(value) for value in present]
    units = {(each[1].strip(), each[4].strip()) if each else None for each in found}
    unit = units.pop() if len(units) == 1 else None
    # Letters before a number are more often those of a code, such as A12.
    if unit is None or not any(unit) or any(unicodedata.category(sign) != "Sc" for sign in unit[0]):
        return ""
    return "; numbers are written without a unit"


def _minus(present: Sequence[str]) -> str:
    """A hint, where the texts would be numbers but for another sign of what is below 0."""
    for sign in _MINUS:
        if any(value.startswith(sign) for value in present) and all(
            number(value.replace(sign, "-")) is not None for value in present
        ):
            return f"; a minus is written as -, and not as {sign}"
    bare = [value[1:-1] if value[:1] + value[-1:] == "()" else value for value in present]
    if bare != [*present] and all(number(value) is not None for value in bare):
        return "; numbers below 0 are written with a minus, -1.5 and not (1.5)"
    return ""


def how_to_write(value: str) -> str:
    """A hint for a text that is nearly a number, such as inf, 1,000 or 12.50 €; or nothing."""
    if value.lower().lstrip("+-") in ("inf", "infinity"):
        return "; numbers must be finite"
    if marked := _THOUSANDS.fullmatch(value):
        mark = {",": "a comma", "'": "an apostrophe", "’": "an apostrophe"}.get(
            marked[1], "a space"
        )
        return (
            f"; numbers are written without {mark} between thousands, 1000 and not 1{marked[1]}000"
        )
    if _WITH_UNIT.fullmatch(value) and value.strip("+-0123456789.,"):
        return "; numbers are written without a unit"
    return decimal_comma([value])
