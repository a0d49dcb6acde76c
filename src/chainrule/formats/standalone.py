"""What every written program has besides its network: this file's text is copied into it.

So it imports NumPy and Python's own modules alone, and tells mistakes as plain ValueErrors.
The text of ``chainrule.data.delimiters`` stands in front of it.
"""

from __future__ import annotations

import base64
import csv
import io
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data.delimiters import (
    CHARACTERS_TO_SNIFF,
    delimiter_in,
    is_blank,
    only_says,
    rows_of,
)

# --- copied from here on ---

#: Rows that are computed at a time, so that what lies between the layers stays small.
ROWS_AT_ONCE = 4096
#: How other files begin, what they are, and what to do with them.
FOREIGN = (
    (b"\x1f\x8b", "compressed with gzip", "unpack it"),
    (b"BZh", "compressed with bzip2", "unpack it"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (b"PAR1", "a Parquet file", "write the table as CSV"),
    (b"\x93NUMPY", "a NumPy file", "write its rows as CSV"),
    (b'{"', "JSON", "write its rows as CSV"),
    (b'[{"', "JSON", "write its rows as CSV"),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"),
)


def array(dtype: str, shape: tuple[int, ...], text: str) -> Any:
    """The array whose bytes a text holds, in base64."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


def outputs(
    forward: Callable[..., Any], parameters: list[Any], X: Any, shape: tuple[int, ...], dtype: str
) -> Any:
    """What the network gives for the samples X: an array, a row for each."""
    samples = np.asarray(X, dtype)
    if samples.ndim == 0 or samples.shape[1:] != shape:
        expected = ", ".join(["rows", *map(str, shape)])
        raise ValueError(f"X has shape {samples.shape}, and ({expected}) was expected")
    if not np.isfinite(samples).all():
        raise ValueError("X holds values that are not finite")
    with np.errstate(over="ignore"):  # an overflow inside leads to the right limit
        parts = [
            forward(samples[start : start + ROWS_AT_ONCE], *parameters)
            for start in range(0, max(len(samples), 1), ROWS_AT_ONCE)
        ]
    return np.concatenate(parts).astype(dtype, copy=False)


def records(path: str) -> tuple[list[tuple[int, list[str]]], str]:
    """The rows of a CSV file, each with its line; and what is between its values."""
    text = csv_text(path)
    head = text[:CHARACTERS_TO_SNIFF]
    tabs = Path(path).suffix.lower() == ".tsv"
    delimiter = "\t" if tabs else delimiter_in(head, len(head) == CHARACTERS_TO_SNIFF)
    reader = rows_of(io.StringIO(text, newline=""), delimiter)
    found = []
    line = 1
    try:
        for row in reader:
            if not is_blank(row) and not (line == 1 and only_says(row, delimiter)):
                found.append((line, [value.strip() for value in row]))
            line = reader.line_num + 1
    except csv.Error as error:
        told = f"{path}, in the row that begins on line {line}: {error}"
        raise ValueError(f"{told}. Perhaps a quote is not closed") from None
    return found, delimiter


def csv_text(path: str) -> str:
    """The text of a CSV file."""
    data = Path(path).read_bytes()
    for start, kind, advice in FOREIGN:
        if data.startswith(start):
            only = "and this program reads CSV files in UTF-8 alone"
            raise ValueError(f"{path} is {kind}, {only}: {advice}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.object[error.start]
        line = error.object.count(b"\n", 0, error.start) + 1
        told = f"{path}, line {line}: the byte {bad:02x} is not UTF-8"
        raise ValueError(
            f"{told}. Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
        ) from None


def number(text: str) -> float | None:
    """The finite number that a text writes, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def plain_numbers(path: str, shape: tuple[int, ...], largest: int | None) -> Any:
    """Plain rows of numbers as samples; pixels as counts are divided by the largest one."""
    rows, _ = records(path)
    if rows and any(number(value) is None for value in rows[0][1]):
        rows = rows[1:]  # a header
    if not rows:
        raise ValueError(f"{path} has no rows of numbers")
    width = math.prod(shape)
    X = np.empty((len(rows), width))
    for place, (line, row) in enumerate(rows):
        values = [number(value) for value in row]
        if len(values) != width or None in values:
            raise ValueError(f"{path}, line {line}: {width} numbers were expected, got {row}")
        X[place] = values
    if largest is not None and (X.min() < 0 or X.max() > 1):
        if X.min() < 0 or X.max() > largest:
            told = f"{X.min():g} to {X.max():g}; pixels go from 0 to {largest}, or from 0 to 1"
            raise ValueError(f"{path} holds values from {told}")
        X = X / largest
    return X.reshape(len(X), *shape)


def both_classes(p: Any) -> Any:
    """The probability of each class; one column is that of the second of two classes."""
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


def as_csv(results: Any, classes: Sequence[str]) -> str:
    """Outputs as CSV: the class of each row and the probability of each, or plain numbers."""
    table = results.reshape(len(results), -1)
    stream = io.StringIO()
    write = csv.writer(stream, lineterminator="\n").writerow
    if classes:
        p = both_classes(table)
        write(["prediction", *[f"probability_{name}" for name in classes]])
        for row in p:
            write([classes[int(row.argmax())], *[f"{value:.6g}" for value in row]])
        return stream.getvalue()
    width = table.shape[1]
    write(["prediction"] if width == 1 else [f"prediction_{k + 1}" for k in range(width)])
    for row in table:
        write([f"{value:.9g}" for value in row])
    return stream.getvalue()


def command(answer: Callable[[str], str], usage: str) -> None:
    """Answer a file of rows, as a program that is called from a shell."""
    arguments = sys.argv[1:]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(usage)
        sys.exit(0 if arguments in (["-h"], ["--help"]) else 2)
    try:
        text = answer(arguments[0])
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}.")
    sys.stdout.buffer.write(text.encode("utf-8"))
