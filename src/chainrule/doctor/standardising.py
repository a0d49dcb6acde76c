"""Standardising: the mean and the spread of columns, each judged by its own size."""

from __future__ import annotations

import numpy as np

from chainrule.graph.op import Array

#: A column whose spread is less than this part of its largest number is constant: what is left of
#: it is rounding, of float32 (2^-23) or of what was computed in double precision.
ROUNDING = {4: 1e-6, 8: 1e-10}


def mean_and_spread(X: Array, axis: int | None = 0, constant: float = 1.0) -> tuple[Array, Array]:
    """Of each column; the spread of one that is ``constant`` is that number.

    So a column in thousandths beside one in thousands keeps what it has to tell.
    """
    least = ROUNDING[4] if X.dtype.kind == "f" and X.dtype.itemsize <= 4 else ROUNDING[8]
    wide = X.astype(np.float64)
    spread = wide.std(axis=axis)
    largest = np.abs(wide).max(axis=axis, initial=0.0)
    return wide.mean(axis=axis), np.where(spread > least * largest, spread, constant)


def are_alike(t: Array) -> bool:
    """Whether all rows are the same number or the same numbers, but for rounding."""
    return not mean_and_spread(t, constant=0.0)[1].any()
