"""What is learned from one column of text, and how its values become numbers.

A ``NumberColumn`` becomes one standardised number, (x - mean) / std, with 0 where the value is
missing, which is the mean. A ``CategoryColumn`` becomes one number a category: 1 for the row's own,
0 for the others, all 0 for a missing value or one never seen in training.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.data.csv_table import Table
from chainrule.errors import DataError

MOST_CATEGORIES = 50
#: From when on a column is meant to be one of numbers, whatever else it holds.
LEAST_SHARE, FEWEST_NUMBERS = 0.8, 5
#: What may be done about a value that is none, in a column to learn from.
MISSING_IS_FINE = "leave the cell empty (missing values are filled in)"
#: 1,000 or 12,345.67: commas between thousands.
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
#: A number with a unit or the sign of a currency before or after it, as in 12.50 €.
_WITH_UNIT = re.compile(r"([^\d.,+-]*)[-+]?(\d+([.,]\d*)*|[.,]\d+)([^\d.,]*)")
Values = Sequence[str | None]


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, with the mean and standard deviation of its training rows."""

    name: str
    mean: float
    std: float

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.name,)

    def encode(self, table: Table) -> NDArray[np.float32]:
        """Standardised values, float32 (n, 1).

        Raises:
            DataError: text that is not a finite number, or a number so far out that its distance
                from the mean has no place in float32.
        """
        values = numbers(table, self.name)
        values[np.isnan(values)] = self.mean
        return standardised(table, self, values)[:, None]


@dataclass(frozen=True)
class CategoryColumn:
    """A column of names, with those seen in the training rows, sorted."""

    name: str
    categories: tuple[str, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``column=category`` for each category."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, table: Table) -> NDArray[np.float32]:
        """One-hot rows, float32 (n, categories)."""
        place = {category: k for k, category in enumerate(self.categories)}
        hot = np.zeros((len(table), len(place)), dtype=np.float32)
        for row, value in enumerate(table.columns[self.name]):
            if value in place:
                hot[row, place[value]] = 1.0
        return hot


def learn_column(name: str, values: Values) -> NumberColumn | CategoryColumn | str:
    """What a column of training rows is; a string is the reason why it is of no use."""
    present = [value for value in values if value is not None]
    if not present:
        return "it has no values"
    if all_numbers(present):
        mean, std = mean_and_std([float(value) for value in present])
        return NumberColumn(name, mean, std) if std > 0.0 else f"always {present[0]}"
    categories = sorted(set(present))
    if len(categories) == 1 and len(present) == len(values):
        return f"always {present[0]!r}"
    if len(categories) == len(present) > 1:
        return f"text that is different in every row{decimal_comma(present)}"
    if len(categories) > MOST_CATEGORIES:
        return (
            f"text with {len(categories)} different values, more than {MOST_CATEGORIES}"
            f"{decimal_comma(present)}"
        )
    return CategoryColumn(name, tuple(categories))


def number(text: str) -> float | None:
    """The finite number that a text writes, or None. Python's own 1_000 is not one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def all_numbers(present: Sequence[str]) -> bool:
    """Whether every text is a finite number."""
    return all(number(value) is not None for value in present)


def numbers(table: Table, name: str) -> NDArray[np.float64]:
    """A column as float64 (n,), NaN where the value is missing.

    Raises:
        DataError: text that is not a finite number, with its column, line and value.
    """
    result = np.full(len(table), np.nan)
    for row, text in enumerate(table.columns[name]):
        if text is None:
            continue
        value = number(text)
        if value is None:
            raise DataError(
                f"{table.source}, line {table.lines[row]}: column {name!r} holds numbers, got "
                f"{text!r}{decimal_comma([text])}."
            )
        result[row] = value
    return result


def refuse_strays(table: Table, name: str, advice: str) -> None:
    """Stop at a column of numbers that a few wrong cells would turn into a column of text.

    A column is one of numbers when at least 80 % of the values that are there, and at least 5 of
    them, are numbers.

    Args:
        table: the rows to look at.
        name: the column.
        advice: what else than a correction would help.

    Raises:
        DataError: such a column holds other values too, with the line and the text of the first.
    """
    cells = [
        (line, value)
        for line, value in zip(table.lines, table.columns[name], strict=True)
        if value is not None
    ]
    strays = [(line, value) for line, value in cells if number(value) is None]
    count = len(cells) - len(strays)
    if not strays or count < FEWEST_NUMBERS or count < LEAST_SHARE * len(cells):
        return
    line, value = strays[0]
    more = len(strays) - 1
    others = f", and {more} more {'is' if more == 1 else 'are'} none" if more else ""
    it = "them" if more else "it"
    raise DataError(
        f"{table.source}: column {name!r}: {count} of {len(cells)} values are numbers, and line "
        f"{line} holds {value!r}{others}{how_to_write(value)}. Correct {it} or {advice}."
    )


def mean_and_std(values: Sequence[float]) -> tuple[float, float]:
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
    table: Table, column: NumberColumn, values: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(values - mean) / std as float32 (n,).

    Raises:
        DataError: a result beyond the largest float32.
    """
    with np.errstate(over="ignore"):
        # Halves, because the difference of two huge numbers may have no place in float64.
        distance = ((values / 2 - column.mean / 2) / column.std) * 2
        result = distance.astype(np.float32)
    if not np.isfinite(result).all():
        row = int(np.flatnonzero(~np.isfinite(result))[0])
        raise DataError(
            f"{table.source}, line {table.lines[row]}: column {column.name!r} holds "
            f"{table.columns[column.name][row]}, which is too far from the training rows' mean "
            f"{column.mean:.6g} (standard deviation {column.std:.6g}) for float32."
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
