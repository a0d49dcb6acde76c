"""Fitting data to a network: every shape and number is looked at before it is used.

What can only mean one thing is done ((n,) against (n, 1), one-hot for class indices, whole floats
as labels); what cannot is refused with the reason.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import DataError, DtypeError, ShapeError
from chainrule.graph.op import Array, Shape
from chainrule.nn.finite import is_finite
from chainrule.nn.losses import Loss


def inputs(X: Any, dtype: np.dtype[Any], expected: Shape | None = None) -> Array:
    """``X`` as an array of samples, checked.

    Raises:
        DtypeError: not numbers.
        DataError: no rows, or NaN or Inf among them (with the first place), or too large for
            ``dtype``.
        ShapeError: not the width that the network was built for.
    """
    array = _numbers(X, "X")
    if array.ndim == 0:
        raise ShapeError("X is a single number; samples are rows: X.reshape(1, -1).")
    if array.ndim == 1:
        raise ShapeError(
            f"X has shape {array.shape}: rows are samples, so it needs two axes or more. For one "
            "feature write X.reshape(-1, 1), for one sample X.reshape(1, -1)."
        )
    if len(array) == 0:
        raise DataError(f"X has no rows (shape {array.shape}): there is nothing to compute.")
    if expected is not None and array.shape[1:] != expected:
        hint = " Perhaps X is transposed." if array.T.shape[1:] == expected else ""
        raise ShapeError(
            f"the network takes samples of shape {expected}, and those of X have shape "
            f"{array.shape[1:]}.{hint}"
        )
    _finite(array, "X")
    return _cast(array, "X", dtype)


def targets(y: Any, loss: Loss, rows: int, outputs: Shape, dtype: np.dtype[Any]) -> Array:
    """``y`` as the loss wants it: class indices (n,), or numbers of the outputs' shape.

    Raises:
        DtypeError: not numbers. ShapeError: not one target for each row, or of another width.
        DataError: NaN, labels outside the classes, fractions as labels.
    """
    array = _numbers(y, "y")
    if array.ndim == 0 or len(array) != rows:
        raise ShapeError(f"X has {rows} rows and y has shape {array.shape}: one target a row.")
    _finite(array, "y")
    if loss.kind == "classes":
        return _classes(array, rows, outputs, dtype)
    wanted = (rows, *outputs)
    if array.shape != wanted:
        squeezed = array.reshape(rows, -1)
        if squeezed.shape[1:] != outputs and squeezed.shape != (rows, *outputs):
            raise ShapeError(
                f"the network gives {_each(outputs)} and y has {_each(array.shape[1:])}. "
                f"{_width_hint(array, outputs, loss)}"
            )
        array = squeezed
    if loss.kind == "probability" and (array.min() < 0 or array.max() > 1):
        raise DataError(
            f"{loss.name} needs targets from 0 to 1, and y goes from {array.min():g} to "
            f"{array.max():g}. Labels -1 and 1: (y + 1) / 2. More than two classes: "
            "Dense(K, 'softmax') with cross_entropy."
        )
    return _cast(array, "y", dtype)


def weights(sample_weight: Any, class_weight: Any, y: Array, dtype: np.dtype[Any]) -> Array | None:
    """One weight a row: the sample's own times its class's.

    Raises:
        ShapeError, DataError: not one finite, non-negative weight a row, or all of them 0.
        DataError: class weights where the targets are not classes, or one is missing.
    """
    if sample_weight is None and class_weight is None:
        return None
    result = np.ones(len(y)) if sample_weight is None else _numbers(sample_weight, "sample_weight")
    if result.shape != (len(y),):
        raise ShapeError(f"sample_weight has shape {result.shape}; one a row is {(len(y),)}.")
    if class_weight is not None:
        result = result * _of_classes(class_weight, y)
    wrong = ~(np.isfinite(result) & (result >= 0))
    if wrong.any() or result.sum() == 0:
        row = int(np.argmax(wrong))
        found = f"Row {row} has {result[row]:g}." if wrong.any() else "Here all are 0."
        raise DataError(f"weights must be finite, none below 0, and not all 0. {found}")
    return _cast(result, "sample_weight", dtype)


def _of_classes(class_weight: Any, y: Array) -> Array:
    labels = y.reshape(len(y), -1)
    if labels.shape[1] != 1 or not np.array_equal(labels, np.round(labels)):
        raise DataError("class_weight needs one class label a row as target.")
    flat = labels[:, 0].astype(int)
    present, counts = np.unique(flat, return_counts=True)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise DataError(f"class_weight is 'balanced' or a dict, got {class_weight!r}.")
        table = {int(k): len(y) / (len(present) * n) for k, n in zip(present, counts, strict=True)}
    elif isinstance(class_weight, Mapping):
        table = {int(k): float(w) for k, w in class_weight.items()}
    else:
        raise DataError(f"class_weight is 'balanced' or a dict, got {class_weight!r}.")
    missing = [int(k) for k in present if int(k) not in table]
    if missing:
        raise DataError(f"class_weight has no weight for class {missing[0]}; it has {table}.")
    return np.array([table[int(k)] for k in flat])


def _classes(array: Array, rows: int, outputs: Shape, dtype: np.dtype[Any]) -> Array:
    if len(outputs) != 1 or outputs[0] < 2:
        raise ShapeError(
            f"cross_entropy needs one output for each class, and the network gives "
            f"{_each(outputs)}. For two classes with one output use Dense(1, 'sigmoid') and "
            "binary_cross_entropy."
        )
    count = outputs[0]
    if array.ndim == 2 and array.shape[1] == count:
        return _labels(array, dtype)
    if array.shape not in ((rows,), (rows, 1)):
        raise ShapeError(
            f"the network has {count} classes; y has shape {array.shape}. Class indices "
            f"({rows},) or labels ({rows}, {count}) were expected."
        )
    flat = array.reshape(rows)
    if flat.dtype.kind == "f" and not np.array_equal(flat, np.round(flat)):
        first = flat[flat != np.round(flat)][0]
        raise DataError(f"class indices are whole numbers, and y holds {first:g}.")
    if flat.min() < 0 or flat.max() >= count:
        raise DataError(
            f"y holds labels from {flat.min():g} to {flat.max():g}, and the network has {count} "
            f"outputs, for labels 0 to {count - 1}."
        )
    return flat.astype(np.int64, copy=False)


def _labels(array: Array, dtype: np.dtype[Any]) -> Array:
    total = array.sum(axis=1)
    if array.min() < 0 or not np.allclose(total, 1, atol=1e-4):
        negative = array.min(axis=1) < 0
        row = int(np.argmax(negative if negative.any() else np.abs(total - 1)))
        found = f"holds {array[row].min():g}" if negative.any() else f"has total {total[row]:g}"
        raise DataError(
            f"labels are one-hot or probabilities: none below 0, each row with total 1. Row {row} "
            f"{found}."
        )
    if np.isin(array, (0, 1)).all():
        indices: Array = array.argmax(axis=1)
        return indices.astype(np.int64)
    return np.ascontiguousarray(array, dtype=dtype)


def _numbers(data: Any, name: str) -> Array:
    if data is None:
        raise DataError(f"{name} is None; an array or a list of numbers was expected.")
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ShapeError(f"{name} is not a regular array: {error}.") from error
    # Who has a masked array has imported numpy.ma, which takes 8 ms and a megabyte.
    masked_arrays = sys.modules.get("numpy.ma")
    is_masked = masked_arrays is not None and isinstance(data, masked_arrays.MaskedArray)
    if is_masked and (masked := int(np.sum(data.mask))):
        raise DataError(
            f"{name} is a masked array with {masked} of {data.size} values masked: what stands "
            "under the mask would be learnt from. Fill in what is missing "
            f"({name}.filled(0.0)), or keep the other rows."
        )
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DtypeError(f"{name} holds things that are not numbers: {error}.") from error
    if array.dtype.kind not in "biuf":
        hint = ": labels, y = np.unique(y, return_inverse=True)" if name == "y" else ""
        raise DtypeError(f"{name} holds {array.dtype}, not numbers. Encode it first{hint}.")
    return array


def _finite(array: Array, name: str) -> None:
    if is_finite(array):
        return
    bad = ~np.isfinite(array)
    place = np.unravel_index(int(np.argmax(bad)), array.shape)
    where = f"row {place[0]}" + (f", column {place[1]}" if len(place) == 2 else "")
    count = int(bad.sum())
    rows = f"np.isfinite({name})" + (".all(axis=1)" if array.ndim == 2 else "")
    raise DataError(
        f"{name} holds {count} value{'s' if count > 1 else ''} that {'are' if count > 1 else 'is'} "
        f"not finite, the first in {where} ({array[place]}). Fill in what is missing, or keep the "
        f"other rows: {name}[{rows}]."
    )


def _cast(array: Array, name: str, dtype: np.dtype[Any]) -> Array:
    if array.dtype == dtype:
        return np.ascontiguousarray(array)
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(array, dtype=dtype)
    if array.dtype.itemsize > dtype.itemsize and not np.isfinite(cast).all():
        raise DataError(
            f"{name} holds numbers too large for {dtype} (up to {np.abs(array).max():g}). Scale "
            'them, or compute with Sequential(..., dtype="float64").'
        )
    return cast


def _each(shape: Shape) -> str:
    if shape in ((), (1,)):
        return "one number a row"
    return f"{shape[0]} numbers a row" if len(shape) == 1 else f"samples of shape {shape}"


def _width_hint(array: Array, outputs: Shape, loss: Loss) -> str:
    width = math.prod(array.shape[1:])
    if loss.kind == "probability" and width == 2 and outputs == (1,):
        return "For one-hot labels use Dense(2, 'softmax') and cross_entropy, or y[:, 1]."
    if width == 1 and np.array_equal(array, np.round(array)) and array.max() < outputs[-1]:
        return (
            f"If y holds class labels, end with Dense({outputs[-1]}, 'softmax'), whose loss is "
            f"cross_entropy. If they are values, the last layer needs 1 unit."
        )
    return f"Change the last layer to {width} unit{'s' if width != 1 else ''}, or y."
