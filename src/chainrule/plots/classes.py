"""What labels and predictions say about classes, read the same way for every figure.

A prediction of K > 1 columns speaks of K classes; one column speaks of two. Labels come as
numbers 0..K-1, as K distinct values of any kind (then sorted, as scikit-learn does), or one-hot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, OptionError, ShapeError


def prediction_matrix(outputs: ArrayLike, rows: int, where: str) -> NDArray[np.float64]:
    """``outputs`` as a finite (rows, columns) array; a vector becomes one column.

    Raises:
        ShapeError: it is not of ``rows`` rows.
        DataError: it holds NaN or infinity.
    """
    matrix = np.asarray(outputs, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = matrix[:, np.newaxis]
    if matrix.ndim != 2 or matrix.shape[0] != rows or matrix.shape[1] == 0:
        raise ShapeError(
            f"{where}: predictions must be ({rows}, 1) or ({rows}, classes), one row a sample, "
            f"got {np.shape(outputs)}."
        )
    broken = int(np.sum(~np.isfinite(matrix)))
    if broken:
        raise DataError(
            f"{where}: {broken} of {matrix.size} predictions are NaN or infinite. The net has "
            "probably diverged: look at cr.plots.curves(history) and try a lower learning rate."
        )
    return matrix


def class_indices(
    y: ArrayLike, count: int, rows: int, where: str
) -> tuple[NDArray[np.intp], list[str]]:
    """The index of each sample's class, (rows,), and the default names of the ``count`` classes.

    Raises:
        ShapeError: ``y`` is neither (rows,), (rows, 1) nor one-hot (rows, count).
        DataError: its values are not ``count`` classes.
    """
    labels: NDArray[Any] = np.asarray(y)
    if labels.shape == (rows, count) and count > 1:
        labels = np.argmax(labels, axis=1)
    elif labels.shape == (rows, 1):
        labels = labels[:, 0]
    if labels.shape != (rows,):
        raise ShapeError(
            f"{where}: y must hold one class for each of the {rows} samples: ({rows},), "
            f"({rows}, 1) or one-hot ({rows}, {count}), got {np.shape(y)}."
        )
    found = np.unique(labels)
    if np.issubdtype(labels.dtype, np.number) or labels.dtype == np.bool_:
        as_numbers = found.astype(np.float64)
        if np.all(np.isin(as_numbers, np.arange(count))):
            return labels.astype(np.intp), [str(index) for index in range(count)]
    if len(found) == count:
        return np.searchsorted(found, labels), [str(value) for value in found.tolist()]
    shown = ", ".join(str(value) for value in found[:8].tolist())
    more = ", ..." if len(found) > 8 else ""
    raise DataError(
        f"{where}: the predictions speak of {count} classes, but y holds {len(found)} distinct "
        f"values: {shown}{more}. Number the classes from 0 to {count - 1}."
    )


def checked_names(names: Sequence[str] | None, default: list[str], option: str) -> list[str]:
    """The classes' names, as given or by default.

    Raises:
        OptionError: there are not as many names as classes.
    """
    if names is None:
        return default
    if isinstance(names, str) or len(names) != len(default):
        given = repr(names) if isinstance(names, str) else f"{len(names)} names"
        raise OptionError(
            f"{option} must be a sequence of {len(default)} names, one a class, got {given}."
        )
    return [str(name) for name in names]
