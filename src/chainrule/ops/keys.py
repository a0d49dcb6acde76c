"""Keys with a leading axis: how an index picks from each of many, and where its axes come out.

A key is kept hashable: a slice as its three numbers, an index array as the place of an input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.graph.apply import constant
from chainrule.ops.base import aligned
from chainrule.ops.shape import transpose

Key = tuple[Any, ...]

#: What stands in a key in place of an index array.
ARRAY = "array"


def place_of_arrays(key: Key, ndim: int) -> tuple[int, bool]:
    """Where the axes of the index arrays come out, and whether they do because they are parted.

    NumPy puts them where the first array (or whole number beside arrays) stands, but in front if a
    slice parts them. ``ndim`` is the rank of what is indexed.
    """
    picks = [i for i, part in enumerate(key) if part == ARRAY or type(part) is int]
    if picks[-1] - picks[0] >= len(picks):
        return 0, True
    used = sum(part is not None and part is not ... for part in key)
    return sum(ndim - used if part is ... else 1 for part in key[: picks[0]]), False


def ready_to_broadcast(arrays: Sequence[Any], stacked: tuple[bool, ...]) -> list[Any]:
    """The index arrays, so that those with a leading axis broadcast with the others."""
    ndim = max(a.ndim - own for a, own in zip(arrays, stacked, strict=True))
    return [aligned(a, ndim) if own else a for a, own in zip(arrays, stacked, strict=True)]


#: From the rank of a result to the order of axes in which it is wanted; None: as it is.
Order = Callable[[int], tuple[int, ...]] | None


def of_each(
    key: Key, ndim: int, arrays: Sequence[Any], stacked: tuple[bool, ...], size: int
) -> tuple[Key, list[Any], Order]:
    """What picks ``key`` from each of ``size`` sources of rank ``ndim``: a key and its arrays.

    And the order of the result's axes that brings the leading one to the front.
    """
    whole = (None, None, None)
    if not arrays:
        return (whole, *key), [], None
    place, parted = place_of_arrays(key, ndim)
    if not any(stacked):
        width = max(a.ndim for a in arrays)
        return (whole, *key), list(arrays), to_front(width) if parted else None
    ready = ready_to_broadcast(arrays, stacked)
    width = max(a.ndim for a in ready)
    each = constant(np.arange(size).reshape(size, *(1,) * (width - 1)))

    def behind(ndim: int) -> tuple[int, ...]:
        # All arrays' axes come out in front now, and belong behind ``place`` of the others.
        others = range(width, ndim)
        return (0, *others[:place], *range(1, width), *others[place:])

    return (ARRAY, *key), [each, *ready], behind


def to_front(axis: int) -> Order:
    """The order that brings one axis to the front."""
    return lambda ndim: (axis, *[i for i in range(ndim) if i != axis])


def arranged(x: Any, axes: Order) -> Any:
    """``x`` with its axes in that order."""
    return x if axes is None else transpose(x, axes(x.ndim))
