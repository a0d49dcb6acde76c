"""Reading tables from files of JSON lines: an object a line, its keys the columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from chainrule.data.codes import may_be_codes
from chainrule.data.files import reading
from chainrule.data.packed import line_ends, look_inside, unpacked
from chainrule.data.table import (
    Table,
    Texts,
    Values,
    compact,
    number_text,
    present,
    refuse_many_columns,
)
from chainrule.errors import FileFormatError

_LONGEST_LINE = 1 << 26
Row = tuple[int, dict[str, Any]]


class JsonlFile:
    """A file of JSON lines, or of one list of objects, which must fit into the memory.

    A key that an object lacks is a missing value, as null is.

    Lists and objects as values are kept as their JSON text.

    Raises:
        DataError: no such file, a directory, or no line at all.
        FileFormatError: a line that is no JSON object, with its number, or one that is no UTF-8.
    """

    format = "jsonl"

    def __init__(self, source: str) -> None:
        self.source = source
        start = look_inside(source, "a table")
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FileFormatError(f"{source} is UTF-16 text; JSON lines are UTF-8.")
        # pandas and web pages write a list of objects; JSON lines never begin with one.
        self._is_list = start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
        # A key may appear late: all lines are looked at, which also finds the broken ones early.
        names: dict[str, None] = {}
        for _, row in self._rows():
            names.update(dict.fromkeys(row))
        if not names:
            raise FileFormatError(f"{source} is empty: expected a JSON object a line.")
        refuse_many_columns(source, len(names))
        self.names = tuple(names)

    def rows_expected(self) -> int:
        """The number of line ends."""
        return line_ends(self.source)

    def batches(self, rows: int, texts: Collection[str] = ()) -> Iterator[Table]:
        """The rows in tables of at most ``rows``; columns of nothing but numbers are arrays.

        Those of ``texts`` are none, nor is a column that was text before.
        """
        every, text = self._rows(), set(texts)
        while batch := list(itertools.islice(every, rows)):
            columns: dict[str, Values] = {}
            for name in self.names:
                values: Texts = [_text(row.get(name)) for _, row in batch]
                written = name in text or may_be_codes(filter(None, values))
                columns[name] = values if written else compact(values)
            text.update(name for name, values in columns.items() if isinstance(values, list))
            unit = "row" if self._is_list else "line"
            yield Table(self.names, columns, None, [n for n, _ in batch], self.source, unit)

    def _rows(self) -> Iterator[Row]:
        if self._is_list:
            yield from self._listed()
            return
        with reading(self.source, "a table", unpacked) as file:
            for number in itertools.count(1):
                line = file.readline(_LONGEST_LINE)
                if not line:
                    return
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield number, self._object(number, line)

    def _listed(self) -> Iterator[Row]:
        """The objects of one list, which is read as a whole."""
        content = reading(self.source, "a table", _content)
        try:
            rows = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise FileFormatError(f"{self.source} is not JSON: {_reason(error)}.") from error
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict):
                raise FileFormatError(
                    f"{self.source}, row {number} is {_kind(row)}; expected an object, such as "
                    f'{{"area": 80, "price": 1000}}.'
                )
            yield number, row

    def _object(self, number: int, line: bytes) -> dict[str, Any]:
        where = f"{self.source}, line {number}"
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            raise FileFormatError(f"{where} is longer than {_LONGEST_LINE:,} bytes.")
        try:
            found = json.loads(line.decode("utf-8").strip())
        except UnicodeDecodeError as error:
            raise FileFormatError(
                f"{where}: the byte {line[error.start]:02x} is not UTF-8. Save the file as UTF-8."
            ) from error
        except (ValueError, RecursionError) as error:
            raise FileFormatError(
                f"{where} is not JSON: {_reason(error)}. Each line is one object, such as "
                f'{{"area": 80, "price": 1000}}.'
            ) from error
        if not isinstance(found, dict):
            raise FileFormatError(
                f"{where} holds {_kind(found)}; expected an object, such as "
                f'{{"area": 80, "price": 1000}}.'
            )
        return found


def _content(path: Path) -> bytes:
    with unpacked(path) as file:
        return file.read()


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return present(value or "")
    if isinstance(value, float):
        return present(number_text(value)) if abs(value) < 1e300 else present(repr(value))
    return json.dumps(value, ensure_ascii=False)


def _reason(error: Exception) -> str:
    """What is wrong and in which column, on which line where there are several."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    line = f"line {error.lineno}, " if error.lineno > 1 else ""
    return f"{error.msg} ({line}column {error.colno})"


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
