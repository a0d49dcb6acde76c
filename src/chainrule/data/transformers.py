"""scikit-learn's transformers, which scale numbers, fill in missing ones and encode categories.

What was fitted is kept as plain numbers and text: means, standard deviations, categories. The
transformers are made of it again, so that a model file holds no pickled objects and reading it
runs no code.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import optional_package


def scikit(part: str) -> Any:
    """A part of scikit-learn. It is imported where it is needed: it takes a second.

    Raises:
        MissingPackageError: it is not installed.
    """
    return optional_package(f"sklearn.{part}", "tables", "Encoding a table")


def values_are_checked() -> AbstractContextManager[None]:
    """Meanwhile scikit-learn does not look for infinity, which we refuse with line and column."""
    context: AbstractContextManager[None] = optional_package(
        "sklearn", "tables", "Encoding a table"
    ).config_context(assume_finite=True)
    return context


def scaler(scales: Sequence[tuple[float, float]]) -> Any:
    """The StandardScaler that has learned these means and standard deviations, a pair a column."""
    made = scikit("preprocessing").StandardScaler(copy=False)
    made.mean_, made.scale_ = np.array(scales).T
    made.n_features_in_ = len(scales)
    return made


def standardised(
    values: NDArray[np.float64], scales: Sequence[tuple[float, float]], flags: Sequence[bool]
) -> NDArray[np.float32]:
    """Numbers scaled, and 0, the mean, where they are missing; then 1 where a flagged one is.

    Args:
        values: (n, k), at least one row, NaN where a value is missing; the array is used up.
        scales: mean and standard deviation of each column.
        flags: of each column, whether it has a number of its own that says where it is missing.

    Returns:
        float32 (n, k + flags), infinite where float32 ends.
    """
    imputer = scikit("impute").SimpleImputer(
        strategy="constant", fill_value=0.0, add_indicator=True, copy=False
    )
    # The indicator looks after the columns that have a missing value when it is fitted.
    imputer.fit(np.array([[0.0] * len(flags), [np.nan if flag else 0.0 for flag in flags]]))
    both = scikit("pipeline").make_pipeline(scaler(scales), imputer)
    with values_are_checked(), np.errstate(over="ignore"):
        found: NDArray[np.float32] = both.transform(values).astype(np.float32)
    return found


def one_hot(categories: Sequence[str], other: bool) -> Any:
    """The OneHotEncoder of these categories, whose transform gives float32 (n, categories).

    Args:
        categories: those with a number of their own.
        other: whether a further one is 1 for all other values; else those have all 0.
    """
    # No value is an empty text: it stands for the rare ones, seen once where others are seen twice.
    rare = [""] if other else []
    made = scikit("preprocessing").OneHotEncoder(
        categories=[np.array([*categories, *rare], dtype=object)],
        handle_unknown="infrequent_if_exist",
        min_frequency=2,
        sparse_output=False,
        dtype=np.float32,
    )
    return made.fit(np.array([*categories, *categories, *rare], dtype=object)[:, None])
