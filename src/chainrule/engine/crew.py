"""The crew: threads that work beside the main one, for as long as a loop of steps runs.

NumPy lets go of Python's lock inside a product or a long pass, so two threads really work at the
same time. Handing a job over and waiting for it costs 5 to 15 µs. BLAS has threads of its own, but
they would be in the way: they wait for the next product by spinning, on the very core that the pass
in between could use, and they divide small products badly (128 x 784 x 512: 0.71 of the time of one
thread, here 0.58; 1024 x 256 x 256: 0.55 either way). So BLAS is held to one thread meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

Job = Callable[[], Any]


class Hand:
    """One thread of a crew: ``start`` hands it a job, ``wait`` waits until that is done."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._failed: list[BaseException] = []
        self.start: Callable[[Job], None] = self._jobs.put
        self.wait: Callable[[], None] = self._done.get

    def work(self) -> None:
        """Do jobs until there is none."""
        with np.errstate(all="ignore"):
            while (job := self._jobs.get()) is not None:
                try:
                    job()
                except BaseException as error:  # told by the main thread, in ``check``
                    self._failed.append(error)
                self._done.put(None)

    def check(self) -> None:
        """Raise what a job raised."""
        if self._failed:
            raise self._failed.pop()

    def forget(self) -> None:
        """Drop what nobody waited for, after an interrupt."""
        while not self._done.empty():
            self._done.get()


class Crew:
    """``threads`` threads, of which the caller is the first and ``hands`` are the others."""

    def __init__(self, threads: int) -> None:
        self.hands = [Hand() for _ in range(threads - 1)]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The hands take jobs inside; outside there are no threads.

        After an interrupt, what they have begun is done before this returns.
        """
        team = [threading.Thread(target=hand.work, daemon=True) for hand in self.hands]
        with one_blas_thread():
            for thread in team:
                thread.start()
            try:
                yield
            finally:
                for hand in self.hands:
                    hand.start(None)  # type: ignore[arg-type]
                for thread, hand in zip(team, self.hands, strict=True):
                    thread.join()
                    hand.forget()
        for hand in self.hands:
            hand.check()


def threads() -> int:
    """How many threads a step may use: those that BLAS would, on the cores that are ours.

    1 where threadpoolctl is not installed, since then BLAS cannot be told to stand back.
    """
    if cores() == 1:
        return 1
    controller = _controller()
    if controller is None:
        return 1
    counts = [lib.num_threads for lib in controller.lib_controllers if lib.user_api == "blas"]
    return min(cores(), *counts) if counts else 1


def cores() -> int:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _controller() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


# Two trainings in two threads of a program: the first in holds BLAS back, the last out lets it go.
_turn = threading.Lock()
_holding: list[Any] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS works on one thread inside."""
    with _turn:
        limit = _controller().limit(limits=1, user_api="blas") if not _holding else None
        _holding.append(limit)
    try:
        yield
    finally:
        with _turn:
            first = _holding.pop(0)
            if _holding:
                _holding[0] = first
            elif first is not None:
                first.restore_original_limits()
