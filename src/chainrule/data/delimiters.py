"""What parts the values of a row of text, found out from the head of a file.

Exported programs read files as ``chainrule predict`` does: they hold the text below the imports.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

DELIMITERS = (",", ";", "\t", "|")
#: Characters that the head of a file has, by which what is unknown is decided.
CHARACTERS_TO_SNIFF = 1 << 20
_ROWS_TO_SNIFF = 50
#: The first line of some files that Excel reads: what parts values. Whoever opened and saved such a
#: file may have put it into quotes, or added a delimiter for each column.
_SAID = re.compile(r'"?sep= *(\\t|[^\w\s"]|\t)? *"?[,;\t| ]*', re.IGNORECASE)
_FIRST_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n)")


def rows_of(lines: Iterable[str], delimiter: str) -> Any:
    """A csv.reader of the rows, which begins anew where it is made."""
    # strict: a quote that is never closed would otherwise swallow the rest of the file in silence.
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)


def is_blank(record: list[str]) -> bool:
    """Whether a row holds nothing."""
    return not record or (len(record) == 1 and not record[0].strip())


def only_says(record: list[str], delimiter: str) -> bool:
    """Whether a first row is none, but such as ``sep=;``."""
    return _SAID.fullmatch(delimiter.join(record)) is not None


def said_in(head: str) -> tuple[str | None, str]:
    """What the first line says that parts values, and the text after it; or None and the text."""
    first = _FIRST_LINE.match(head)
    found = first and _SAID.fullmatch(first[1])
    if not first or not found:
        return None, head
    return "\t" if found[1] == "\\t" else found[1], head[first.end() :]


def delimiter_in(head: str, cut: bool) -> str:
    """What parts values, by the head of a file.

    Args:
        head: the text at the beginning of the file.
        cut: whether the file goes on after it, so that its last row may be there in part.
    """
    said, head = said_in(head)
    # Some files say one thing and do another: what is said holds where it parts the header.
    return said if said and _columns(head, said) > 1 else _sniff(head, cut)


def _columns(head: str, delimiter: str) -> int:
    """Into how many values a delimiter parts the header; 0 where a quote in it is not closed."""
    try:
        return len(next(rows_of(io.StringIO(head, newline=""), delimiter), []))
    except csv.Error:
        return 0


def _sniff(head: str, cut: bool) -> str:
    """The delimiter that cuts the first rows equally, and the header into the most columns."""

    def merit(delimiter: str) -> tuple[bool, int]:
        widths: list[int] = []
        try:
            for record in rows_of(io.StringIO(head, newline=""), delimiter):
                if not is_blank(record):
                    widths.append(len(record))
                if len(widths) == _ROWS_TO_SNIFF:
                    break
        except csv.Error:
            widths.append(0)  # unequal to all others, so the rows do not agree
        if cut and 1 < len(widths) < _ROWS_TO_SNIFF:
            widths.pop()  # the last row is cut off where the head ends
        return len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0

    return max(DELIMITERS, key=merit)
