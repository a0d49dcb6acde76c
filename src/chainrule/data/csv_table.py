"""Reading tables from CSV files, row by row, so that a file may be larger than the memory."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from chainrule.data.codes import may_be_codes
from chainrule.data.commas import Marks, marks_of, pointed
from chainrule.data.csv_rows import Record, csv_records, delimiter_of, head_rows
from chainrule.data.packed import inner_name, line_ends
from chainrule.data.table import Table, Texts, Values, compact, present, refuse_many_columns
from chainrule.errors import DataError, FileFormatError


class CsvFile:
    """A CSV file whose first row names the columns; see ``read_csv`` for what it may hold.

    ``marks`` says what commas and dots mean in its numbers, such as 1,234 and 1.234. It changes if
    a dot that was taken as one of thousands turns out to be a decimal point.

    Raises:
        DataError, FileFormatError: as ``read_csv`` says, of what is found in the head of the file.
    """

    format = "csv"

    def __init__(self, source: str) -> None:
        self.source = source
        if Path(inner_name(source)).suffix.lower() == ".tsv":
            self.format = "tsv"
        self.delimiter = delimiter_of(source)
        first = next(csv_records(source, self.delimiter), None)
        if first is None:
            raise FileFormatError(f"{source} is empty: expected a header row and at least one row.")
        refuse_many_columns(source, len(first[1]))
        self.names = _header(source, *first)
        _refuse_spaces(source, self.delimiter, self.names)
        # By the head of the file, so that it does not depend on the rows that are read together.
        parts = self.delimiter == ","
        self.marks = Marks() if parts else _marks(source, self.delimiter, self.names)

    def rows_expected(self) -> int:
        """The number of line ends."""
        return line_ends(self.source)

    def batches(self, rows: int, texts: Collection[str] = ()) -> Iterator[Table]:
        """The rows in tables of at most ``rows``; columns of nothing but numbers are arrays.

        Those of ``texts`` are none, nor is a column that was text before.
        """
        text = set(texts)
        for lines, columns in self._columns(rows):
            found = {
                name: list(map(present, values)) if name in text else self._compact(name, values)
                for name, values in columns.items()
            }
            text.update(name for name, values in found.items() if isinstance(values, list))
            yield Table(self.names, found, None, lines, self.source)

    def texts(self, rows: int) -> Iterator[tuple[list[int], dict[str, Texts]]]:
        """The same as text: the lines on which the rows begin, and the columns."""
        for lines, columns in self._columns(rows):
            yield lines, {name: list(map(present, values)) for name, values in columns.items()}

    def _columns(self, rows: int) -> Iterator[tuple[list[int], dict[str, tuple[str, ...]]]]:
        """The same as it stands in the file."""
        records = itertools.islice(csv_records(self.source, self.delimiter), 1, None)
        some = False
        while batch := list(itertools.islice(records, rows)):
            some = True
            self._refuse_ragged(batch)
            columns = zip(*(record for _, record in batch), strict=True)
            yield [line for line, _ in batch], dict(zip(self.names, columns, strict=True))
        if not some:
            raise DataError(
                f"{self.source} has a header and no rows: there is nothing to learn from."
            )

    def _compact(self, name: str, values: tuple[str, ...]) -> Values:
        """An array of numbers, if all are: where commas do not part values, also 1,5 for 1.5.

        Where some may be codes, as 01234 is, they stay as they are written.
        """
        if may_be_codes(values) and all(value.isdigit() or not present(value) for value in values):
            return list(map(present, values))
        dots = self.delimiter != "," and self.marks.part_thousands(name)
        if dots and any("." in value for value in values):
            texts = list(map(present, values))
            written = pointed(texts, self.marks.commas, dots)
            if written is not None:
                return compact(written)
            if not isinstance(compact(texts), list):
                # 1.5, further down than the head: the rows before were read otherwise.
                self.marks = self.marks.with_points(name)
            return texts
        plain = _plain_numbers(values)
        if plain is not None:
            return plain
        found = compact(list(map(present, values)))
        if isinstance(found, list) and self.delimiter != ",":
            written = pointed(found, self.marks.commas, dots)
            return found if written is None else compact(written)
        return found

    def _refuse_ragged(self, batch: list[Record]) -> None:
        for line, record in batch:
            if len(record) != len(self.names):
                names = len(self.names)
                hint = f"A value that holds {self.delimiter!r} must be in quotes."
                if names == 1:
                    hint = f"If {self.names[0]!r} stands above the true header, remove such lines."
                raise FileFormatError(
                    f"{self.source}, line {line}: {count_values(len(record))}, and the header "
                    f"names {names} column{'s' if names > 1 else ''}. {hint}"
                )


def read_csv(path: str | os.PathLike[str], target: str | None = None) -> Table:
    """Read a CSV file, whose first row names the columns, as text.

    The delimiter (comma, semicolon, tab or bar) is found out, or said by a first line such as
    ``sep=;``, as Excel has it, which holds if it parts the header. Values may be quoted and then
    hold delimiters and line breaks. Space around a value is dropped; blank lines are skipped.
    Empty, ``NA``, ``N/A``, ``#N/A``, ``<NA>``, ``NaN``, ``null``, ``\\N`` and ``?`` (in any case)
    mean a missing value. A column without a name is called ``column 3`` after its place.

    Args:
        path: the file, UTF-8, or UTF-16 with a byte order mark.
        target: the column to be predicted, if any.

    Raises:
        DataError: no such file, a directory, or a table without rows.
        FileFormatError: an empty file, another format or encoding, a row of another length than the
            header, two columns of one name, a header that is missing.
        OptionError: ``target`` is not a column.
    """
    file = CsvFile(os.fspath(path))
    lines: list[int] = []
    columns: dict[str, Values] = {name: [] for name in file.names}
    for more, batch in file.texts(1 << 16):
        lines += more
        for name, values in batch.items():
            columns[name] += values
    return Table(file.names, columns, target, tuple(lines), file.source)


def _marks(source: str, delimiter: str, names: Sequence[str]) -> Marks:
    """What commas and dots mean in the numbers of a file, by its head."""
    rows = head_rows(source, delimiter)[1:]
    return marks_of(names, (row for row in rows if len(row) == len(names)), delimiter)


def _header(source: str, line: int, record: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip() or f"column {place}" for place, name in enumerate(record, start=1))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise FileFormatError(
            f"{source}, line {line}: the header names {_listed(twice)} more than once; every "
            f"column needs its own name."
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


def _refuse_spaces(source: str, delimiter: str, names: tuple[str, ...]) -> None:
    """Stop where spaces part what should be columns, as many in each row as in the header."""
    words = len(names[0].split())
    if len(names) > 1 or words < 2:
        return
    rows = [row[0].split() for row in head_rows(source, delimiter)[1:] if row]
    if len(rows) > 1 and all(len(row) == words for row in rows):
        raise FileFormatError(
            f"{source}: each row is one value of {words} words, such as {' '.join(rows[0])!r}: do "
            f"spaces part the columns? Write commas, semicolons or tabs between them."
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain_numbers(values: tuple[str, ...]) -> Values | None:
    """The usual column, quickly: finite numbers, an empty value where one is missing."""
    try:
        try:
            found = np.fromiter(map(float, values), np.float64, len(values))
        except ValueError:
            read = (float(value) if value else np.nan for value in values)
            found = np.fromiter(read, np.float64, len(values))
    except ValueError:
        return None
    # Text such as inf is no number of ours, nor is 1_000, which Python reads.
    return None if np.isinf(found).any() or "_" in "".join(values) else found


def count_values(count: int) -> str:
    """A number of values in words."""
    return "1 value" if count == 1 else f"{count:,} values"
