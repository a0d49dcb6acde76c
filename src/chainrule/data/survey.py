"""A survey of one column: what its values are, counted batch by batch, so that a file may be large.

What is kept of a column does not grow with its rows: moments of numbers, and how often each of its
first 10,000 different values occurs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from chainrule.data import dates
from chainrule.data.codes import Codes
from chainrule.data.far import far_values
from chainrule.data.numbers import Moments, number, refuse_infinite
from chainrule.data.table import Lines, Table, Texts, cell_text, compact, missing, number_text

#: Different values that are counted one by one, and characters of those that are no names.
MOST_COUNTED, LONGEST_COUNTED = 10_000, 500


class ColumnSurvey:
    """What a column's values are.

    Attributes:
        rows, missing: how many there are, and how many of them are missing.
        numbers: the moments of those that are numbers.
        dates: the moments, in seconds since 1970, of those that are dates.
        styles: the ways of writing dates that fit all texts so far.
        stray: the place and the text of the first value that is no number, among texts.
        clock: whether a date shows another time than midnight.
        whole: whether all numbers are whole.
        row_counter: whether the numbers count the rows, from 0 or 1.
        codes: whether texts that all are numbers are codes, as 00501 is: see ``data.codes``.
            Arrays hold numbers in any case.
        overflow: whether there were more different values than are counted.
        kept: whether the user wants it, even if it seems to tell only one row from another.
        long: whether a text has more than 500 characters, which are not counted.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.missing = 0
        self.numbers, self.dates = Moments(), Moments()
        self.styles: list[str] = list(dates.STYLES)
        self._moments: dict[str, Moments] = {}
        self.clock = False
        self.stray: tuple[str, str] | None = None
        self.whole = self.row_counter = True
        self._counted: Counter[str] = Counter()
        self._spelled, self.codes = False, Codes()
        self.overflow = self.long = self.kept = False

    @property
    def present(self) -> int:
        """How many values are there."""
        return self.rows - self.missing

    @property
    def all_numbers(self) -> bool:
        """Whether every value that is there is a number."""
        return self.numbers.count == self.present

    @property
    def counted(self) -> Counter[str]:
        """How often each value occurs, as text, the first seen first; 1 and 1.0 are one number."""
        if not self._spelled or not self.all_numbers or self.codes:
            return self._counted
        found: Counter[str] = Counter()
        for text, count in self._counted.items():
            found[number_text(float(text))] += count
        return found

    @property
    def all_dates(self) -> bool:
        """Whether every value that is there is a date, all of one style."""
        return self.dates.count == self.present

    @property
    def distinct(self) -> int | None:
        """How many different values there are, None if more than are counted."""
        return None if self.overflow or self.long else len(self.counted)

    @property
    def far(self) -> tuple[tuple[str, int], ...]:
        """Numbers that make up nearly all of the spread, such as -999, and how often each occurs.

        Of more different values than are counted, those that are counted stand for all.
        """
        if not self.all_numbers or self.codes or self.long or not self.numbers.count:
            return ()
        counted = {float(text): count for text, count in self.counted.items()}
        for end in (self.numbers.minimum, self.numbers.maximum):
            counted.setdefault(end, 1)
        values = np.fromiter(counted, np.float64, len(counted))
        found = far_values(values, np.fromiter(counted.values(), np.float64, len(counted)))
        return tuple((number_text(value), counted[value]) for value in found.tolist())

    def add(self, table: Table) -> None:
        """Look at some rows more.

        Raises:
            DataError: infinity among numbers.
        """
        values = table.columns[self.name]
        gone = missing(values)
        self.rows += len(values)
        self.missing += int(gone.sum())
        if isinstance(values, list):
            self._add_list(table, values, gone)
        elif values.dtype.kind == "M":
            self._add_dates(values[~gone])
        else:
            refuse_infinite(table, self.name, values)
            self._add_numbers(values, gone, table.lines)
            if not self.overflow:
                found, counts = np.unique(values[~gone], return_counts=True)
                names = (number_text(value) for value in found.tolist())
                self._count(zip(names, counts.tolist(), strict=True))

    def _add_list(self, table: Table, values: Texts, gone: NDArray[np.bool_]) -> None:
        there = [value for value in values if value is not None]
        counted, read = Counter(there), compact(values)
        if isinstance(read, list):
            self._add_texts(table, there, counted)
        else:
            # Counted as they are written: other rows may show that they are no numbers.
            self._spelled = True
            self.codes.add(counted)
            self._add_numbers(read, gone, table.lines)
        self._count(counted.items())

    def _add_numbers(
        self, values: NDArray[np.float64], gone: NDArray[np.bool_], lines: Lines
    ) -> None:
        there = values[~gone]
        self.numbers.add(there)
        if len(there):
            self.styles = []
        self.whole = self.whole and bool((there == np.floor(there)).all())
        if self.row_counter:
            self.row_counter = self.whole and not gone.any() and _step_with(values, lines)

    def _add_texts(self, table: Table, there: list[str], counted: Counter[str]) -> None:
        self.row_counter = False
        read = {text: number(text) for text in counted}
        some = np.array([read[text] for text in there if read[text] is not None], dtype=np.float64)
        self.numbers.add(some)
        if self.stray is None:
            every = table.columns[self.name]
            row = next(k for k, text in enumerate(every) if text is not None and read[text] is None)
            self.stray = f"{table.unit} {table.lines[row]}", str(every[row])
        self.styles = dates.styles_of(counted, self.styles)
        self._moments = {style: self._moments.get(style, Moments()) for style in self.styles}
        for style in self.styles:
            self._add_times(self._moments[style], dates.parse_all(there, style))
        self.dates = self._moments[self.styles[0]] if self.styles else Moments()

    def _add_dates(self, there: NDArray[np.datetime64]) -> None:
        self.row_counter = False
        self.styles = self.styles[:1]
        self._add_times(self.dates, there)
        self._moments = dict.fromkeys(self.styles, self.dates)
        if not self.overflow:
            found, counts = np.unique(there, return_counts=True)
            self._count(zip(map(cell_text, found), counts.tolist(), strict=True))

    def _add_times(self, moments: Moments, found: NDArray[np.datetime64]) -> None:
        times = dates.seconds(found)
        self.clock = self.clock or bool((times % dates.DAY).any())
        moments.add(times)

    def _count(self, found: Iterable[tuple[str, int]]) -> None:
        for text, count in found:
            if text not in self._counted:
                self.long = self.long or len(text) > LONGEST_COUNTED
                self.overflow = self.overflow or len(self._counted) == MOST_COUNTED
                if self.overflow or self.long:
                    return
            self._counted[text] += count


def _step_with(values: NDArray[np.float64], lines: Lines) -> bool:
    """Whether each value is its row's line plus one number, so that the first row has 0 or 1."""
    if not len(values):
        return True
    apart = values - np.asarray(lines)
    return bool((apart == apart[0]).all()) and apart[0] in (-2, -1, 0)
