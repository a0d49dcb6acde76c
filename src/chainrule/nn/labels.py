"""Reading classes out of arrays: which class was predicted, and which is true.

Rows are samples, ``n`` of them, and ``K`` is the number of classes::

    predictions   (n,) or (n, 1) floats     the probability of class 1; above 0.5 is class 1
                  (n, K) floats             a score a class; the largest wins, the first of equals
                  (n,) or (n, 1) integers   the classes themselves, as predict_classes gives them
    targets       (n,) or (n, 1)            class numbers 0 ... K-1, or booleans
                  (n, K)                    one-hot rows, for K-class predictions

Nothing is ever broadcast: (n,) and (n, 1) are the same thing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, ShapeError

Classes: TypeAlias = NDArray[np.int64]


def classes(predictions: ArrayLike) -> Classes:
    """The predicted class numbers, (n,), read as the table at the top of this file says.

    Raises:
        ShapeError: predictions of another shape.
        DataError: no samples, NaN, or integer classes below 0.
    """
    return _predicted(numbers("predictions", predictions))[0]


def class_pair(predictions: ArrayLike, targets: ArrayLike) -> tuple[Classes, Classes, int]:
    """(predicted (n,), true (n,), K), checked against each other."""
    predicted, count = _predicted(numbers("predictions", predictions))
    true, columns = _true(numbers("targets", targets))
    if len(predicted) != len(true):
        raise ShapeError(
            f"predictions have {len(predicted)} rows and targets have {len(true)}; "
            f"each sample needs one of both."
        )
    if columns is not None and count is not None and columns != count:
        raise ShapeError(
            f"targets have {columns} one-hot columns and predictions speak of {count} classes; "
            f"give the same number, or class numbers of shape (n,)."
        )
    known = count or columns
    if known is None:
        return predicted, true, int(max(predicted.max(), true.max())) + 1
    one_column = np.size(predictions) == len(predicted)
    for name, labels in (("predictions", predicted), ("targets", true)):
        if labels.max() >= known:
            row = int(np.argmax(labels >= known))
            hint = (
                " Predictions in one column are read as the probability of class 1; for more "
                "classes give (n, K) scores."
            )
            raise DataError(
                f"{name} hold class {labels[row]} (row {row}), but there are {known} classes: "
                f"labels go from 0 to {known - 1}.{hint if count == 2 and one_column else ''}"
            )
    return predicted, true, known


def _predicted(array: NDArray[Any]) -> tuple[Classes, int | None]:
    """Predicted classes, and their number where the shape tells it."""
    if array.ndim == 2 and array.shape[1] >= 2:
        return np.argmax(array, axis=1).astype(np.int64), array.shape[1]
    column = _column("predictions", array)
    if array.dtype.kind == "f":
        return (column > 0.5).astype(np.int64), 2
    return _labels("predictions", column), None


def _true(array: NDArray[Any]) -> tuple[Classes, int | None]:
    """True classes, and the number of columns where they are one-hot."""
    if array.ndim == 2 and array.shape[1] >= 2:
        wrong = ~np.all((array == 0) | (array == 1), axis=1) | (np.sum(array != 0, axis=1) != 1)
        if np.any(wrong):
            row = int(np.argmax(wrong))
            raise DataError(
                f"targets of shape {array.shape} must be one-hot, a single 1 in each row; row "
                f"{row} is {array[row].tolist()}."
            )
        return np.argmax(array, axis=1).astype(np.int64), array.shape[1]
    return _labels("targets", _column("targets", array)), None


def _labels(name: str, column: NDArray[Any]) -> Classes:
    wrong = (column != np.floor(column)) | (column < 0) | (column > 2**31)
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise DataError(
            f"{name} must be class numbers 0, 1, 2, ..., got {column[row]} in row {row}."
        )
    return column.astype(np.int64)


def numbers(name: str, values: ArrayLike) -> NDArray[Any]:
    """``values`` as an array of real numbers with at least one row and no NaN."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise ShapeError(f"{name} have rows of unequal lengths.") from None
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} must be numbers, got {array.dtype}. Turn text labels into class numbers: "
            f"names, numbers = np.unique(labels, return_inverse=True)."
        )
    if array.ndim == 0:
        raise ShapeError(f"{name} must have a row a sample, got the single number {array}.")
    if array.size == 0:
        raise DataError(f"{name} are empty (shape {array.shape}): there is nothing to measure.")
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.dtype.kind == "f" and np.any(np.isnan(array)):
        bad = np.any(np.isnan(array.reshape(len(array), -1)), axis=1)
        raise DataError(
            f"{name} hold NaN in {np.count_nonzero(bad)} of {len(array)} rows, first in row "
            f"{int(np.argmax(bad))}."
        )
    return array


def _column(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 1:
        return array
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    raise ShapeError(f"{name} must have shape (n,), (n, 1) or (n, K), got {array.shape}.")
