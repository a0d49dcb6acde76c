"""Data larger than the device: read in chunks, the next one while the last one is computed with.

At any time there are two chunks on the device at most. A chunk is a run of neighbouring rows, so a
file on disk that is mapped into memory is read in long stretches, never row by row.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from chainrule.engine.xla.resident import ALIGNED
from chainrule.engine.xla.runtime import all_dtypes, jax_module
from chainrule.graph.op import Array


class Stream:
    """Chunks of ``data``: rows from one of ``bounds`` to the next."""

    def __init__(self, data: Mapping[str, Array], bounds: Sequence[int]) -> None:
        self._data, self._bounds = dict(data), tuple(bounds)
        self._now: tuple[int, dict[str, Any]] | None = None
        self._coming: tuple[int, Future[dict[str, Any]]] | None = None

    def get(self, chunk: int, following: int | None) -> dict[str, Any]:
        """A chunk on the device; ``following`` is read meanwhile, to be there when asked for."""
        if self._now is None or self._now[0] != chunk:
            self._now = None  # its memory is free before the one after the next is read
            if self._coming is None or self._coming[0] != chunk:
                self._read_ahead(chunk)
            assert self._coming is not None
            self._now, self._coming = (chunk, self._coming[1].result()), None
        if following is not None and self._coming is None and following != chunk:
            self._read_ahead(following)
        return self._now[1]

    def _read_ahead(self, chunk: int) -> None:
        if self._coming is not None:
            self._coming[1].result()  # there may be no third one
        reader = ThreadPoolExecutor(1, "chainrule-reader")
        self._coming = chunk, reader.submit(self._read, chunk)
        reader.shutdown(wait=False)  # the thread ends with its work

    def _read(self, chunk: int) -> dict[str, Any]:
        start, stop = self._bounds[chunk : chunk + 2]
        with all_dtypes():
            return {
                name: jax_module().device_put(_copied(array[start:stop]))
                for name, array in self._data.items()
            }


def _copied(rows: Array) -> Array:
    """The rows, where a CPU can use them; those of a mapped file need not stay in memory then."""
    memory = np.empty(rows.nbytes + ALIGNED, np.uint8)
    start = -memory.ctypes.data % ALIGNED
    copy: Array = memory[start : start + rows.nbytes].view(rows.dtype).reshape(rows.shape)
    copy[...] = rows
    behind: Any = rows
    while isinstance(behind, np.ndarray):
        behind = behind.base
    if isinstance(behind, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        behind.madvise(mmap.MADV_DONTNEED)
    return copy


def chunk_bounds(rows: int, batch: int, row_bytes: int, limit: float) -> list[int]:
    """Where chunks begin and the last one ends: full batches, two chunks within ``limit`` bytes.

    All rows are one chunk if they fit. Otherwise chunks are equal, but for the last one; an empty
    list says that not even two batches fit.
    """
    if rows * row_bytes <= limit:
        return [0, rows]
    batches = int(limit / 2 / row_bytes) // batch
    if batches == 0:
        return []
    return [*range(0, rows, batches * batch), rows]


def device_memory() -> float:
    """The bytes that data may take if nobody says how many: half the device's memory."""
    jax = jax_module()
    if jax.default_backend() == "cpu":
        return _host_memory() / 2
    stats = jax.local_devices()[0].memory_stats() or {}
    return float(stats.get("bytes_limit", np.inf)) / 2


def _host_memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return float("inf")
