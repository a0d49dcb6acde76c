"""Sums of outputs: whose add up to 1, and who moves when one row is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.graph.op import Array

#: Sums of a few rounded numbers are this near to 1.
NEAR = 1e-4
#: Outputs of rows that do not depend on each other move by rounding alone, 1e-7 in float32.
MOVES = 1e-6


@dataclass(frozen=True, eq=False)
class Sums:
    """What the outputs of a small batch add up to.

    Attributes:
        rows, columns, total: the sums of each row, of each column, and of everything.
        moved: how far outputs of other rows moved when the first row of the inputs was changed.
    """

    rows: Array
    columns: Array
    total: float
    moved: float

    @property
    def rows_are_shares(self) -> bool:
        """Whether each row adds up to 1, as it should."""
        return bool(np.abs(self.rows - 1).max() < NEAR)

    @property
    def columns_are_shares(self) -> bool:
        """Whether each column does."""
        return bool(np.abs(self.columns - 1).max() <= NEAR)

    @property
    def whole_is_shares(self) -> bool:
        """Whether everything together does."""
        return abs(self.total - 1) <= NEAR

    @property
    def is_leaking(self) -> bool:
        """Whether a row's outputs depend on other rows."""
        return self.moved >= MOVES


def sums(answered: Callable[[Array], Array | None], X: Array) -> Sums | None:
    """The sums of the outputs for ``X``; None where they are no shares of several classes."""
    out = answered(X)
    if out is None or out.shape[1] < 2 or len(out) < 3 or out.min() < 0:
        return None
    changed = X.copy()
    changed[0] = changed[0] + 1.0
    other = answered(changed)
    moved = 0.0 if other is None else float(np.abs(other[1:] - out[1:]).max())
    return Sums(out.sum(axis=1), out.sum(axis=0), float(out.sum()), moved)
