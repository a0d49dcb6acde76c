"""What scikit-learn calls by other names in its older releases."""

from __future__ import annotations

from typing import Any

from scipy import sparse
from sklearn.utils import validation


def validate_data(estimator: Any, X: Any, y: Any = "no_validation", **options: Any) -> Any:
    """scikit-learn's ``validate_data``, a method of the estimators before release 1.6."""
    if hasattr(validation, "validate_data"):
        return validation.validate_data(estimator, X, y, **options)
    return estimator._validate_data(X, y, **options)


def is_sparse(data: Any) -> bool:
    """Whether these are rows of SciPy's, matrix or array, that keep no zeros."""
    return bool(sparse.issparse(data))
