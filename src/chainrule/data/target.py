"""What is learned from the column to be predicted: the task, and how to come back from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.data.columns import (
    NumberColumn,
    all_numbers,
    decimal_comma,
    mean_and_std,
    number,
    numbers,
    refuse_strays,
    standardised,
)
from chainrule.data.csv_table import Table
from chainrule.errors import DataError, DtypeError, unknown_name

TASKS = ("classification", "regression")
MOST_CLASSES = 20
_LINES_TO_NAME = 10


@dataclass(frozen=True)
class ClassTarget:
    """A target of classes. ``numeric``: the classes are numbers, so that 1 and 1.0 are the same."""

    name: str
    class_names: tuple[str, ...]
    numeric: bool
    task: str = "classification"

    def encode(self, table: Table) -> NDArray[np.int64]:
        """Class indices, int64 (n,).

        Raises:
            DataError: a missing value, or a class that no training row had.
        """
        place = {name: k for k, name in enumerate(self.class_names)}
        result = np.empty(len(table), dtype=np.int64)
        for row, value in enumerate(present(table, self.name)):
            label = _label(value) if self.numeric else value
            if label not in place:
                raise DataError(
                    f"{table.source}, line {table.lines[row]}: the target {self.name!r} is "
                    f"{value!r}, a class that was not among the training rows. "
                    f"Known: {', '.join(self.class_names)}."
                )
            result[row] = place[label]
        return result

    def decode(self, values: ArrayLike) -> NDArray[Any]:
        """Class names for class indices, an array of text of the same shape.

        Raises:
            DtypeError: numbers that are not integers.
            DataError: an index out of range.
        """
        indices = np.asarray(values)
        if not np.issubdtype(indices.dtype, np.integer):
            raise DtypeError(
                f"decode_target: the target {self.name!r} has classes, so class indices are "
                f"expected (integers), got {indices.dtype}; for scores, take the argmax of each "
                f"row first."
            )
        last = len(self.class_names) - 1
        if indices.size and not (indices.min() >= 0 and indices.max() <= last):
            raise DataError(
                f"decode_target: class indices of {self.name!r} run from 0 to {last}, got "
                f"{indices.min()} to {indices.max()}."
            )
        names: NDArray[np.str_] = np.asarray(self.class_names)[indices]
        return names


@dataclass(frozen=True)
class NumberTarget:
    """A target of numbers, with the mean and standard deviation of its training rows."""

    name: str
    mean: float
    std: float
    task: str = "regression"

    @property
    def class_names(self) -> tuple[str, ...]:
        """None: a number has no classes."""
        return ()

    def encode(self, table: Table) -> NDArray[np.float32]:
        """(value - mean) / std, float32 (n,).

        Raises:
            DataError: a missing value, or text that is not a finite number.
        """
        present(table, self.name)
        column = NumberColumn(self.name, self.mean, self.std)
        return standardised(table, column, numbers(table, self.name))

    def decode(self, values: ArrayLike) -> NDArray[np.float64]:
        """value * std + mean, float64 of the same shape: the table's own unit again."""
        return np.asarray(values, dtype=np.float64) * self.std + self.mean


def learn_target(table: Table, name: str, task: str | None) -> ClassTarget | NumberTarget:
    """The target of training rows.

    Without a task: text means classes. Whole numbers mean classes when they are only 0 and 1, or
    when there are at most 20 different ones and each occurs twice on average. Other numbers mean
    regression.

    Raises:
        DataError: missing values, a single value in all rows, text for a regression, text among
            numbers where classes were not asked for, or classes that never repeat.
        OptionError: a task that is not known.
    """
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    values = present(table, name)
    where = f"{table.source}: the target {name!r}"
    if not values:
        raise DataError(f"{where} has no rows to learn from.")
    if task != "classification":
        refuse_strays(table, name, "leave the row out (a target cannot be missing)")
    numeric = all_numbers(values)
    labels = sorted({_label(v) for v in values}, key=float) if numeric else sorted(set(values))
    if len(labels) == 1:
        raise DataError(f"{where} is {labels[0]} in every row: there is nothing to predict.")
    if task is None:
        numbers_meant = numeric and not _look_like_classes(labels, len(values))
        task = "regression" if numbers_meant else "classification"
    if task == "classification":
        if len(labels) == len(values) > 2 and not numeric:
            raise DataError(
                f"{where} has a different text in each of its {len(values)} rows; classes must "
                f"repeat{decimal_comma(values)}."
            )
        return ClassTarget(name, tuple(labels), numeric)
    if not numeric:
        row, bad = next((k, value) for k, value in enumerate(values) if number(value) is None)
        raise DataError(
            f"{table.source}, line {table.lines[row]}: the target {name!r} of a regression must be "
            f"a number, got {bad!r}{decimal_comma([bad])}."
        )
    mean, std = mean_and_std([float(value) for value in values])
    if std == 0.0:
        raise DataError(f"{where} varies by less than float64 can tell: there is nothing to learn.")
    return NumberTarget(name, mean, std)


def present(table: Table, name: str) -> list[str]:
    """The values of a target column, all of which must be there.

    Raises:
        DataError: the column is not in the table, or some values are missing, with their lines.
    """
    if name not in table.columns:
        raise DataError(
            f"{table.source} has no column {name!r}, the target. It has: {', '.join(table.names)}."
        )
    values = [value for value in table.columns[name] if value is not None]
    if len(values) < len(table):
        lines = [
            line
            for line, value in zip(table.lines, table.columns[name], strict=True)
            if value is None
        ]
        raise DataError(
            f"{table.source}: the target {name!r} is missing on {_list_lines(lines)}. Fill it in, "
            f"or leave those rows out."
        )
    return values


def _look_like_classes(labels: Sequence[str], rows: int) -> bool:
    if not all(float(label).is_integer() for label in labels):
        return False
    return set(labels) == {"0", "1"} or (len(labels) <= MOST_CLASSES and 2 * len(labels) <= rows)


def _label(text: str) -> str:
    """One spelling for one number: 1, 1.0 and +1 are the class 1. Other text stays as it is."""
    value = number(text)
    if value is None:
        return text
    return str(int(value)) if value.is_integer() else repr(value)


def _list_lines(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:_LINES_TO_NAME]))
    more = len(lines) - _LINES_TO_NAME
    rest = f" and {more} more" if more > 0 else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{rest}"
