"""Numbers with a decimal comma, 1,5 for 1.5, as most of Europe writes them.

They are read where commas do not part the values of a row. 1,234 alone may as well be a thousand:
it is 1.234 in a file that writes some other number with a decimal comma.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from chainrule.data.table import Texts, Values, compact, present

_NUMBER = re.compile(r"[-+]?\d+(,\d+)?(e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


def with_commas(values: Texts, known: bool) -> Values:
    """An array of numbers where all may be written with a decimal comma, else the texts.

    Args:
        values: a column, or some rows of it.
        known: whether the file writes numbers so; otherwise the values themselves must show it.
    """
    texts = [value for value in values if value is not None]
    if all(map(_NUMBER.fullmatch, texts)) and (known or _show_commas(texts)):
        return compact([value and value.replace(",", ".") for value in values])
    return values


def writes_commas(rows: Iterable[Sequence[str]]) -> bool:
    """Whether some column of these rows, equally long, can only be read with decimal commas."""
    for column in zip(*rows, strict=True):
        texts = [value for value in map(present, column) if value is not None]
        if all(map(_NUMBER.fullmatch, texts)) and _show_commas(texts):
            return True
    return False


def _show_commas(texts: Sequence[str]) -> bool:
    """Whether a comma stands where none is between thousands."""
    return any("," in text and not _THOUSANDS.fullmatch(text) for text in texts)
