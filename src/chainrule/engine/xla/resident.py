"""Rows on the device: put there once, and gathered there, batch after batch.

On a CPU the device's memory is the host's, and XLA could read an array where it lies, if only it
began at a multiple of 64 bytes; NumPy's large arrays begin 16 bytes after one. So what is handed
over is the array from its first such place on, as one long row of numbers, and the first row
beside it. Nothing is copied (MNIST: 14 ms, and 188 MB), and gathering by slices of the long row is
no slower than by rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.engine.memory import ALIGNMENT
from chainrule.engine.xla.runtime import jax_module
from chainrule.graph.op import Array

#: Smaller arrays are copied, whatever their place: that takes some microseconds.
LEAST_BYTES = 1 << 20


def resident(array: Array) -> Any:
    """The rows of ``array`` on JAX's default device, as ``gathered`` takes them."""
    jax = jax_module()
    skipped = _skipped(array) if jax.default_backend() == "cpu" else None
    if skipped is None:
        return jax.device_put(array)
    # The copy of the first row is made by JAX: its place is of no matter.
    return jax.device_put(array.reshape(-1)[skipped:]), jax.numpy.array(array[0])


def gathered(held: Any, places: Any, rows: int) -> Any:
    """Those of the ``rows`` that are at ``places``."""
    if not isinstance(held, tuple):
        return held[places]
    jax = jax_module()
    jnp, lax = jax.numpy, jax.lax
    flat, first = held
    skipped = rows * first.size - flat.size
    starts = jnp.maximum(places.astype(_index(rows * first.size)) * first.size - skipped, 0)
    by_slices = lax.GatherDimensionNumbers(
        offset_dims=(1,), collapsed_slice_dims=(), start_index_map=(0,)
    )
    sure = lax.GatherScatterMode.PROMISE_IN_BOUNDS
    found = lax.gather(flat, starts[:, None], by_slices, (first.size,), mode=sure)
    if skipped:
        found = jnp.where(places[:, None] == 0, first.reshape(-1), found)
    return found.reshape(-1, *first.shape)


def _skipped(array: Array) -> int | None:
    """The entries before the first one that is well placed; None if the array must be copied."""
    if array.nbytes < LEAST_BYTES or not array.flags.c_contiguous:
        return None
    entries, rest = divmod(-array.ctypes.data % ALIGNMENT, array.itemsize)
    return None if rest or entries > math.prod(array.shape[1:]) else entries


def _index(size: int) -> type[np.signedinteger[Any]]:
    return np.int32 if size < 2**31 else np.int64
