"""What is learned of one column, and how its values become numbers.

A ``NumberColumn`` becomes one standardised number, (x - mean) / std, with 0 where the value is
missing, which is the mean; where many are missing, a second number says which. A ``BooleanColumn``
becomes 1 or -1, a ``CategoryColumn`` one number a category: 1 for the row's own, 0 for the others,
all 0 for a missing value. A ``DateColumn`` becomes its place in time, in the year, in the week and
in the day. Scaling, filling in and categories are the work of scikit-learn's transformers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import dates
from chainrule.data.numbers import numbers
from chainrule.data.table import Table, Texts, as_texts, cell_text, missing
from chainrule.data.transformers import one_hot
from chainrule.errors import DataError

#: Words that mean no and yes, if a column holds both and nothing else.
BOOLEANS = (("no", "yes"), ("false", "true"), ("n", "y"), ("f", "t"), ("off", "on"))
#: What the words of every pair, and numbers, are worth in a column that was learned as one.
TRUTH = {
    word: worth
    for pair in (*BOOLEANS, ("0", "1"), ("0.0", "1.0"))
    for word, worth in zip(pair, (-1.0, 1.0), strict=True)
}
OTHER = "(other)"


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, with the mean and standard deviation of its training rows.

    ``flag``: whether it was missing often enough for a number of its own that says so.
    """

    name: str
    mean: float
    std: float
    flag: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column itself, and ``COLUMN is missing`` where that is told."""
        return (self.name, f"{self.name} is missing") if self.flag else (self.name,)

    @property
    def scales(self) -> list[tuple[float, float]]:
        """Mean and standard deviation of each of ``values``."""
        return [(self.mean, self.std)]

    def values(self, table: Table) -> NDArray[np.float64]:
        """The numbers as the table has them, (n, 1), NaN where one is missing.

        Raises:
            DataError: what is not a finite number.
        """
        return numbers(table, self.name)[:, None]


@dataclass(frozen=True)
class BooleanColumn:
    """A column of words that mean no and yes, in any case: ``no`` and ``yes`` are two of them.

    Other rows may say it in other words of ``BOOLEANS``, or as 0 and 1.
    """

    name: str
    no: str
    yes: str

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``COLUMN=yes``."""
        return (f"{self.name}={self.yes}",)

    def encode(self, table: Table) -> NDArray[np.float32]:
        """1 for yes, -1 for no, 0 for a missing value or another word, float32 (n, 1)."""
        values = as_texts(table.columns[self.name])
        worth = [TRUTH.get(value.lower(), 0.0) if value else 0.0 for value in values]
        return np.array(worth, dtype=np.float32)[:, None]

    def strange(self, values: Texts) -> list[str]:
        """The values that mean neither no nor yes."""
        return [value for value in values if value and value.lower() not in TRUTH]


@dataclass(frozen=True)
class CategoryColumn:
    """A column of names, with those often seen in the training rows, sorted.

    ``other``: whether there were rare ones, which count as one; so do those never seen. ``rare``
    has them, so that they can be told from those; old models do not know them.
    """

    name: str
    categories: tuple[str, ...]
    other: bool = False
    rare: tuple[str, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``COLUMN=category`` for each category, and ``COLUMN=(other)`` where there is that."""
        rest = OTHER
        while rest in self.categories:
            rest = f"({rest})"
        named = (*self.categories, rest) if self.other else self.categories
        return tuple(f"{self.name}={category}" for category in named)

    def encode(self, table: Table) -> NDArray[np.float32]:
        """One-hot rows, float32 (n, categories)."""
        values = as_texts(table.columns[self.name])
        rows = np.array([value or "" for value in values], dtype=object)[:, None]
        hot: NDArray[np.float32] = self._encoder.transform(rows)
        hot[missing(values)] = 0.0
        return hot

    def strange(self, values: Texts) -> list[str]:
        """The values that no training row had; none where it is not known which were rare."""
        if self.other and not self.rare:
            return []
        known = {*self.categories, *self.rare}
        return [value for value in values if value and value not in known]

    @cached_property
    def _encoder(self) -> Any:
        return one_hot(self.categories, self.other)


@dataclass(frozen=True)
class DateColumn:
    """A column of dates, with the mean and standard deviation of its training rows in seconds.

    ``style`` is how they are written, and ``parts`` what they are worth: see ``data.dates``.
    """

    name: str
    mean: float
    std: float
    style: str
    parts: tuple[str, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``COLUMN time``, ``COLUMN season sin``, ..."""
        return dates.called(self.name, self.parts)

    #: A missing date is all 0, which needs no further number.
    flag = False

    @property
    def scales(self) -> list[tuple[float, float]]:
        """Mean and standard deviation of each of ``values``."""
        return dates.scales(self.mean, self.std, self.parts)

    def values(self, table: Table) -> NDArray[np.float64]:
        """Their parts before they are standardised, (n, numbers), NaN where the date is missing.

        Raises:
            DataError: text that is no date.
        """
        return dates.numbers_of(dates.seconds(self.dates(table)), self.parts)

    def dates(self, table: Table) -> NDArray[np.datetime64]:
        """The dates themselves, NaT where one is missing.

        Raises:
            DataError: text that is no date.
        """
        values = table.columns[self.name]
        if isinstance(values, np.ndarray) and values.dtype.kind == "M":
            return values
        found = dates.parse_all(as_texts(values), self.style)
        for row in np.flatnonzero(np.isnat(found)).tolist():
            if text := cell_text(values[row]):
                raise DataError(
                    f"{table.where(row)}: column {self.name!r} holds dates, written "
                    f"{self.style}, got {text!r}."
                )
        return found


Column = NumberColumn | BooleanColumn | CategoryColumn | DateColumn


def column_state(column: Column) -> dict[str, Any]:
    """A column as JSON holds it."""
    kinds = {
        NumberColumn: "number",
        BooleanColumn: "boolean",
        CategoryColumn: "category",
        DateColumn: "date",
    }
    return {"kind": kinds[type(column)], **asdict(column)}


def read_column(state: dict[str, Any]) -> Column:
    """The column that ``column_state`` wrote down; version 1 wrote no kind.

    Raises:
        KeyError, TypeError, ValueError: the state is damaged.
    """
    kind = state.get("kind", "category" if "categories" in state else "number")
    read: dict[str, Callable[[], Column]] = {
        "number": lambda: NumberColumn(
            text(state["name"]), finite(state["mean"]), positive(state["std"]),
            state.get("flag") is True,
        ),
        "boolean": lambda: _read_boolean(state),
        "category": lambda: _read_category(state),
        "date": lambda: _read_date(state),
    }  # fmt: skip
    if kind not in read:
        raise ValueError(f"unknown kind of column {kind!r}")
    return read[kind]()


def _read_boolean(state: dict[str, Any]) -> BooleanColumn:
    no, yes = text(state["no"]), text(state["yes"])
    if (no, yes) not in BOOLEANS:
        raise ValueError(f"words that do not mean no and yes: {no!r}, {yes!r}")
    return BooleanColumn(text(state["name"]), no, yes)


def _read_category(state: dict[str, Any]) -> CategoryColumn:
    categories, other = texts(state["categories"]), state.get("other") is True
    if len({"", *categories}) <= len(categories) or not (categories or other):
        raise ValueError(f"categories that are none, empty or there twice: {list(categories)!r}")
    return CategoryColumn(text(state["name"]), categories, other, texts(state.get("rare", [])))


def _read_date(state: dict[str, Any]) -> DateColumn:
    style, parts = text(state["style"]), texts(state["parts"])
    if style not in dates.STYLES or not parts or not set(parts) <= set(dates.PARTS):
        raise ValueError(f"unknown dates {style!r} with {parts!r}")
    return DateColumn(
        text(state["name"]), finite(state["mean"]), positive(state["std"]), style, parts
    )


def text(value: object) -> str:
    """A text that JSON held."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list of texts that JSON held."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r}")
    return tuple(text(item) for item in value)


def finite(value: object) -> float:
    """A finite number that JSON held."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"expected a finite number, got {value!r}")
    return float(value)


def positive(value: object) -> float:
    """A number above 0 that JSON held."""
    found = finite(value)
    if found <= 0.0:
        raise ValueError(f"expected a positive number, got {value!r}")
    return found
