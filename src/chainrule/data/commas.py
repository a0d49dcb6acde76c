"""Numbers with a decimal comma, 1,5 for 1.5, as most of Europe writes them, and dots in thousands.

They are read where commas do not part the values of a row. 1,234 alone may as well be a thousand:
it is 1.234 in a file that writes some other number with a decimal comma. In such a file 1.234 is a
thousand, unless its column has a number in which the dot can only be a decimal point, as in 1.5.

Exported programs read rows as ``chainrule predict`` does: they hold the text below the imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chainrule.data.table import present

_NUMBER = re.compile(r"[-+]?\d+(,\d+)?(e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
#: 1.234 or 1.234.567,89: dots between thousands.
_DOTTED = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?")
_WITH_POINT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


# A dataclass would look for its module among those imported, and a program may be run by exec.
class Marks(NamedTuple):
    """What commas and dots mean in the numbers of a file, found out from its head.

    Attributes:
        commas: whether it writes numbers with a decimal comma.
        thousands: columns in which dots part thousands.
        points: columns in which they are decimal points.
        unsure: of both, the columns whose own values do not tell which, as 1.234 does not, with the
            first of those values.
    """

    commas: bool = False
    thousands: frozenset[str] = frozenset()
    points: frozenset[str] = frozenset()
    unsure: Mapping[str, str] = {}

    def after(self, learned: Marks) -> Marks:
        """What they mean in a file to be predicted: where it does not tell, as in the training."""
        told = (self.thousands | self.points).difference(self.unsure)
        commas = self.commas or learned.commas
        thousands = (self.thousands & told) | (learned.thousands - told)
        points = (self.points & told) | (learned.points - told)
        left = frozenset(self.unsure) - thousands - points
        if commas:
            thousands |= left
        else:
            points |= left
        return Marks(commas, thousands, points, self.unsure)

    def in_doubt(self, learned: Marks) -> dict[str, str]:
        """Columns, each with a value, of which neither this file nor the training's can tell.

        This one writes decimal commas, and that one did not: 1.234 may be either number.
        """
        if not self.commas or learned.commas:
            return {}
        known = learned.thousands | learned.points
        return {name: value for name, value in self.unsure.items() if name not in known}

    def with_points(self, name: str) -> Marks:
        """What they mean if dots turn out to be decimal points in a column."""
        return self._replace(thousands=self.thousands - {name}, points=self.points | {name})

    def part_thousands(self, name: str) -> bool:
        """Whether dots part thousands in a column, which the head may not have shown."""
        return name in self.thousands or (self.commas and name not in self.points)


def marks_of(names: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ";") -> Marks:
    """What commas and dots mean, by rows that are as long as ``names``.

    Args:
        names: the columns.
        rows: the values of each row, as they stand in a file.
        delimiter: what parts them there, which is no comma.
    """
    commas = False
    thousands, points, unsure = set[str](), set[str](), dict[str, str]()
    for name, column in zip(names, zip(*rows, strict=True), strict=False):
        texts = [value for value in map(present, column) if value is not None]
        if all(_is_number(text) for text in texts):
            shown = any(map(_shows_comma, texts))
            commas = commas or shown
            dotted = [text for text in texts if "." in text]
            if shown or any(text.count(".") > 1 for text in dotted):
                thousands.update([name] if dotted else [])
            elif dotted:
                unsure[name] = dotted[0]
        elif any(map(_WITH_POINT.fullmatch, texts)):
            points.add(name)
    (thousands if commas else points).update(unsure)
    if not commas and delimiter != ";":
        # Only where decimal commas are the rule, a semicolon parts values.
        unsure = {}
    return Marks(commas, frozenset(thousands), frozenset(points), unsure)


def pointed(values: Sequence[str | None], commas: bool, dots: bool) -> list[str | None] | None:
    """Numbers with a decimal point, where all may be written with a comma; else None.

    Args:
        values: a column, or some rows of it; None where a value is missing.
        commas: whether the file writes numbers so; otherwise the values themselves must show it.
        dots: whether dots part thousands.
    """
    texts = [value for value in values if value is not None]
    fits = _is_number if dots else _NUMBER.fullmatch
    if all(map(fits, texts)) and (commas or dots or any(map(_shows_comma, texts))):
        return [value and value.replace(".", "").replace(",", ".") for value in values]
    return None


def _is_number(text: str) -> bool:
    """Whether it may be a number with a decimal comma and with dots between thousands."""
    return (_NUMBER.fullmatch(text) or _DOTTED.fullmatch(text)) is not None


def _shows_comma(text: str) -> bool:
    """Whether a comma stands where none is between thousands."""
    return "," in text and not _THOUSANDS.fullmatch(text)
