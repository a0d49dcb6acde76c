"""What is learned from the column to be predicted: the task, and how to come back from numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.data.learning import refuse_strays
from chainrule.data.numbers import (
    how_to_write,
    nearly_numbers,
    number,
    numbers,
    refuse_far,
    too_far_apart,
)
from chainrule.data.survey import ColumnSurvey
from chainrule.data.table import Table, as_texts, cell_text, missing, number_text
from chainrule.data.transformers import scaler, standardised, values_are_checked
from chainrule.errors import DataError, DtypeError, unknown_name

TASKS = ("classification", "regression")
#: Whole numbers of more different values than the first are no classes unless asked for.
MOST_CLASSES, MOST_CLASSES_AT_ALL = 20, 1000
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
        result = self._places(table)
        if len(result) and result.min() < 0:
            row = int(result.argmin())
            raise DataError(
                f"{table.where(row)}: the target {self.name!r} is "
                f"{cell_text(table.columns[self.name][row])!r}, a class that was not among the "
                f"training rows. Known: {', '.join(self.class_names)}."
            )
        return result

    def counts(self, counted: Mapping[str, int]) -> tuple[int, ...]:
        """How many rows each class has, from how often each spelling of a class occurs."""
        found = dict.fromkeys(self.class_names, 0)
        for value, count in counted.items():
            found[_label(value) if self.numeric else value] += count
        return tuple(found.values())

    def knows(self, table: Table) -> NDArray[np.bool_]:
        """Which rows have a class that the training rows had, (n,).

        Raises:
            DataError: a missing value.
        """
        return self._places(table) >= 0

    def _places(self, table: Table) -> NDArray[np.int64]:
        """Class indices, -1 where the class is not known."""
        refuse_missing(table, self.name)
        values = as_texts(table.columns[self.name])
        place = {name: k for k, name in enumerate(self.class_names)}
        # Each spelling is looked at once: a million rows have few of them.
        known = {
            value: place.get(_label(str(value)) if self.numeric else str(value), -1)
            for value in set(values)
        }
        return np.fromiter((known[value] for value in values), np.int64, len(values))

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
            DataError: a missing value, text that is not a finite number, or a number so far out
                that its distance from the mean has no place in float32.
            MissingPackageError: scikit-learn is not installed.
        """
        refuse_missing(table, self.name)
        if not len(table):  # scikit-learn has no transforms of no rows
            return np.zeros(0, np.float32)
        values = numbers(table, self.name)[:, None].copy()
        found = standardised(values, [(self.mean, self.std)], [False])[:, 0]
        refuse_far(table, self.name, self.mean, self.std, found)
        return found

    def decode(self, values: ArrayLike) -> NDArray[np.float64]:
        """value * std + mean, float64 of the same shape: the table's own unit again.

        Raises:
            MissingPackageError: scikit-learn is not installed.
        """
        given = np.array(values, dtype=np.float64)
        if not given.size:
            return given
        with values_are_checked():
            found = scaler([(self.mean, self.std)]).inverse_transform(given.reshape(-1, 1))
        return np.asarray(found).reshape(given.shape)


Target = ClassTarget | NumberTarget


def learn_target(table: Table, name: str, task: str | None) -> Target:
    """The target of training rows.

    Without a task: text means classes. Whole numbers mean classes when they are only 0 and 1, or
    when there are at most 20 different ones and each occurs twice on average; so do dates. Other
    numbers mean regression.

    Raises:
        DataError: missing values, a single value in all rows, text for a regression, text among
            numbers or other dates where classes were not asked for, or classes that never repeat.
        OptionError: a task that is not known.
    """
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    refuse_missing(table, name)
    if not len(table):
        raise DataError(f"{table.source}: the target {name!r} has no rows to learn from.")
    if task != "classification":
        refuse_strays(table, name, "leave the row out (a target cannot be missing)")
    survey = ColumnSurvey(name)
    survey.add(table)
    if task == "regression" and not survey.all_numbers:
        row, bad = next(
            (row, value)
            for row, value in enumerate(as_texts(table.columns[name]))
            if value is not None and number(value) is None
        )
        raise DataError(
            f"{table.where(row)}: the target {name!r} of a regression must be a number, got "
            f"{bad!r}{how_to_write(bad)}."
        )
    return target_of(survey, table.source, task)


def target_of(survey: ColumnSurvey, source: str, task: str | None) -> Target:
    """The target whose training rows a survey saw; ``source`` is the table's, for messages.

    Raises:
        DataError: as ``learn_target`` says.
    """
    where = f"{source}: the target {survey.name!r}"
    numeric = survey.all_numbers and (task == "regression" or not survey.codes)
    labels = sorted({_label(text) for text in survey.counted}, key=float) if numeric else []
    labels = labels or sorted(survey.counted)
    if len(labels) == 1:
        raise DataError(f"{where} is {labels[0]} in every row: there is nothing to predict.")
    if task is None and len(labels) > MOST_CLASSES and (hint := nearly_numbers(labels)):
        raise DataError(
            f"{where} holds {len(labels):,} different texts that are nearly numbers{hint}. Correct "
            f"them, or ask for the task classification."
        )
    if task is None:
        alike = _look_like_classes(survey)
        if survey.all_dates and not numeric and not alike:
            raise _dates(survey, where)
        task = "classification" if not numeric or alike else "regression"
    if task == "classification":
        return _classes(survey, where, labels, numeric)
    if not numeric:
        raise DataError(f"{where} of a regression must be a number, got {labels[0]!r}.")
    found = survey.numbers
    if found.std == 0.0:
        raise DataError(f"{where} varies by less than float64 can tell: there is nothing to learn.")
    if not math.isfinite(found.std):
        raise DataError(f"{where} is {too_far_apart(found)}. Divide it by a number that suits it.")
    return NumberTarget(survey.name, found.mean, found.std)


def _classes(survey: ColumnSurvey, where: str, labels: list[str], numeric: bool) -> ClassTarget:
    if len(labels) == survey.present > 2 and not numeric:
        if survey.all_dates:
            raise _dates(survey, where)
        raise DataError(
            f"{where} has a different text in each of its {survey.present:,} rows; classes must "
            f"repeat{_hint(survey, labels)}."
        )
    if survey.distinct is None or len(labels) > MOST_CLASSES_AT_ALL:
        count = "more" if survey.distinct is None else f"{len(labels):,} different values, more"
        raise DataError(
            f"{where} has {count} than {MOST_CLASSES_AT_ALL:,} classes: a network would need an "
            f"output for each{_hint(survey, labels)}. Choose another target, or join classes."
        )
    return ClassTarget(survey.name, tuple(labels), numeric)


def _dates(survey: ColumnSurvey, where: str) -> DataError:
    """The error for dates that are no classes."""
    many = "many" if survey.distinct is None else f"{survey.distinct:,}"
    found = f"{many} different ones in its {survey.present:,} rows"
    if survey.distinct == survey.present:
        found = f"a different one in each of its {survey.present:,} rows"
    return DataError(
        f"{where} holds dates, {found}; what is predicted are classes, which repeat, or numbers. "
        f"Choose another column, or write each date as a number, such as the days since the first."
    )


def _hint(survey: ColumnSurvey, labels: list[str]) -> str:
    """What to do, if classes that are too many are meant as numbers."""
    if survey.all_numbers and survey.codes:
        return (
            f"; {survey.codes.example!r} begins with 0, as codes do, and the task regression takes "
            f"it as a number"
        )
    return nearly_numbers(labels)


def refuse_missing(table: Table, name: str) -> None:
    """Stop at a target that is not there.

    Raises:
        DataError: the column is not in the table, or some values are missing, with their lines.
    """
    if name not in table.columns:
        raise DataError(
            f"{table.source} has no column {name!r}, the target. It has: {', '.join(table.names)}."
        )
    gone = np.flatnonzero(missing(table.columns[name])).tolist()
    if gone:
        lines = _list_lines([table.lines[row] for row in gone], table.unit)
        raise DataError(
            f"{table.source}: the target {name!r} is missing on {lines}. Fill it in, or leave "
            f"those rows out."
        )


def _look_like_classes(survey: ColumnSurvey) -> bool:
    if not survey.whole or survey.distinct is None:
        return False
    found = {_label(text) for text in survey.counted}
    return found == {"0", "1"} or (len(found) <= MOST_CLASSES and 2 * len(found) <= survey.present)


def _label(text: str) -> str:
    """One spelling for one number: 1, 1.0 and +1 are the class 1. Other text stays as it is."""
    value = number(text)
    return text if value is None else number_text(value)


def _list_lines(lines: list[int], unit: str) -> str:
    shown = ", ".join(map(str, lines[:_LINES_TO_NAME]))
    more = len(lines) - _LINES_TO_NAME
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{unit if len(lines) == 1 else unit + 's'} {shown}{rest}"
