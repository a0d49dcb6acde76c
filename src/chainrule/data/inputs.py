"""From the columns of a table to the inputs of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.data.columns import Column, DateColumn, NumberColumn
from chainrule.data.numbers import refuse_far
from chainrule.data.table import Table
from chainrule.data.transformers import standardised

#: Numbers that are standardised at a time: few columns of many rows, for which there is little
#: memory then, or many columns of few rows, which take long one by one.
NUMBERS_AT_ONCE = 1 << 20


def encoded(columns: Sequence[Column], table: Table) -> NDArray[np.float32]:
    """What columns become, float32 (n, features), in the order of their feature names.

    Raises:
        DataError: text among numbers or dates, or a number so far out that its distance from the
            mean has no place in float32.
        MissingPackageError: scikit-learn is not installed.
    """
    widths = [len(column.feature_names) for column in columns]
    starts = np.cumsum([0, *widths]).tolist()
    result = np.zeros((len(table), starts[-1]), dtype=np.float32)
    if not len(table):  # scikit-learn has no transforms of no rows
        return result
    scaled: list[tuple[NumberColumn | DateColumn, int]] = []
    for column, start, width in zip(columns, starts, widths, strict=False):
        if isinstance(column, NumberColumn | DateColumn):
            scaled.append((column, start))
        else:
            result[:, start : start + width] = column.encode(table)
    count = max(1, NUMBERS_AT_ONCE // len(table))
    for first in range(0, len(scaled), count):
        _scale(scaled[first : first + count], table, result)
    return result


def _scale(
    columns: Sequence[tuple[NumberColumn | DateColumn, int]], table: Table,
    result: NDArray[np.float32],
) -> None:  # fmt: skip
    """Standardise columns of numbers and dates into their places, from the given ones on."""
    parts = [(column, start + k) for column, start in columns for k in range(len(column.scales))]
    gone = [start + 1 for column, start in columns if column.flag]
    found = standardised(
        np.concatenate([column.values(table) for column, _ in columns], axis=1),
        [scale for column, _ in columns for scale in column.scales],
        [column.flag for column, _ in parts],
    )
    for place, (column, _) in enumerate(parts):
        refuse_far(table, column.name, column.mean, column.std, found[:, place])
    result[:, [place for _, place in parts] + gone] = found
