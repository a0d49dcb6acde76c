"""What a written program has besides, if its network takes rows of a table: its text is copied.

A column is what the encoder's JSON says of it: see ``chainrule.data.encoding``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.formats.standalone import number, records

# --- copied from here on ---

#: What programs write for "no value".
MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "\\n", "?"}
#: What a word is worth in a column of two that mean no and yes.
TRUTH = {
    **dict.fromkeys(["no", "false", "n", "f", "off", "0", "0.0"], -1.0),
    **dict.fromkeys(["yes", "true", "y", "t", "on", "1", "1.0"], 1.0),
}


class Row(dict[str, Any]):
    """A row of a file, by column, which knows the place that it comes from."""

    place = ""
    #: Whether the file writes 1,5 for 1.5.
    commas = False
    #: In a file that may do so, by column: whether dots part thousands, None where it is not shown.
    dots: dict[str, bool | None] | None = None


#: A number with a decimal comma, and what may as well be a thousand.
COMMA = re.compile(r"[-+]?\d+(,\d+)?(e[-+]?\d+)?", re.IGNORECASE)
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
#: A number with dots between thousands, and one with a decimal point.
DOTTED = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?")
POINT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def table(path: str) -> list[Row]:
    """The rows of a CSV file whose first row names the columns, each as a dict."""
    found, delimiter = records(path)
    if len(found) < 2:
        raise ValueError(f"{path} has no rows below the names of the columns")
    (_, head), *rows = found
    names = [name or f"column {place}" for place, name in enumerate(head, start=1)]
    if len(set(names)) < len(names):
        raise ValueError(f"{path} names a column twice: {names}")
    made = []
    for line, row in rows:
        place = f"{path}, line {line}"
        if len(row) != len(names):
            raise ValueError(f"{place}: {len(names)} values were expected, got {len(row)}")
        made.append(Row(zip(names, row, strict=True)))
        made[-1].place = place
    if delimiter != ",":
        marks = {name: _marks([one[name] for one in made]) for name in names}
        commas = any(comma for comma, _ in marks.values())
        dots = {name: thousands for name, (_, thousands) in marks.items()}
        for one in made:
            one.commas, one.dots = commas, dots
    return made


def _marks(column: list[str]) -> tuple[bool, bool | None]:
    """Whether numbers can only be read with a decimal comma, and what dots mean in them."""
    texts = [text for text in map(_present, column) if text is not None]
    if not all(COMMA.fullmatch(text) or DOTTED.fullmatch(text) for text in texts):
        return False, False if any(map(POINT.fullmatch, texts)) else None
    comma = any("," in text and not THOUSANDS.fullmatch(text) for text in texts)
    dots = [text.count(".") for text in texts]
    return comma, True if max(dots, default=0) > 1 or (comma and any(dots)) else None


def encoded(columns: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> Any:
    """The rows as the network's inputs: (rows, features)."""
    found = []
    for column in columns:
        name = column["name"]
        lacking = next((row for row in rows if name not in row), None)
        if lacking is not None:
            raise ValueError(f"the column {name!r} is missing; there are {list(lacking)}")
        values = [_present(row[name]) for row in rows]
        places = [getattr(row, "place", f"row {k}") for k, row in enumerate(rows)]
        kind = column.get("kind", "category" if "categories" in column else "number")
        if kind == "number" and rows:
            values = _with_points(values, rows[0], column)
        found.append(ENCODED[kind](column, values, places))
    return np.concatenate(found, axis=1).astype(np.float32)


def _present(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return None if text.lower() in MISSING else text


def _with_points(
    values: list[str | None], row: dict[str, Any], column: dict[str, Any]
) -> list[str | None]:
    """A column with points for its decimal commas, if all of it may be written so."""
    if not isinstance(row, Row) or row.dots is None:
        return values
    dots = row.dots[column["name"]]
    if dots is None:
        dots = column.get("dots", row.commas)
    texts = [text for text in values if text is not None]
    if dots is None and row.commas and (doubt := [text for text in texts if "." in text]):
        either = f"{doubt[0].replace('.', '')} or {doubt[0].replace('.', ',')}"
        raise ValueError(f"column {column['name']!r}: write {doubt[0]} as {either}")
    fits = all(COMMA.fullmatch(text) or (dots and DOTTED.fullmatch(text)) for text in texts)
    if not fits or not (row.commas or dots):
        return values
    return [text and text.replace(".", "").replace(",", ".") for text in values]


def _numbers(column: dict[str, Any], values: list[str | None], places: list[str]) -> Any:
    x = np.empty(len(values))
    for row, text in enumerate(values):
        value = np.nan if text is None else number(text)
        if value is None:
            told = f"holds numbers, got {text!r}"
            raise ValueError(f"{places[row]}: column {column['name']!r} {told}")
        x[row] = value
    gone = np.isnan(x)
    x[gone] = column["mean"]
    # Halves, because the difference of two huge numbers may have no place in float64.
    standardised = ((x / 2 - column["mean"] / 2) / column["std"]) * 2
    return np.stack([standardised, gone] if column.get("flag") else [standardised], axis=1)


def _booleans(column: dict[str, Any], values: list[str | None], places: list[str]) -> Any:
    return np.array([[TRUTH.get(text.lower(), 0.0) if text else 0.0] for text in values])


def _categories(column: dict[str, Any], values: list[str | None], places: list[str]) -> Any:
    names, other = column["categories"], bool(column.get("other"))
    width = len(names) + other
    # The last column beyond the width takes what has no category, and is cut off.
    place: dict[str | None, int] = {name: k for k, name in enumerate(names)}
    place[None], unseen = width, len(names) if other else width
    return np.eye(width + 1)[[place.get(text, unseen) for text in values]][:, :width]


ENCODED: dict[str, Callable[..., Any]] = {
    "number": _numbers,
    "boolean": _booleans,
    "category": _categories,
}
"""How each kind of column becomes numbers; dates are added where there are any."""
