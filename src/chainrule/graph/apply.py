"""apply: the one door through which an op enters a graph.

Where every input has a value, the op computes it at once; where one is a placeholder of a trace,
only the shape and the dtype are known, and the op is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.errors import RecordingError
from chainrule.graph import recording
from chainrule.graph.op import CONSTANT, Array, Op
from chainrule.graph.tensor import Tensor, node_of

_NUMBERS = int, float


def apply(op: Op, *inputs: Any) -> Any:
    """Record ``op`` on ``inputs``: the one door through which every op enters a graph.

    Handed no Tensor at all, it just computes: arrays in, an array out. So a function written for
    Tensors serves plain NumPy as well, and a pullback handed arrays costs no recording.
    """
    values = []
    for x in inputs:
        if type(x) is not Tensor or x._value is None:
            return _apply_to_others(op, inputs)
        values.append(x._value)
    try:
        value = op.on_arrays(*values)
    except (ValueError, IndexError):
        explain(op, values)
        raise
    return node_of(op, inputs, value)


def _apply_to_others(op: Op, inputs: tuple[Any, ...]) -> Any:
    """``apply`` where not every input is a Tensor with a value."""
    tensors = arrays = numbers = 0
    for x in inputs:
        if type(x) is Tensor:
            tensors += 1
        elif type(x) is ndarray:
            arrays += 1
        elif type(x) is float or type(x) is int:
            numbers += 1
    # A ufunc gives numbers of Python's own the dtype that they would be given below.
    beside = numbers if arrays and type(op.on_arrays) is np.ufunc else 0
    if arrays + beside == len(inputs):
        return _computed(op, inputs)
    like = _common_dtype(inputs)
    if not tensors:
        return _computed(op, [_array(x, like) for x in inputs])
    nodes = []
    is_traced = False
    for x in inputs:
        node = x if type(x) is Tensor else constant(x, like)
        is_traced = is_traced or node._value is None
        nodes.append(node)
    return _traced(op, tuple(nodes)) if is_traced else apply(op, *nodes)


def _computed(op: Op, values: Sequence[Array]) -> Any:
    try:
        return op.on_arrays(*values)
    except (ValueError, IndexError):
        explain(op, values)
        raise


def explain(op: Op, values: Sequence[Array]) -> None:
    """Let the op say what is wrong if shapes are to blame: it says it better than NumPy."""
    op.shape(*[np.shape(x) for x in values])


def _traced(op: Op, nodes: tuple[Tensor, ...]) -> Tensor:
    shape = op.shape(*[node.shape for node in nodes])
    node = Tensor(op, nodes, None, shape, op.dtype(*[node.dtype for node in nodes]))
    node.scope, node.place = recording.scope(), recording.place()
    recording.remember(node)
    return node


def _common_dtype(inputs: tuple[Any, ...]) -> np.dtype[Any] | None:
    """What the Tensors and arrays among the inputs are promoted to, None if there are none."""
    found = []
    for x in inputs:
        if (dtype := getattr(x, "dtype", None)) is not None:
            found.append(dtype)
    return np.result_type(*found) if len(found) > 1 else found[0] if found else None


def _array(x: Any, like: np.dtype[Any] | None) -> Array:
    """An array of ``x``; a number of Python's own takes the dtype of what it meets."""
    if like is None or not isinstance(x, _NUMBERS) or isinstance(x, np.generic):
        return np.asarray(x)
    return np.array(x, like if like.kind == "f" else np.result_type(like, x))


def constant(data: Any, like: np.dtype[Any] | None = None) -> Tensor:
    """A Tensor around ``data``; a Python number takes the dtype of what it is combined with."""
    if like is not None and like.kind == "f" and type(data) in _NUMBERS:
        return node_of(CONSTANT, (), np.array(data, like))
    value = _array(data, like)
    if value.dtype.kind not in "biufc":
        raise RecordingError(
            f"{type(data).__name__} cannot stand in a graph: numbers, arrays and Tensors can."
        )
    return node_of(CONSTANT, (), value)
