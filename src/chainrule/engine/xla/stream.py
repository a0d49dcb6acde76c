"""Data larger than the device: read in chunks, the next one while the last one is computed with.

At any time there are two chunks on the device at most. A chunk is a run of neighbouring rows, so a
file on disk that is mapped into memory is read in long stretches, never row by row.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.engine.memory import aligned
from chainrule.engine.xla.runtime import all_dtypes, jax_module
from chainrule.graph.op import Array

if TYPE_CHECKING:
    from concurrent.futures import Future


class Stream:
    """Chunks of ``data``: rows from one of ``bounds`` to the next.

    The host's memory for two chunks is taken once, and used in turn: a CPU's device computes with
    the rows where they lie in it.
    """

    def __init__(self, data: Mapping[str, Array], bounds: Sequence[int]) -> None:
        self._data, self._bounds = dict(data), tuple(bounds)
        most = bounds[1] - bounds[0]
        self._places = [
            {name: aligned((most, *a.shape[1:]), a.dtype) for name, a in data.items()}
            for _ in range(2)
        ]
        self._now: tuple[int, dict[str, Any]] | None = None
        self._coming: tuple[int, Future[dict[str, Any]]] | None = None

    def get(self, chunk: int, following: int | None) -> dict[str, Any]:
        """A chunk on the device; ``following`` is read meanwhile, to be there when asked for.

        The chunk before it is gone: all that was asked of it must be computed.
        """
        if self._now is None or self._now[0] != chunk:
            if self._coming is None or self._coming[0] != chunk:
                self._read_ahead(chunk)
            assert self._coming is not None
            came = self._coming[1].result()
            _delete(self._now)
            self._now, self._coming = (chunk, came), None
            self._places.reverse()  # the other place is free now
        if following is not None and self._coming is None and following != chunk:
            self._read_ahead(following)
        return self._now[1]

    def _read_ahead(self, chunk: int) -> None:
        if self._coming is not None:  # it was read in vain
            _delete((0, self._coming[1].result()))
        from concurrent.futures import ThreadPoolExecutor  # 5 ms, which few trainings need

        reader = ThreadPoolExecutor(1, "chainrule-reader")
        self._coming = chunk, reader.submit(self._read, chunk)
        reader.shutdown(wait=False)  # the thread ends with its work

    def _read(self, chunk: int) -> dict[str, Any]:
        start, stop = self._bounds[chunk : chunk + 2]
        found = {}
        with all_dtypes():
            for name, array in self._data.items():
                rows = self._places[0][name][: stop - start]
                rows[...] = array[start:stop]
                _leave(array)
                found[name] = jax_module().device_put(rows).block_until_ready()
        return found


def _delete(chunk: tuple[int, dict[str, Any]] | None) -> None:
    """Free a chunk on the device, all of whose steps are made."""
    for array in chunk[1].values() if chunk is not None else ():
        array.delete()


def _leave(array: Array) -> None:
    """What has been read of a mapped file need not stay in memory."""
    file = _mapped(array)
    if file is not None and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def _mapped(array: Array) -> mmap.mmap | None:
    """The mapped file that an array lies in, if it does."""
    behind: Any = array
    while isinstance(behind, np.ndarray):
        behind = behind.base
    return behind if isinstance(behind, mmap.mmap) else None


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


def device_memory(data: Mapping[str, Array]) -> float:
    """The bytes that data may take if nobody says how many: half the device's memory.

    A CPU's device reads arrays in memory where they are: only files are too large for it.
    """
    jax = jax_module()
    if jax.default_backend() == "cpu":
        in_file = any(_mapped(array) is not None for array in data.values())
        return _host_memory() / 2 if in_file else math.inf
    stats = jax.local_devices()[0].memory_stats() or {}
    return float(stats.get("bytes_limit", np.inf)) / 2


def _host_memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return float("inf")
