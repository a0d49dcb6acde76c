"""Arrays on the device: put there once, and read by every call."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.engine.xla.runtime import jax_module
from chainrule.graph.op import Array

#: Where memory must begin for XLA to read it in its place, on a CPU.
ALIGNED = 64


def resident(array: Array) -> Any:
    """``array`` on JAX's default device.

    A CPU's device reads an array where it lies, if it begins at a multiple of 64 bytes; NumPy's
    begin 16 bytes after one. So those are copied to such a place, by NumPy: JAX's own copy takes
    three times as long.
    """
    jax = jax_module()
    if jax.default_backend() == "cpu" and array.ctypes.data % ALIGNED:
        array = aligned(array)
    return jax.device_put(array)


def aligned(array: Array) -> Array:
    """A copy that begins at a multiple of 64 bytes."""
    memory = np.empty(array.nbytes + ALIGNED, np.uint8)
    start = -memory.ctypes.data % ALIGNED
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
