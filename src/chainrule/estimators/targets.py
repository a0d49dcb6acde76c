"""Targets that nothing can be learnt from: missing ones, or texts where numbers are wanted.

scikit-learn refuses most of what ``y`` cannot be; these it hands on, and NumPy stumbles over them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.estimators.rows import is_sparse
from chainrule.graph.op import Array

#: What arrays hold of which no number can be made, by their kind, and what to do.
NO_NUMBERS = {
    "U": ("texts", "numbers written as text, y.astype(float)"),
    "S": ("bytes", "numbers written as text, y.astype(float)"),
    "M": ("dates", "dates, the days since one of them, (y - day) / np.timedelta64(1, 'D')"),
    "m": ("spans of time", "these, how many days they are, y / np.timedelta64(1, 'D')"),
}


def check_classes(y: Any, name: str = "y") -> None:
    """Refuse labels of which some are missing, or that are partly text and partly not.

    Raises:
        DataError: it says which.
    """
    values = _values(y)
    _refuse_missing(values, name, "class")
    if values.dtype != object:
        return
    texts = [isinstance(value, str) for value in values.flat]
    if any(texts) and not all(texts):
        text, other = values.flat[texts.index(True)], values.flat[texts.index(False)]
        raise DataError(
            f"{name} holds both texts and other labels, such as {text!r} and {other!r}, which have "
            "no order. Make all of them text."
        )


def check_numbers(y: Any) -> None:
    """Refuse what is missing, and what is no number.

    Raises:
        DataError: it says which, and where.
    """
    values = _values(y)
    _refuse_missing(values, "y", "number")
    if values.dtype.kind in NO_NUMBERS:
        what, hint = NO_NUMBERS[values.dtype.kind]
        raise DataError(
            f"NetworkRegressor predicts numbers, and y holds {what}, such as "
            f"{str(values.flat[0])!r}. For classes take NetworkClassifier; for {hint}."
        )
    if values.dtype != object:
        return
    for row, cells in enumerate(values.reshape(len(values), -1)):
        for value in cells:
            try:
                float(value)
            except (TypeError, ValueError):
                raise DataError(
                    f"NetworkRegressor predicts numbers, and y is {value!r} in row {row}. For "
                    "classes take NetworkClassifier; turn dates, times and texts into numbers."
                ) from None


def _refuse_missing(values: Array, name: str, what: str) -> None:
    if values.dtype.kind in "Mm":
        missing = np.isnat(values)
    elif values.dtype == object:
        missing = np.array([_is_missing(value) for value in values.flat]).reshape(values.shape)
    else:
        return
    rows = np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1))
    if len(rows):
        found = values[rows[0]][missing[rows[0]]] if values.ndim > 1 else [values[rows[0]]]
        more = f", and none in {len(rows) - 1:,} more" if len(rows) > 1 else ""
        raise DataError(
            f"{name} has no {what} in row {rows[0]} ({found[0]!r}){more}. Leave out the rows that "
            "have none: keep those where pd.notna(y)."
        )


def _is_missing(value: Any) -> bool:
    # pandas' own marks are known by their names, because it need not be installed.
    is_mark = value is None or type(value).__name__ in ("NAType", "NaTType")
    return is_mark or (isinstance(value, float) and value != value)


def _values(y: Any) -> Array:
    """``y`` as an array, with rows; an empty one if scikit-learn will say what is wrong with it."""
    try:
        values = np.zeros(0) if y is None or is_sparse(y) else np.asarray(y)
    except ValueError:  # lists of different lengths
        return np.zeros(0)
    return values if values.ndim and values.size else np.zeros(0)
