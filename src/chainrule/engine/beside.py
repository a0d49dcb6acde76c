"""Beside a number: the larger or the smaller of many entries and one number, with a row of it.

NumPy has quick loops for ``maximum`` of two arrays, and none for an array and a number. As many
numbers as entries would have to be fetched at each step from where they have been pushed out to; a
row of some thousand stays near::

    maximum(z, 0)                            z of 512 x 128, float32: 22 µs
    maximum(z, zeros of 512 x 128)           5 µs in a loop of its own, 20 in a training step
    maximum(z as 8 x 8192, zeros of 8192)    5 µs, and 8 in a step
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.engine.calls import Call, Slot
from chainrule.graph.op import Array, Shape

#: Entries of the longest row: 32 KiB of float32, which stay in a cache of the first level.
LONGEST = 8192

#: Shorter rows are no quicker than the number.
SHORTEST = 32


def number_in(call: Call) -> Slot | None:
    """What the call compares many entries with, if that is one number that never changes."""
    if call.function not in (np.maximum, np.minimum) or not call.writes.ndim:
        return None
    numbers = [x for x in call.reads if x.array is not None and not x.ndim]
    return numbers[0] if numbers else None


def with_row(operands: Sequence[Array]) -> Sequence[Array]:
    """What a call reads and writes, with a row in place of the number, where that is quicker."""
    shape, length = operands[-1].shape, _length(operands[-1].size)
    many = [x for x in operands if x.ndim]
    if length > SHORTEST and all(x.shape == shape and x.flags.c_contiguous for x in many):
        return [x.reshape(-1, length) if x.ndim else np.full(length, x) for x in operands]
    return [x if x.ndim else last_row(x, shape) for x in operands]


def last_row(number: Array, shape: Shape) -> Array:
    """The number as a row of the last axis, where that is quicker: for any memory."""
    return np.full(shape[-1], number) if shape[-1] > SHORTEST else number


def _length(size: int) -> int:
    """The longest row by which so many entries can be divided."""
    lengths = np.arange(1, min(size, LONGEST) + 1)
    return int(lengths[size % lengths == 0].max(initial=0))
