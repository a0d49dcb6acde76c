"""Rows as scikit-learn hands them over: dense arrays, or sparse ones of SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import RandomState
from scipy import sparse
from sklearn.model_selection import train_test_split

from chainrule.errors import DataError
from chainrule.graph.op import Array


def is_sparse(data: Any) -> bool:
    """Whether these are rows of SciPy's, matrix or array, that keep no zeros."""
    return bool(sparse.issparse(data))


def dense(X: Any, dtype: Any) -> Array:
    """All rows as an array in one piece."""
    return np.ascontiguousarray(X.toarray() if is_sparse(X) else X, dtype=dtype)


def table(y: Any) -> Array:
    """Targets (n,) or (n, outputs) with a column for each output."""
    return np.asarray(y).reshape(len(y), -1)


def set_aside(
    X: Any, y: Any, w: Array | None, share: float, random: RandomState, strata: Any
) -> tuple[Any, ...]:
    """Rows for training and a share of them for validation: X, y, w and (X, y, w).

    Raises:
        DataError: fewer than two rows would be for validation.
    """
    rows, held = train_test_split(
        np.arange(X.shape[0]), random_state=random, test_size=share, stratify=strata
    )
    if len(held) < 2:
        raise DataError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            f"your dataset: {X.shape[0]} rows leave {len(held)} for it."
        )
    parts = [[a if a is None else a[i] for a in (X, y, w)] for i in (rows, held)]
    return *parts[0], tuple(parts[1])
