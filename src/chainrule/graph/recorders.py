"""Recorders: what ``apply`` does for any op, as a function of one op's own.

On a few numbers most of the time goes to calls. So an op that is used again and again gets a
function that knows it, and how many inputs it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.graph.apply import apply, constant, explain
from chainrule.graph.op import Op
from chainrule.graph.tensor import Tensor, node_of


def of_one(op: Op) -> Callable[[Any], Any]:
    """The function that records ``op``, which has one input."""
    on_arrays = op.on_arrays

    def record(x: Any) -> Any:
        value = x._value if type(x) is Tensor else x if type(x) is ndarray else None
        if value is None:
            return apply(op, x)
        try:
            y = on_arrays(value)
        except (ValueError, IndexError):
            explain(op, [value])
            raise
        return y if value is x else node_of(op, (x,), y)

    return record


def of_two(op: Op) -> Callable[[Any, Any], Any]:
    """The function that records ``op``, which has two inputs."""
    on_arrays = op.on_arrays
    # Numbers of Python's own: beside arrays a ufunc gives them the dtype that a constant would get.
    beside_arrays = (ndarray, float, int) if type(on_arrays) is np.ufunc else (ndarray,)

    def record(a: Any, b: Any) -> Any:
        left = right = None
        if type(a) is Tensor and type(b) is Tensor:
            left, right = a._value, b._value
        elif type(a) is ndarray and type(b) in beside_arrays:
            left, right = a, b
        elif type(a) is Tensor and type(b) in (float, int) and a.dtype.kind == "f":
            return record(a, constant(b, a.dtype))
        elif type(b) is Tensor and type(a) in (float, int) and b.dtype.kind == "f":
            return record(constant(a, b.dtype), b)
        if left is None or right is None:
            return apply(op, a, b)
        try:
            y = on_arrays(left, right)
        except (ValueError, IndexError):
            explain(op, [left, right])
            raise
        return y if left is a else node_of(op, (a, b), y)

    return record
