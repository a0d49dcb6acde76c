"""Tables of text, and reading them from CSV files.

A table keeps what the file says, as text; what a column means is learned by
``chainrule.data.encoding``.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chainrule.data.files import read_bytes
from chainrule.errors import DataError, FileFormatError, ShapeError, unknown_name

if TYPE_CHECKING:
    from _csv import Reader

_DELIMITERS = (",", ";", "\t")
_ROWS_TO_SNIFF = 50
# What programs write for "no value": R and pandas, spreadsheets, databases, the UCI archive.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive; save the sheet as CSV"),
    (b"PAR1", "a Parquet file; write it as CSV"),
    (b"\x1f\x8b", "compressed with gzip; unpack it"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
)


@dataclass(frozen=True)
class Table:
    """Named columns of text.

    Attributes:
        names: the columns, in the file's order.
        columns: name to values, one a row; None where the value is missing.
        target: the column to be predicted, or None.
        lines: where each row begins in the file, counted from 1, for messages. Left out: as if
            every row took one line below a header.
        source: what messages call the table; for a file, its path.

    Raises:
        ShapeError: columns of different lengths, or other names than ``columns`` has.
        OptionError: a target that is not a column.
    """

    names: tuple[str, ...]
    columns: dict[str, list[str | None]]
    target: str | None = None
    lines: tuple[int, ...] = field(default=(), repr=False)
    source: str = "table"

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
        if not self.lines:
            object.__setattr__(self, "lines", tuple(range(2, len(self) + 2)))
        if len(self.lines) != len(self):
            raise ShapeError(f"{self.source}: {len(self.lines)} lines for {len(self)} rows.")

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.columns[self.names[0]]) if self.names else 0

    def take(self, rows: Iterable[int]) -> Table:
        """The table of these rows, counted from 0, in this order."""
        chosen = [int(row) for row in rows]
        columns = {name: [values[row] for row in chosen] for name, values in self.columns.items()}
        lines = tuple(self.lines[row] for row in chosen)
        return Table(self.names, columns, self.target, lines, self.source)


def read_csv(path: str | os.PathLike[str], target: str | None = None) -> Table:
    """Read a CSV file whose first row names the columns.

    The delimiter (comma, semicolon or tab) is found out. Values may be quoted and then hold
    delimiters and line breaks. Space around a value is dropped; blank lines are skipped. Empty,
    ``NA``, ``N/A``, ``NaN``, ``null`` and ``?`` (in any case) mean a missing value. A column
    without a name is called ``column 3`` after its place.

    Args:
        path: the file, UTF-8 with or without a byte order mark.
        target: the column to be predicted, if any.

    Raises:
        DataError: no such file, a directory, or a table without rows.
        FileFormatError: an empty file, another format or encoding, a row of another length than the
            header, two columns of one name, a header that is missing.
        OptionError: ``target`` is not a column.
    """
    source = os.fspath(path)
    text = _decoded(source, read_bytes(path, "a CSV file"))
    delimiter = _sniff(text)
    lines, records = _records(source, text, delimiter)
    if not records:
        raise FileFormatError(f"{source} is empty: expected a header row and at least one row.")
    names = _header(source, lines[0], records[0])
    for line, record in zip(lines, records, strict=True):
        if len(record) != len(names):
            raise FileFormatError(
                f"{source}, line {line}: {_values(len(record))}, and the header names "
                f"{len(names)} columns. A value that holds {delimiter!r} must be in quotes."
            )
    if len(records) == 1:
        raise DataError(f"{source} has a header and no rows: there is nothing to learn from.")
    columns = {
        name: [_present(record[place]) for record in records[1:]]
        for place, name in enumerate(names)
    }
    return Table(names, columns, target, tuple(lines[1:]), source)


def _decoded(source: str, data: bytes) -> str:
    for mark, kind in _FOREIGN:
        if data.startswith(mark):
            raise FileFormatError(f"{source} is not a CSV file: it is {kind}.")
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise FileFormatError(
            f"{source}, line {line}: a zero byte; this is not a text file, or it is UTF-16. "
            f"Save it as UTF-8."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = error.start
        line = error.object[:start].count(b"\n") + 1
        raise FileFormatError(
            f"{source}, line {line}: the byte {error.object[start]:02x} is not UTF-8. Save the "
            f"file as UTF-8 (in a spreadsheet: 'CSV UTF-8')."
        ) from error


def _rows(text: str, delimiter: str) -> Reader:
    # strict: a quote that is never closed would otherwise swallow the rest of the file in silence.
    stream = io.StringIO(text, newline="")
    return csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)


def _sniff(text: str) -> str:
    """The delimiter that cuts the first rows equally, and the header into the most columns."""

    def merit(delimiter: str) -> tuple[bool, int]:
        widths: list[int] = []
        try:
            for record in _rows(text, delimiter):
                if not _is_blank(record):
                    widths.append(len(record))
                if len(widths) == _ROWS_TO_SNIFF:
                    break
        except csv.Error:
            widths.append(0)  # unequal to all others, so the rows do not agree
        return len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0

    return max(_DELIMITERS, key=merit)


def _records(source: str, text: str, delimiter: str) -> tuple[list[int], list[list[str]]]:
    lines, records = [], []
    rows = _rows(text, delimiter)
    begin = 1
    try:
        for record in rows:
            if not _is_blank(record):
                lines.append(begin)
                records.append([value.strip() for value in record])
            begin = rows.line_num + 1
    except csv.Error as error:
        raise FileFormatError(
            f"{source}, in the row that begins on line {begin}: {error}. Perhaps a quote is not "
            f"closed; a quote inside a quoted value is written twice."
        ) from error
    return lines, records


def _is_blank(record: list[str]) -> bool:
    return not record or (len(record) == 1 and not record[0].strip())


def _header(source: str, line: int, record: list[str]) -> tuple[str, ...]:
    names = tuple(name or f"column {place}" for place, name in enumerate(record, start=1))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise FileFormatError(
            f"{source}, line {line}: the header names {', '.join(map(repr, twice))} more than "
            f"once; every column needs its own name."
        )
    # A table saved without names has the header 0, 1, 2, ..., which is as good as any.
    counted = names in [
        tuple(str(start + place) for place in range(len(names))) for start in (0, 1)
    ]
    if not counted and all(_is_number(name) for name in names):
        raise FileFormatError(
            f"{source}, line {line}: the first row is all numbers ({', '.join(names[:3])}"
            f"{', ...' if len(names) > 3 else ''}); expected a header row that names the columns."
        )
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _present(value: str) -> str | None:
    return None if value.lower() in _MISSING else value


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
