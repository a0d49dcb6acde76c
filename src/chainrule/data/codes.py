"""Codes: whole numbers that some write with a zero before them, as postal codes do: 01234.

Nobody counts or measures with 01234, and as a number it would lose its zero. So a column of digits
holds codes, and is one of categories, if at least 1 % of its values begin with a zero and a digit,
or if one does and all have the same number of digits, four or more. A single 07 among the ages of
people is a number.

Times of day written as 0107 look like codes too. Where there are too many for categories, they are
numbers after all: see ``data.learning``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: From which share of the values on codes may have any length, and the digits of others.
LEAST_SHARE, LEAST_DIGITS = 0.01, 4
_CODE, _DIGITS = re.compile(r"0\d+"), re.compile(r"\d+")
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d")
_LINE_OF_CODE = re.compile(r"\n0\d+\s*\n")


def may_be_codes(values: Iterable[str]) -> bool:
    """Whether one of these texts, as they stand in a file, is written as codes are."""
    # One search through all of them: most columns are of numbers, and have none.
    return _LINE_OF_CODE.search("\n" + "\n".join(values) + "\n") is not None


class Codes:
    """Whether a column holds codes, found out batch by batch; ``example`` is the first of them."""

    def __init__(self) -> None:
        self.example = ""
        self._zeros = self._rows = 0
        self._digits = self._times = True
        self._lengths: set[int] = set()

    def add(self, counted: Mapping[str, int]) -> None:
        """Look at some texts more, with how often each occurs."""
        for text, count in counted.items():
            self._rows += count
            self._digits = self._digits and _DIGITS.fullmatch(text) is not None
            self._times = self._times and _TIME.fullmatch(text) is not None
            if self._digits:
                self._lengths.add(len(text))
                if _CODE.fullmatch(text):
                    self.example = self.example or text
                    self._zeros += count

    @property
    def are_times(self) -> bool:
        """Whether all could be hours and minutes."""
        return bool(self) and self._times

    def __bool__(self) -> bool:
        alike = len(self._lengths) == 1 and min(self._lengths) >= LEAST_DIGITS
        often = self._zeros >= LEAST_SHARE * self._rows
        return self._digits and self._zeros > 0 and (alike or often)
