"""x[key] in ONNX: Slice for slices and whole numbers, Gather and GatherND for arrays of places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from chainrule.formats.onnx_arrays import OnnxArray, OnnxNumPy

#: ONNX has no empty end of a slice; beyond any end it stops there.
_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def picked(xp: OnnxNumPy, x: OnnxArray, key: tuple[Any, ...]) -> OnnxArray:
    """x[key], of slices, whole numbers, None, ... and arrays of integers, as NumPy has it."""
    parts = _spread(key, x.ndim)
    if any(map(_is_array, parts)):  # beside arrays a whole number is one
        parts = [np.array(part) if isinstance(part, int) else part for part in parts]
    own = [part for part in parts if part is not None]
    x = _sliced(xp, x, own)
    numbers = [axis for axis, part in enumerate(own) if isinstance(part, int)]
    if numbers:
        x = _of_shape(
            xp.node("Squeeze", x, np.array(numbers)),
            tuple(size for axis, size in enumerate(x.shape) if axis not in numbers),
        )
    arrays = {axis: xp.astype(part, np.int64) for axis, part in enumerate(own) if _is_array(part)}
    layout = [part for part in parts if not isinstance(part, int)]
    if arrays:
        shape = np.broadcast_shapes(*[part.shape for part in arrays.values()])
        places = [place for place, part in enumerate(parts) if _is_array(part)]
        is_parted = places[-1] - places[0] >= len(places)
        front = 0 if is_parted else min(arrays)
        x = _gathered(xp, x, arrays, shape, front)
        others = [part for part in parts if not _is_array(part)]
        at = 0 if is_parted else places[0]
        layout = [*others[:at], *[slice(None)] * len(shape), *others[at:]]
    new = [place for place, part in enumerate(layout) if part is None]
    return xp.node("Unsqueeze", x, np.array(new)) if new else x


def _is_array(part: Any) -> bool:
    return not (part is None or part is ... or isinstance(part, int | slice))


def _of_shape(x: OnnxArray, shape: tuple[int, ...]) -> OnnxArray:
    return type(x)(x.xp, x.name, shape, x.dtype)


def _spread(key: tuple[Any, ...], ndim: int) -> list[Any]:
    """The key with a part for each axis, besides None for new ones."""
    used = sum(part is not None and part is not ... for part in key)
    whole = [slice(None)] * (ndim - used)
    place = next((i for i, part in enumerate(key) if part is ...), len(key))
    return [*key[:place], *whole, *key[place + 1 :]]


def _sliced(xp: OnnxNumPy, x: OnnxArray, parts: Sequence[Any]) -> OnnxArray:
    """The slices taken; a whole number leaves its axis with size 1."""
    rows, shape = [], list(x.shape)
    for axis, part in enumerate(parts):
        if isinstance(part, int):
            rows.append((part, _LAST if part == -1 else part + 1, axis, 1))
            shape[axis] = 1
        elif isinstance(part, slice) and part != slice(None):
            step = 1 if part.step is None else part.step
            start = part.start if part.start is not None else (0 if step > 0 else _LAST)
            stop = part.stop if part.stop is not None else (_LAST if step > 0 else _FIRST)
            rows.append((start, stop, axis, step))
            shape[axis] = len(range(*part.indices(shape[axis])))
    if not rows:
        return x
    ends = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    return _of_shape(xp.node("Slice", x, *ends), tuple(shape))


def _gathered(
    xp: OnnxNumPy, x: OnnxArray, arrays: dict[int, OnnxArray], shape: tuple[int, ...], front: int
) -> OnnxArray:
    """The entries at the arrays of places, whose axes come out behind ``front`` others."""
    others = [axis for axis in range(x.ndim) if axis not in arrays]
    rest = [x.shape[axis] for axis in others]
    full = (*rest[:front], *shape, *rest[front:])
    if len(arrays) == 1:
        ((axis, places),) = arrays.items()
        return _of_shape(xp.node("Gather", x, places, axis=axis), full)
    places = xp.concatenate(
        [xp.expand_dims(xp.broadcast_to(part, shape), -1) for part in arrays.values()],
        len(shape),
    )
    first = xp.node("GatherND", xp.transpose(x, (*arrays, *others)), places)
    width = len(shape)
    behind = range(width, width + len(rest))
    order = (*behind[:front], *range(width), *behind[front:])
    found = _of_shape(first, (*shape, *rest))
    return xp.transpose(found, order) if front else found
