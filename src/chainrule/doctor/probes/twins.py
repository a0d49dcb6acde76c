"""Twins: rows of validation that are rows of the training data too, where that is no chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.doctor.probes.others import is_whole_table
from chainrule.graph.op import Array

#: From this share of the validation rows on their score flatters: of who gets a fifth of other rows
#: wrong, by a point.
TOLD_SHARE = 0.05
#: Rows of few values are alike by nature, as often as training rows are alike among themselves.
#: More than twice as many, and so many standard errors more, are no chance; nor are five or more
#: where none are to be expected.
TIMES, ERRORS = 2.0, 4.0
#: A column that tells so many of the rows that differ tells all apart: no two are alike by nature.
FINE_SHARE = 0.5
#: Rows that are compared in one go, so that no second copy of large data is made.
CHUNK = 10_000


@dataclass(frozen=True)
class Twins:
    """How many of the ``rows`` of validation are training rows, with the same target."""

    count: int
    rows: int

    @property
    def share(self) -> float:
        """The share of them."""
        return self.count / self.rows


def twins(train: tuple[Any, Any], held: tuple[Any, Any]) -> Twins | None:
    """The rows of ``held`` that are equal to one of ``train`` in inputs and target.

    None where there are few, or where as many are to be expected: of a whole table, such as a
    gate, there are no other rows, and rows of few values are alike by nature.

    Args:
        train, held: pairs (X, y), a sample in each row.
    """
    if _width(*train) != _width(*held) or not len(held[0]) or is_whole_table(train[0]):
        return None
    keys, others = _keys(*train), _keys(*held)
    found = Twins(int(np.isin(others, keys).sum()), len(others))
    if found.share < TOLD_SHARE:
        return None
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    alike = 0.0 if _has_a_fine_column(train[0], first) else counts[counts > 1].sum() / len(keys)
    by_nature = alike * found.rows
    clear = by_nature + ERRORS * math.sqrt(by_nature + 1)
    return found if found.count > max(TIMES * by_nature, clear) else None


def _width(X: Any, y: Any) -> tuple[int, int]:
    return math.prod(np.shape(X)[1:]), math.prod(np.shape(y)[1:])


def _keys(X: Any, y: Any) -> Array:
    """A number for each row with its target; equal for rows that are equal as float32."""
    keys = np.empty(len(X), np.int64)
    for start in range(0, len(X), CHUNK):
        part = slice(start, start + CHUNK)
        flat = [np.asarray(a[part], np.float32).reshape(len(a[part]), -1) for a in (X, y)]
        # -0.0 and 0.0 are equal, and have not the same bits.
        rows = np.hstack(flat) + np.float32(0)
        keys[part] = [hash(row.tobytes()) for row in rows]
    return keys


def _has_a_fine_column(X: Any, first: Array) -> bool:
    """Whether a column has so many values that rows that are equal are copies."""
    flat = np.asarray(X)[first].reshape(len(first), -1)
    return any(len(np.unique(column)) >= FINE_SHARE * len(first) for column in flat.T)
