"""Is every number finite? Asked of all data before a training, and of parameters after a pass."""

from __future__ import annotations

import math
from threading import Thread

import numpy as np

from chainrule.engine.crew import cores
from chainrule.graph.op import Array

#: Entries up to which looking at each one is as quick as anything, and from which on a second
#: thread pays (188 MB: 2.5 ms with it, 4.4 without).
FEW, MANY = 16_384, 4_000_000


def all_finite(*arrays: Array) -> bool:
    """Whether no entry is NaN or infinite; whole numbers never are."""
    return all(array.dtype.kind != "f" or _is_finite(array) for array in arrays)


def _is_finite(array: Array) -> bool:
    if array.size > FEW and array.flags.c_contiguous and array.dtype.itemsize >= 4:
        flat = array.reshape(-1)
        if _sums_up(flat) if flat.size < MANY or cores() == 1 else _both_sum_up(flat):
            return True
    return int(np.count_nonzero(np.isfinite(array))) == array.size


def _sums_up(flat: Array) -> bool:
    """Whether Σ xᵢ xᵢ₊ₙ is finite, over both halves of the entries: then every entry is.

    One pass that writes nothing and reads at two places at once: it takes half of the time of
    looking at each entry, of which there may be millions.
    """
    half = (flat.size + 1) // 2
    with np.errstate(all="ignore"):
        return math.isfinite(flat[:half].dot(flat[-half:]))


def _both_sum_up(flat: Array) -> bool:
    """The same of the first and of the last half of the entries, at the same time."""
    half, found = flat.size // 2, list[bool]()
    beside = Thread(target=lambda: found.append(_sums_up(flat[half:])))
    beside.start()
    found.append(_sums_up(flat[:half]))
    beside.join()
    return found == [True, True]
