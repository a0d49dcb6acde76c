"""Direct: NumPy as an array namespace, each function by the shortest way to its kernel.

On a few numbers, NumPy's functions take longer to look at their arguments than to compute. An op's
``value`` handed ``DIRECT`` in place of NumPy runs the same kernels, so the bits are the same.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy import empty

# mypy: disable-error-code="no-any-return"
_add: Any = np.add.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce


#: So few numbers are copied sooner than the next op gets through a view that repeats its entries.
FEW = 512


class Direct:
    """NumPy's functions by name, those defined here for arrays alone."""

    dot = staticmethod(np.ndarray.dot)

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        setattr(self, name, function)  # asked for once: from now on it is found by itself
        return function

    @staticmethod
    def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return _add(x, axis, None, None, keepdims)

    @staticmethod
    def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return _maximum(x, axis, None, None, keepdims)

    @staticmethod
    def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return _minimum(x, axis, None, None, keepdims)

    @staticmethod
    def reshape(x: Any, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape)

    @staticmethod
    def transpose(x: Any, axes: tuple[int, ...]) -> Any:
        return x.transpose(axes)

    @staticmethod
    def astype(x: Any, dtype: Any) -> Any:
        return x.astype(dtype)

    @staticmethod
    def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
        if prod(shape) <= FEW and x.ndim <= len(shape):
            spread = empty(shape, x.dtype)
            spread[...] = x
            return spread
        new = len(shape) - x.ndim
        if new < 0 or not x.flags.c_contiguous:
            return np.broadcast_to(x, shape)
        strides = [0] * new
        for size, wanted, stride in zip(x.shape, shape[new:], x.strides, strict=True):
            if size != wanted and size != 1:
                return np.broadcast_to(x, shape)  # it says what is wrong
            strides.append(stride if size == wanted else 0)
        # Where an axis repeats the input, every step along it is a step on the spot.
        spread = np.ndarray(shape, x.dtype, x, 0, strides)
        spread.flags.writeable = False
        return spread


DIRECT = Direct()
