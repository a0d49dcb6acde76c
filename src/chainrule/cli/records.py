"""The plain records of a run: its history as JSON lines, and its predictions for the test rows."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import FileFormatError

HISTORY = "history.jsonl"
PREDICTIONS = "predictions.csv"

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Predicted:
    """The test rows' targets and the network's answers, as a report's material has them."""

    y: Array
    outputs: Array


def read_history(folder: Path) -> list[dict[str, Any]]:
    """A dict for each epoch; empty for a run without a history.

    Raises:
        FileFormatError: a line is no JSON object, or a value of the CSV file is no number.
    """
    path = folder / HISTORY
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines()
        return [_epoch(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    older = folder / "history.csv"
    if not older.is_file():
        return []
    try:
        with older.open(encoding="utf-8", newline="") as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    except (ValueError, TypeError, csv.Error) as error:
        raise FileFormatError(f"{older} is broken: {error}.") from error


def _epoch(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or not all(_is_value(v) for v in row.values()):
            raise ValueError("numbers by name were expected")
        float(row["epoch"])
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path}, line {number} is broken: {error}.") from error
    return row


def _is_value(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def write_predictions(path: Path, said: Predicted, names: Sequence[str]) -> None:
    """A row for each test row: target, prediction, and of classes each one's probability."""
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, lineterminator="\n").writerow
        if names:
            write(["target", "prediction", *[f"probability_{name}" for name in names]])
            for y, p in zip(said.y, said.outputs, strict=True):
                write([names[int(y)], names[int(p.argmax())], *[f"{v:.9g}" for v in p]])
            return
        count = said.y.shape[1]
        ends = [""] if count == 1 else [f"_{k + 1}" for k in range(count)]
        write([*[f"target{end}" for end in ends], *[f"prediction{end}" for end in ends]])
        for y, f in zip(said.y, said.outputs, strict=True):
            write([f"{v:.9g}" for v in (*y, *f)])


def read_predictions(folder: Path, names: Sequence[str]) -> Predicted | None:
    """What :func:`write_predictions` wrote; None for a run without it.

    Raises:
        FileFormatError: the file is broken, or of other classes.
    """
    path = folder / PREDICTIONS
    if not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file))
        if not rows:
            raise ValueError("it has no rows")
        if names:
            place = {name: k for k, name in enumerate(names)}
            if head[2:] != [f"probability_{name}" for name in names]:
                raise ValueError(f"its columns are not those of the classes {', '.join(names)}")
            y: Array = np.array([place[row[0]] for row in rows], np.int64)
            outputs = np.array([row[2:] for row in rows], np.float64)
        else:
            table = np.array(rows, np.float64)
            y, outputs = np.split(table, 2, axis=1)
    except (ValueError, KeyError, IndexError, csv.Error) as error:
        raise FileFormatError(f"{path} is broken: {error}.") from error
    return Predicted(y, outputs)


def fingerprint(X: Array, y: Array) -> str:
    """A short text that two runs share if their test rows are the same."""
    digest = hashlib.sha256()
    for array in (X, y):
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
