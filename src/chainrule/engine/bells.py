"""Bells: one thread waits for another, and hears it within a microsecond or two.

A thread that sleeps is woken in 20 to 50 µs on a virtual machine, and to wake it takes 10. So who
waits here reads a word of memory again and again: ``pthread_spin_lock`` of the C library does just
that, and ctypes lets go of Python's lock meanwhile. The word is a lock that is held from the
beginning; to ring is to unlock it, and who has waited holds it again.

Who hears the bell needs Python's lock, and if another thread has that, goes to sleep after all. So
:meth:`SpinningBell.call` stands back: it rings by a pass of NumPy that lets go of Python's lock,
whose first entry is the word, and whose others take until the thread that was called is at work.
An epoch on two cores takes 0.85 (784-100-10) to 0.94 (784-512-512-10) of the time with queues.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from queue import SimpleQueue
from typing import Any

import numpy as np

from chainrule.engine.memory import aligned

#: Seconds that a call stands back: who hears it takes Python's lock, finds its job and begins with
#: the first product or pass of that, which lets go of the lock again.
STAND_BACK = 4e-6

#: NumPy lets go of Python's lock for passes over more entries than 500; more than the highest
#: number would only take a long time.
LEAST_ENTRIES, MOST_ENTRIES = 512, 1 << 14


class SleepingBell:
    """One thread rings, another waits; it may have been rung before. By a queue: it runs anywhere.

    ``ring`` and ``call`` are the same here.
    """

    @staticmethod
    def starts(threads: int) -> list[float]:
        """Microseconds after which each thread begins: the others 10 to 40 after the caller."""
        return [0.0, *[30.0] * (threads - 1)]

    def __init__(self) -> None:
        rung = SimpleQueue[None]()
        self.wait: Callable[[], Any] = rung.get
        self.ring: Callable[[], Any] = partial(rung.put, None)
        self.call: Callable[[], Any] = self.ring


class SpinningBell:
    """One thread rings, another waits; it may have been rung before. By spinning: see above.

    ``ring`` is for a thread that lets go of Python's lock itself right afterwards, as one does that
    waits; ``call`` is for one that goes on computing.
    """

    @staticmethod
    def starts(threads: int) -> list[float]:
        """Microseconds after which each thread begins: the caller last, when it has called all."""
        each = 1e6 * STAND_BACK
        return [each * (threads - 1), *[each * before for before in range(threads - 1)]]

    def __init__(self) -> None:
        functions = _spin_lock()
        assert functions is not None
        begin, lock, unlock = functions
        entries = _entries()
        ones = np.ones(entries, np.int32)
        memory = aligned(ones.shape, ones.dtype)
        word = ctypes.c_void_p(memory.ctypes.data)
        begin(word, 0)
        unlocked = ones * memory[0]  # 1 or 0, by the C library
        lock(word)
        self.wait: Callable[[], Any] = partial(lock, word)
        self.ring: Callable[[], Any] = partial(unlock, word)
        # Division: of all passes it takes the most time for the least memory.
        self.call: Callable[[], Any] = partial(np.floor_divide, unlocked, ones, memory)


Bell = SleepingBell | SpinningBell


def kind() -> type[Bell]:
    """The bells of this machine; a new one has not been rung."""
    return SleepingBell if _spin_lock() is None else SpinningBell


@cache
def _spin_lock() -> tuple[Any, Any, Any] | None:
    """How to begin, lock and unlock a spin lock, on Linux, where that is a word of memory.

    Only while it waits is Python's lock let go.
    """
    if sys.platform != "linux":
        return None
    try:
        waiting, at_once = ctypes.CDLL(None), ctypes.PyDLL(None)
        return at_once.pthread_spin_init, waiting.pthread_spin_lock, at_once.pthread_spin_unlock
    except (AttributeError, OSError):
        return None


@cache
def _entries() -> int:
    """How many entries a division takes ``STAND_BACK`` seconds for."""
    ones, result, best = np.ones(1024, np.int32), np.empty(1024, np.int32), np.inf
    for _ in range(10):
        began = time.perf_counter()
        np.floor_divide(ones, ones, result)
        best = min(best, time.perf_counter() - began)
    return int(np.clip(len(ones) * STAND_BACK / best, LEAST_ENTRIES, MOST_ENTRIES))
