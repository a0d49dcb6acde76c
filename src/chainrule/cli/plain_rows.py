"""Plain numbers from a CSV file, for models that learnt from arrays and keep no encoder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.runs import Run
from chainrule.data.csv_rows import csv_records
from chainrule.data.csv_table import count_values
from chainrule.data.numbers import number
from chainrule.errors import DataError, FileFormatError


def read_inputs(file: Path, run: Run) -> NDArray[Any]:
    """The rows of a file as inputs of a run's network, (n, *input_shape).

    A first row that is not all numbers is a header. Pixels are divided by the largest count that
    the run's pictures may hold, unless no value is above 1.

    Raises:
        DataError: no such file, no rows, a value that is no number, or pixels out of range.
        FileFormatError: not a CSV file, or another number of columns than the network has inputs.
    """
    shape = run.net.input_shape or ()
    wanted = math.prod(shape)
    source = str(file)
    records = list(csv_records(source))
    if records and any(number(value) is None for value in records[0][1]):
        records = records[1:]
    if not records:
        raise DataError(f"{source} has no rows of numbers: there is nothing to predict.")
    X = np.empty((len(records), wanted))
    for row, (line, record) in enumerate(records):
        if len(record) != wanted:
            raise FileFormatError(
                f"{source}, line {line}: {count_values(len(record))}, and the model takes {wanted} "
                f"numbers a row, one for each input."
            )
        X[row] = [_value(source, line, place, value) for place, value in enumerate(record, 1)]
    return _scaled(X, source, run.pixel_maximum).reshape(len(X), *shape)


def _value(source: str, line: int, place: int, text: str) -> float:
    value = number(text)
    if value is None:
        what = (
            f"{text.strip()!r} is not a finite number" if text.strip() else "the value is missing"
        )
        raise DataError(
            f"{source}, line {line}, column {place}: {what}; this model takes plain numbers."
        )
    return value


def _scaled(X: NDArray[Any], source: str, maximum: int | None) -> NDArray[Any]:
    if maximum is None or (X.min() >= 0 and X.max() <= 1):
        return X
    if X.min() < 0 or X.max() > maximum:
        raise DataError(
            f"{source} holds values from {X.min():g} to {X.max():g}; this model takes pixels from "
            f"0 to {maximum}, or already divided, from 0 to 1."
        )
    return X / maximum
