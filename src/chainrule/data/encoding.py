"""From a table of text to the numbers of a network, and back.

What is learned is learned from training rows only, and is kept as a small JSON text beside the
model, so that rows met later are treated in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.data.columns import (
    BooleanColumn,
    CategoryColumn,
    Column,
    NumberColumn,
    column_state,
    finite,
    positive,
    read_column,
    text,
    texts,
)
from chainrule.data.commas import Marks
from chainrule.data.inputs import encoded
from chainrule.data.learning import MISSING_IS_FINE, ROW_COUNTER, learn_column, refuse_strays
from chainrule.data.survey import ColumnSurvey
from chainrule.data.table import Table, as_texts
from chainrule.data.target import TASKS, ClassTarget, NumberTarget, Target, learn_target
from chainrule.errors import DataError, FileFormatError, OptionError, unknown_name

_FORMAT = "chainrule table encoder"
#: Version 1 had numbers and categories only, and is read too.
_VERSION = 2


class TableEncoder:
    """Turns tables into arrays.

    What becomes of a column is told in ``chainrule.data.columns``: numbers are standardised, dates
    become their place in time, year, week and day, yes and no one number, other columns one number
    a category. Rare categories are one; those never seen in training count as rare, or are all
    zeros. Columns that are constant, that only tell rows apart, or hold text of very many values
    are left out and listed in ``ignored``. scikit-learn's transformers do the work; see
    ``chainrule.data.transformers``.

    Args:
        task: ``"classification"`` or ``"regression"``; None: found out from the target. Text means
            classes; so do whole numbers that are only 0 and 1, or at most 20 different ones which
            occur twice on average; other numbers mean regression.

    Attributes:
        columns: what was learned of each column in use.
        ignored: name of each column left out, and why.
        marks: what commas and dots mean in the numbers of the file that the training rows came
            from; 1,234 and 1.234 in a file to be predicted mean the same, if nothing there shows
            what they mean.

    Raises:
        OptionError: a task that is not known.

    >>> table = Table(("x", "y"), {"x": ["1", "2", "3", "4"], "y": ["no", "no", "yes", "yes"]}, "y")
    >>> encoder = TableEncoder().fit(table)
    >>> encoder.transform(table).shape, encoder.encode_target(table).tolist()
    ((4, 1), [0, 0, 1, 1])
    """

    def __init__(self, task: str | None = None) -> None:
        if task is not None and task not in TASKS:
            raise unknown_name("task", task, TASKS)
        self._wanted = task
        self._target: Target | None = None
        self.columns: tuple[Column, ...] = ()
        self.ignored: dict[str, str] = {}
        self.marks = Marks()

    def fit(self, table: Table) -> TableEncoder:
        """Learn from training rows; returns the encoder itself.

        Raises:
            OptionError: the table names no target.
            DataError: no column is of use, or the target has missing values, a single value, or
                text where the task wants numbers.
        """
        if table.target is None:
            raise OptionError(
                f"{table.source} names no target; read it with read_csv(path, target=...)."
            )
        target = learn_target(table, table.target, self._wanted)
        surveys = {}
        for name in table.names:
            if name != table.target:
                refuse_strays(table, name, MISSING_IS_FINE)
                surveys[name] = ColumnSurvey(name)
                surveys[name].add(table)
        return self.learn(surveys, target, table.source)

    def learn(
        self, surveys: Mapping[str, ColumnSurvey], target: Target, source: str = "table"
    ) -> TableEncoder:
        """Learn from surveys of training rows, which may have seen them in batches.

        Args:
            surveys: of every column that may be an input, by name.
            target: what was learned of the target.
            source: what messages call the table.

        Raises:
            DataError: no column is of use.
        """
        found = {name: learn_column(survey) for name, survey in surveys.items()}
        if all(isinstance(learned, str) for learned in found.values()):
            # A table of two columns may well be a curve over 1, 2, 3, ...
            for name, survey in surveys.items():
                if found[name] == ROW_COUNTER:
                    survey.kept = True
                    found[name] = learn_column(survey)
        columns = tuple(each for each in found.values() if not isinstance(each, str))
        ignored = {name: each for name, each in found.items() if isinstance(each, str)}
        if not columns:
            reasons = "; ".join(f"{name!r} ({reason})" for name, reason in ignored.items())
            raise DataError(
                f"{source}: no column is left to learn from. "
                f"Ignored: {reasons or 'none, the target is the only column'}."
            )
        # Set together at the end: a fit that fails leaves what was learned before.
        self.columns, self.ignored, self._target = columns, ignored, target
        return self

    def transform(self, table: Table) -> NDArray[np.float32]:
        """The inputs of a network, float32 (n, features); the table needs no target.

        Raises:
            OptionError: ``fit`` was not called.
            DataError: a column is missing, or a column of numbers holds text.
        """
        self._learned()
        lacking = [column.name for column in self.columns if column.name not in table.columns]
        if lacking:
            raise DataError(
                f"{table.source} lacks {'column' if len(lacking) == 1 else 'columns'} "
                f"{', '.join(map(repr, lacking))}, which the training rows had. "
                f"It has: {', '.join(table.names)}."
            )
        return encoded(self.columns, table)

    def unseen(self, table: Table) -> dict[str, tuple[str, int]]:
        """Categories that no training row had, and words that mean neither no nor yes.

        Returns:
            (the first, in how many rows) by column.
        """
        found: dict[str, tuple[str, int]] = {}
        for column in self.columns:
            if isinstance(column, CategoryColumn | BooleanColumn):
                strange = column.strange(as_texts(table.columns[column.name]))
                if strange:
                    found[column.name] = (strange[0], len(strange))
        return found

    @property
    def texts(self) -> frozenset[str]:
        """The columns to be read as they are written: ``read_table(path, texts=...)``.

        A category 07 is another than 7, and not every part of a file shows that it is no number.
        """
        names = {column.name for column in self.columns if not isinstance(column, NumberColumn)}
        target = self._learned()
        whole = isinstance(target, ClassTarget) and not target.numeric
        return frozenset(names | {target.name} if whole else names)

    def encode_target(self, table: Table) -> NDArray[np.int64] | NDArray[np.float32]:
        """What a network is to learn: int64 class indices (n,), or float32 (value - mean) / std.

        Raises:
            OptionError: ``fit`` was not called.
            DataError: the column or some values are missing, an unknown class, text for a number.
        """
        return self._learned().encode(table)

    def decode_target(self, values: ArrayLike) -> NDArray[Any]:
        """Back from what a network says: class names for indices, or value * std + mean (float64).

        Raises:
            OptionError: ``fit`` was not called.
            DtypeError, DataError: class indices that are not integers, or out of range.
        """
        return self._learned().decode(values)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each column of ``transform``: ``age``, ``colour=red``, ..."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def target(self) -> str:
        """The name of the target column."""
        return self._learned().name

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return self._learned().task

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their indices; empty for a regression."""
        return self._learned().class_names

    def _learned(self) -> Target:
        if self._target is None:
            raise OptionError("TableEncoder has learned nothing yet: call fit(table) first.")
        return self._target

    def to_json(self) -> str:
        """All that was learned, as JSON text from which ``from_json`` makes an equal encoder."""
        target = self._learned()
        goal: dict[str, Any] = {"name": target.name, "task": target.task}
        if isinstance(target, ClassTarget):
            goal |= {"classes": list(target.class_names), "numeric": target.numeric}
        else:
            goal |= {"mean": target.mean, "std": target.std}
        state = {"format": _FORMAT, "version": _VERSION, "target": goal}
        columns = [column_state(column) for column in self.columns]
        state |= {"columns": columns, "ignored": self.ignored}
        return json.dumps(state | _marks_state(self.marks))

    @classmethod
    def from_json(cls, text: str) -> TableEncoder:
        """The encoder that ``to_json`` wrote down.

        Raises:
            FileFormatError: the text is damaged, or was written by something else.
        """
        try:
            state = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise FileFormatError(f"The table encoder is not JSON: {error}.") from error
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            raise FileFormatError(f"This JSON is not a table encoder: no format {_FORMAT!r} in it.")
        version = state.get("version")
        if isinstance(version, bool) or version not in range(1, _VERSION + 1):
            raise FileFormatError(
                f"The table encoder has version {state.get('version')!r}, and this chainrule reads "
                f"versions 1 to {_VERSION}; a newer chainrule may read it."
            )
        encoder = cls()
        try:
            encoder._target = _read_target(state["target"])
            encoder.columns = tuple(read_column(entry) for entry in state["columns"])
            if not encoder.columns:
                raise ValueError("no columns")
            names = [column.name for column in encoder.columns]
            if len({*names, encoder._target.name}) <= len(names):
                raise ValueError("two columns of one name")
            encoder.ignored = {str(key): str(why) for key, why in state["ignored"].items()}
            encoder.marks = _read_marks(state)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FileFormatError(
                f"The table encoder is damaged: {type(error).__name__} {error}."
            ) from error
        encoder._wanted = encoder._target.task
        return encoder


def _marks_state(marks: Marks) -> dict[str, Any]:
    """What is not as in most files."""
    state = {"thousands": sorted(marks.thousands), "points": sorted(marks.points)}
    told: dict[str, Any] = {key: names for key, names in state.items() if names}
    return told | {"commas": True} if marks.commas else told


def _read_marks(state: dict[str, Any]) -> Marks:
    thousands, points = (frozenset(texts(state.get(key, []))) for key in ("thousands", "points"))
    return Marks(state.get("commas") is True, thousands, points)


def _read_target(entry: dict[str, Any]) -> Target:
    if entry["task"] == "classification":
        return ClassTarget(text(entry["name"]), texts(entry["classes"]), entry["numeric"] is True)
    return NumberTarget(text(entry["name"]), finite(entry["mean"]), positive(entry["std"]))
