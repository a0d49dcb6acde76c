"""From a table of text to the numbers of a network, and back.

What is learned is learned from training rows only, and is kept as a small JSON text beside the
model, so that rows met later are treated in the same way.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.data.columns import (
    MISSING_IS_FINE,
    CategoryColumn,
    NumberColumn,
    learn_column,
    refuse_strays,
)
from chainrule.data.csv_table import Table
from chainrule.data.target import TASKS, ClassTarget, NumberTarget, learn_target
from chainrule.errors import DataError, FileFormatError, OptionError, unknown_name

_FORMAT = "chainrule table encoder"
_VERSION = 1


class TableEncoder:
    """Turns tables into arrays.

    Number columns become (x - mean) / std, a missing value the mean. Other columns become one
    column a category; a category never seen in training is all zeros. Columns that are constant,
    text of more than 50 values, or text that is different in every row are left out and listed in
    ``ignored``.

    Args:
        task: ``"classification"`` or ``"regression"``; None: found out from the target. Text means
            classes; so do whole numbers that are only 0 and 1, or at most 20 different ones which
            occur twice on average; other numbers mean regression.

    Attributes:
        columns: what was learned of each column in use.
        ignored: name of each column left out, and why.

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
        self._target: ClassTarget | NumberTarget | None = None
        self.columns: tuple[NumberColumn | CategoryColumn, ...] = ()
        self.ignored: dict[str, str] = {}

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
        columns, ignored = [], {}
        for name in table.names:
            if name == table.target:
                continue
            refuse_strays(table, name, MISSING_IS_FINE)
            learned = learn_column(name, table.columns[name])
            if isinstance(learned, str):
                ignored[name] = learned
            else:
                columns.append(learned)
        if not columns:
            reasons = "; ".join(f"{name!r} ({reason})" for name, reason in ignored.items())
            raise DataError(
                f"{table.source}: no column is left to learn from. "
                f"Ignored: {reasons or 'none, the target is the only column'}."
            )
        # Set together at the end: a fit that fails leaves what was learned before.
        self.columns, self.ignored, self._target = tuple(columns), ignored, target
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
        return np.concatenate([column.encode(table) for column in self.columns], axis=1)

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

    def _learned(self) -> ClassTarget | NumberTarget:
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
        columns: list[dict[str, Any]] = []
        for column in self.columns:
            if isinstance(column, NumberColumn):
                columns.append({"name": column.name, "mean": column.mean, "std": column.std})
            else:
                columns.append({"name": column.name, "categories": list(column.categories)})
        state = {"format": _FORMAT, "version": _VERSION, "target": goal}
        return json.dumps(state | {"columns": columns, "ignored": self.ignored})

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
        if state.get("version") != _VERSION:
            raise FileFormatError(
                f"The table encoder has version {state.get('version')!r}, and this chainrule reads "
                f"version {_VERSION}; a newer chainrule may read it."
            )
        encoder = cls()
        try:
            encoder._target = _read_target(state["target"])
            encoder.columns = tuple(_read_column(entry) for entry in state["columns"])
            if not encoder.columns:
                raise ValueError("no columns")
            encoder.ignored = {str(key): str(why) for key, why in state["ignored"].items()}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FileFormatError(
                f"The table encoder is damaged: {type(error).__name__} {error}."
            ) from error
        encoder._wanted = encoder._target.task
        return encoder


def _read_column(entry: dict[str, Any]) -> NumberColumn | CategoryColumn:
    if "categories" in entry:
        return CategoryColumn(_text(entry["name"]), _texts(entry["categories"]))
    return NumberColumn(_text(entry["name"]), _finite(entry["mean"]), _positive(entry["std"]))


def _read_target(entry: dict[str, Any]) -> ClassTarget | NumberTarget:
    if entry["task"] == "classification":
        return ClassTarget(_text(entry["name"]), _texts(entry["classes"]), entry["numeric"] is True)
    return NumberTarget(_text(entry["name"]), _finite(entry["mean"]), _positive(entry["std"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r}")
    return tuple(_text(item) for item in value)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"expected a finite number, got {value!r}")
    return float(value)


def _positive(value: object) -> float:
    number = _finite(value)
    if number <= 0.0:
        raise ValueError(f"expected a positive number, got {value!r}")
    return number
