"""The rows of a CSV file as text: its encoding, what parts its values, its quotes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from chainrule.data.files import reading
from chainrule.data.packed import inner_name, look_inside, unpacked
from chainrule.errors import FileFormatError

if TYPE_CHECKING:
    from _csv import Reader

#: A row of a file: the line on which it begins, and its values as they stand there.
Record = tuple[int, list[str]]

_DELIMITERS = (",", ";", "\t", "|")
#: The first line of some files that Excel reads: what parts values. Whoever opened and saved such a
#: file may have put it into quotes, or added a delimiter for each column.
_SAID = re.compile(r'"?sep= *(\\t|[^\w\s"]|\t)? *"?[,;\t| ]*', re.IGNORECASE)
_FIRST_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n)")
_ROWS_TO_SNIFF, _CHARACTERS_TO_SNIFF = 50, 1 << 20
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
        rows = _rows(_guarded(source, stream), delimiter)
        begin = 1
        try:
            for record in rows:
                said = begin == 1 and _SAID.fullmatch(delimiter.join(record))
                if not _is_blank(record) and not said:
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
    if len(head) == _CHARACTERS_TO_SNIFF:
        head = head[: head.rfind("\n") + 1]  # the last row is cut off where the head ends
    _, head = _said(head)
    try:
        return [row for row in _rows(io.StringIO(head, newline=""), delimiter) if row]
    except csv.Error:
        return []


def delimiter_of(source: str) -> str:
    """What parts the values of a row: tabs in a ``.tsv`` file, else what the head of it shows."""
    if Path(inner_name(source)).suffix.lower() == ".tsv":
        _opened(source).close()
        return "\t"
    said, head = _said(_head(source))
    # Some files say one thing and do another: what is said holds where it parts the header.
    return said if said and _columns(head, said) > 1 else _sniff(head)


def _columns(head: str, delimiter: str) -> int:
    """Into how many values a delimiter parts the header; 0 where a quote in it is not closed."""
    try:
        return len(next(_rows(io.StringIO(head, newline=""), delimiter), []))
    except csv.Error:
        return 0


def _said(head: str) -> tuple[str | None, str]:
    """What the first line says that parts values, and the text after it; or None and the text."""
    first = _FIRST_LINE.match(head)
    found = first and _SAID.fullmatch(first[1])
    if not first or not found:
        return None, head
    return "\t" if found[1] == "\\t" else found[1], head[first.end() :]


def _sniff(head: str) -> str:
    """The delimiter that cuts the first rows equally, and the header into the most columns."""

    def merit(delimiter: str) -> tuple[bool, int]:
        widths: list[int] = []
        try:
            for record in _rows(io.StringIO(head, newline=""), delimiter):
                if not _is_blank(record):
                    widths.append(len(record))
                if len(widths) == _ROWS_TO_SNIFF:
                    break
        except csv.Error:
            widths.append(0)  # unequal to all others, so the rows do not agree
        if len(head) == _CHARACTERS_TO_SNIFF and 1 < len(widths) < _ROWS_TO_SNIFF:
            widths.pop()  # the last row is cut off where the head ends
        return len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0

    return max(_DELIMITERS, key=merit)


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


def _rows(lines: Iterable[str], delimiter: str) -> Reader:
    # strict: a quote that is never closed would otherwise swallow the rest of the file in silence.
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)


def _head(source: str) -> str:
    with _opened(source) as stream:
        try:
            return stream.read(_CHARACTERS_TO_SNIFF)
        except UnicodeDecodeError as error:
            raise _undecodable(source, error) from error


def _is_blank(record: list[str]) -> bool:
    return not record or (len(record) == 1 and not record[0].strip())
