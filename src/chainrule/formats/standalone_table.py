"""What a written program has besides, if its network takes rows of a table: its text is copied.

A column is what the encoder's JSON says of it: see ``chainrule.data.encoding``. The text of
``chainrule.data.commas`` stands in front of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.data.commas import Marks, marks_of, pointed
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
    #: What parts the values of its file.
    delimiter = ";"


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
        made[-1].place, made[-1].delimiter = place, delimiter
    return made


def encoded(
    columns: Sequence[dict[str, Any]], learned: Marks, rows: Sequence[dict[str, Any]]
) -> Any:
    """The rows as the network's inputs: (rows, features); ``learned`` is of the training rows."""
    marks = _marks(columns, learned, rows)
    found = []
    for column in columns:
        name = column["name"]
        lacking = next((row for row in rows if name not in row), None)
        if lacking is not None:
            raise ValueError(f"the column {name!r} is missing; there are {list(lacking)}")
        values = [present(row[name]) for row in rows]
        places = [getattr(row, "place", f"row {k}") for k, row in enumerate(rows)]
        kind = column.get("kind", "category" if "categories" in column else "number")
        if kind == "number" and marks is not None:
            # A number from Python is one, and says nothing of how texts are written.
            texts = [
                value if isinstance(row[name], str) else None
                for row, value in zip(rows, values, strict=True)
            ]
            texts = pointed(texts, marks.commas, marks.part_thousands(name)) or texts
            values = [text or value for text, value in zip(texts, values, strict=True)]
        found.append(ENCODED[kind](column, values, places))
    return np.concatenate(found, axis=1).astype(np.float32)


def _marks(
    columns: Sequence[dict[str, Any]], learned: Marks, rows: Sequence[dict[str, Any]]
) -> Marks | None:
    """What commas and dots mean in numbers; None in a file where commas part values.

    Texts that are no file's are read as those of a file with semicolons.
    """
    delimiter = getattr(rows[0], "delimiter", ";") if rows else ";"
    if delimiter == ",":
        return None
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = ([row.get(name) for name in names] for row in rows)
    texts = [[value if isinstance(value, str) else "" for value in row] for row in cells]
    marks = marks_of(names, texts, delimiter)
    doubt = marks.in_doubt(learned)
    for name in (column["name"] for column in columns):
        if (value := doubt.get(name)) is not None:
            raise ValueError(
                f"column {name!r}: {value} may be {value.replace('.', '')}, as these rows have "
                f"decimal commas, or {value.replace('.', ',')}; the model's own table had none. "
                "Write it in one of these two ways"
            )
    return marks.after(learned)


def present(value: Any) -> str | None:
    """A value as text, without the space around it; None where it is missing."""
    text = "" if value is None else str(value).strip()
    return None if text.lower() in MISSING else text


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
