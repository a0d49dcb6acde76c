"""Tables: named columns, each of text, of numbers or of dates.

A table keeps what the file says; what a column means is learned by ``chainrule.data.encoding``. A
column is a list of text (None where the value is missing), as CSV files have it, or an array:
float64 with NaN where the value is missing, or datetime64[s] with NaT.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, FileFormatError, ShapeError, unknown_name

Texts = list[str | None]
Values = Texts | NDArray[Any]
Lines = Sequence[int] | NDArray[np.int64]
# What programs write for "no value": R and pandas, spreadsheets, databases, the UCI archive.
_MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "\\n", "?"})
#: More columns than this are a slip of the file, not a table for a small network.
MOST_COLUMNS = 100_000


@dataclass(frozen=True)
class Table:
    """Named columns.

    Attributes:
        names: the columns, in the file's order.
        columns: name to values, one a row: a list of text with None where the value is missing, or
            an array, float64 with NaN or datetime64[s] with NaT.
        target: the column to be predicted, or None.
        lines: where each row begins in the file, counted from 1, for messages. Left out: as if
            every row took one line below a header.
        source: what messages call the table; for a file, its path.
        unit: what ``lines`` counts, for messages: lines of text, or rows.

    Raises:
        ShapeError: columns of different lengths, or other names than ``columns`` has.
        OptionError: a target that is not a column.
    """

    names: tuple[str, ...]
    columns: dict[str, Values]
    target: str | None = None
    lines: Lines = field(default=(), repr=False)
    source: str = "table"
    unit: str = "line"

    def __post_init__(self) -> None:
        if sorted(self.names) != sorted(self.columns):
            raise ShapeError(
                f"{self.source}: names {list(self.names)} and columns {list(self.columns)} differ."
            )
        sizes = {name: len(values) for name, values in self.columns.items()}
        if len(set(sizes.values())) > 1:
            raise ShapeError(f"{self.source}: the columns differ in length: {sizes}.")
        if self.target is not None and self.target not in self.columns:
            raise unknown_name("column", self.target, self.names)
        if not len(self.lines):
            object.__setattr__(self, "lines", tuple(range(2, len(self) + 2)))
        if len(self.lines) != len(self):
            raise ShapeError(f"{self.source}: {len(self.lines)} lines for {len(self)} rows.")

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.columns[self.names[0]]) if self.names else 0

    def take(self, rows: Iterable[int]) -> Table:
        """The table of these rows, counted from 0, in this order."""
        chosen = np.fromiter(rows, np.intp)
        columns = {name: _taken(values, chosen) for name, values in self.columns.items()}
        if isinstance(self.lines, np.ndarray):
            lines: Lines = self.lines[chosen]
        else:
            lines = tuple(self.lines[row] for row in chosen.tolist())
        return Table(self.names, columns, self.target, lines, self.source, self.unit)

    def where(self, row: int) -> str:
        """The place of a row, for messages: ``houses.csv, line 7``."""
        return f"{self.source}, {self.unit} {self.lines[row]}"

    def cells(self, row: int) -> dict[str, str]:
        """A row as text, by column; a missing value is empty."""
        return {name: cell_text(self.columns[name][row]) for name in self.names}


def _taken(values: Values, rows: NDArray[np.intp]) -> Values:
    if isinstance(values, np.ndarray):
        return values[rows]
    return [values[row] for row in rows.tolist()]


def missing(values: Values) -> NDArray[np.bool_]:
    """Where values are missing, (n,)."""
    if isinstance(values, np.ndarray):
        return np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    return np.fromiter((value is None for value in values), np.bool_, len(values))


def as_texts(values: Values) -> Texts:
    """A column as text, as a CSV file would have it."""
    if isinstance(values, list):
        return values
    return [cell_text(value) or None for value in values]


def cell_text(value: Any) -> str:
    """One value as text: 3 for 3.0, a date as 2024-01-05; nothing where it is missing."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else str(value).replace("T", " ").removesuffix(" 00:00:00")
    return "" if math.isnan(value) else number_text(float(value))


def number_text(value: float) -> str:
    """The shortest text that writes a finite number: 1 for 1.0, but 1e+300."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)


def joined(parts: Iterable[Table]) -> Table:
    """One table of the rows of all parts, of which there is at least one, with the same columns.

    The parts may come one by one; what is read is never in memory twice, but for a column.
    """
    first: Table | None = None
    pieces: dict[str, list[Values]] = {}
    lines = []
    for part in parts:
        first = first or part
        lines.append(np.asarray(part.lines, dtype=np.int64))
        for name in first.names:
            pieces.setdefault(name, []).append(part.columns[name])
    assert first is not None
    columns = {name: _joined(pieces.pop(name)) for name in first.names}
    whole = np.concatenate(lines)
    return Table(first.names, columns, first.target, whole, first.source, first.unit)


def _joined(parts: list[Values]) -> Values:
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if len(arrays) == len(parts) and len({array.dtype.kind for array in arrays}) == 1:
        return np.concatenate(arrays)
    # Equal texts of different batches become one object: a category costs eight bytes a row.
    seen: dict[str | None, str | None] = {}
    return [seen.setdefault(text, text) for part in parts for text in as_texts(part)]


def present(value: str) -> str | None:
    """A value as it stands in a file, without the space around it; None where it is missing."""
    value = value.strip()
    # The marks are short, and most values are not.
    return None if len(value) < 5 and value.lower() in _MISSING else value


def compact(values: Texts) -> Values:
    """An array where every value that is there is a finite number, else the texts."""
    try:
        found = np.fromiter(
            (np.nan if value is None else float(value) for value in values), np.float64, len(values)
        )
    except ValueError:
        return values
    missing = sum(value is None for value in values)
    # Text such as inf is no number of ours, nor is 1_000, which Python reads.
    if np.isfinite(found).sum() + missing < len(values):
        return values
    return values if any(value and "_" in value for value in values) else found


def refuse_many_columns(source: str, count: int) -> None:
    """Stop at a header that no table has.

    Raises:
        FileFormatError: more than 100,000 columns.
    """
    if count > MOST_COLUMNS:
        raise FileFormatError(
            f"{source} has {count:,} columns, and a table may have {MOST_COLUMNS:,}. Rows are "
            f"samples and columns are what is known of each: perhaps the table lies on its side."
        )


def refuse_empty(source: str, rows: int) -> None:
    """Stop at a table without rows.

    Raises:
        DataError: there are none.
    """
    if not rows:
        raise DataError(f"{source} has columns and no rows: there is nothing to learn from.")
