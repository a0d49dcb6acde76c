"""The rows of a CSV file as text: what it may be, its encoding, its quotes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from chainrule.data.delimiters import (
    CHARACTERS_TO_SNIFF,
    delimiter_in,
    is_blank,
    only_says,
    rows_of,
    said_in,
)
from chainrule.data.files import reading
from chainrule.data.packed import inner_name, look_inside, unpacked
from chainrule.errors import FileFormatError

#: A row of a file: the line on which it begins, and its values as they stand there.
Record = tuple[int, list[str]]

#: No row of a table is as long; a file without line ends is stopped here, not in the memory.
_LONGEST_LINE = 1 << 26
_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive; save the sheet as CSV"),
    (b"PAR1", "a Parquet file; write it as CSV"),
    (b"\x1f\x8b", "compressed with gzip; unpack it"),
    (b"BZh", "compressed with bzip2; unpack it"),
    (b"\xfd7zXZ", "compressed with xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it"),
    (b"\x89PNG", "a picture; give a table"),
    (b"\xff\xd8\xff", "a picture; give a table"),
    (b"%PDF", "a PDF document; give a table"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"SQLite format 3", "a database; write the table as CSV"),
    (b"\x89HDF", "an HDF5 file; write the table as CSV"),
    (b"<!DOCTYPE", "a web page; save the table as CSV"),
    (b"<html", "a web page; save the table as CSV"),
    (b"{\\rtf", "a text with formats; save it as CSV"),
    (b'[{"', "JSON; call it .json"),
    (b'{"', "JSON; call it .jsonl"),
    (b"ARROW1", "an Arrow file; write the table as CSV or Parquet"),
)


def csv_records(source: str, delimiter: str | None = None) -> Iterator[Record]:
    """Every row of a CSV file that is not blank, the header among them.

    Raises:
        DataError: no such file, or a directory.
        FileFormatError: another format or encoding, or a quote that is never closed.
    """
    delimiter = delimiter or delimiter_of(source)
    with _opened(source) as stream:
        rows = rows_of(_guarded(source, stream), delimiter)
        begin = 1
        try:
            for record in rows:
                said = begin == 1 and only_says(record, delimiter)
                if not is_blank(record) and not said:
                    yield begin, record
                begin = rows.line_num + 1
        except csv.Error as error:
            raise FileFormatError(
                f"{source}, in the row that begins on line {begin}: {error}. Perhaps a quote is "
                f"not closed; a quote inside a quoted value is written twice."
            ) from error
        except UnicodeDecodeError as error:
            raise _undecodable(source, error) from error


def head_rows(source: str, delimiter: str) -> list[list[str]]:
    """The rows at the head of a file, which are few; none where a quote is not closed in them."""
    head = _head(source)
    if len(head) == CHARACTERS_TO_SNIFF:
        head = head[: head.rfind("\n") + 1]  # the last row is cut off where the head ends
    _, head = said_in(head)
    try:
        return [row for row in rows_of(io.StringIO(head, newline=""), delimiter) if row]
    except csv.Error:
        return []


def delimiter_of(source: str) -> str:
    """What parts the values of a row: tabs in a ``.tsv`` file, else what the head of it shows."""
    if Path(inner_name(source)).suffix.lower() == ".tsv":
        _opened(source).close()
        return "\t"
    head = _head(source)
    return delimiter_in(head, len(head) == CHARACTERS_TO_SNIFF)


def _opened(source: str) -> TextIO:
    start = look_inside(source, "a CSV file")
    for mark, kind in _FOREIGN:
        if start.startswith(mark):
            raise FileFormatError(f"{source} is not a CSV file: it is {kind}.")
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding = "utf-16" if wide else "utf-8-sig"
    return reading(
        source,
        "a CSV file",
        lambda path: io.TextIOWrapper(unpacked(path), encoding=encoding, newline=""),
    )


def _guarded(source: str, stream: TextIO) -> Iterator[str]:
    """The lines of a stream, as long as it looks like a text file."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if "\0" in line:
            raise FileFormatError(
                f"{source}, line {number}: a zero byte; this is not a text file, or it is UTF-16. "
                f"Save it as UTF-8."
            )
        if len(line) == _LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise FileFormatError(
                f"{source}, line {number} is longer than {_LONGEST_LINE:,} characters: this is no "
                f"table of rows and columns."
            )
        yield line


def _undecodable(source: str, error: UnicodeDecodeError) -> FileFormatError:
    """The error for bytes that are no text, with the line: found by reading the file again."""
    if not error.encoding.replace("_", "-").startswith("utf-8"):
        return FileFormatError(
            f"{source} begins as UTF-16 text and does not go on as such: {error.reason}. Save the "
            f"file as UTF-8 (in a spreadsheet: 'CSV UTF-8')."
        )
    with unpacked(Path(source)) as file:
        line, found = next(
            (line, bad)
            for line, content in enumerate(file, start=1)
            if (bad := _bad_byte(content)) is not None
        )
    return FileFormatError(
        f"{source}, line {line}: the byte {found:02x} is not UTF-8. Save the file as UTF-8 "
        f"(in a spreadsheet: 'CSV UTF-8')."
    )


def _bad_byte(content: bytes) -> int | None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content[error.start]
    return None


def _head(source: str) -> str:
    with _opened(source) as stream:
        try:
            return stream.read(CHARACTERS_TO_SNIFF)
        except UnicodeDecodeError as error:
            raise _undecodable(source, error) from error
