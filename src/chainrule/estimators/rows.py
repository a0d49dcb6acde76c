"""Rows as scikit-learn hands them over: dense arrays, or sparse ones of SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

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
