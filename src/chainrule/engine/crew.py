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
from contextlib import contextmanager, suppress
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

Job = Callable[[], Any]


class Hand:
    """One thread of a crew: ``start`` hands it a job, ``wait`` waits until that is done.

    While it is not ``here``, the thread sleeps, and who waits for a job does it.
    """

    def __init__(self) -> None:
        self.here = True
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._left: Job | None = None
        self._failed: list[BaseException] = []

    def start(self, job: Job) -> None:
        """Begin a job."""
        if self.here:
            self._jobs.put(job)
        else:
            self._left = job

    def wait(self) -> None:
        """Return when the job is done."""
        if self.here:
            self._done.get()
        elif self._left is not None:
            self._left()

    def dismiss(self) -> None:
        """End the thread, when it has done what it has begun."""
        self._jobs.put(None)

    def work(self, cores: set[int]) -> None:
        """Do jobs, on these cores, until the hand is dismissed."""
        _keep_to(cores)
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
    """``threads`` threads, of which the caller is the first and ``hands`` are the others.

    While the hands are here, each thread keeps to cores of its own. Otherwise Linux often wakes a
    thread on the core of the one that woke it, and the two take turns there: an epoch of 784-100-10
    then took 0.165 s, and 0.105 s on a core each.
    """

    def __init__(self, threads: int) -> None:
        self.hands = [Hand() for _ in range(threads - 1)]
        self._all: set[int] = set()
        self._own: set[int] = set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The hands take jobs inside; outside there are no threads.

        After an interrupt, what they have begun is done before this returns.
        """
        self._all = _cores()
        self._own, *others = _divided(self._all, 1 + len(self.hands))
        team = [
            threading.Thread(target=hand.work, args=[cores], daemon=True)
            for hand, cores in zip(self.hands, others, strict=True)
        ]
        with one_blas_thread():
            for thread in team:
                thread.start()
            try:
                yield
            finally:
                _keep_to(self._all)
                for hand in self.hands:
                    hand.dismiss()
                for thread, hand in zip(team, self.hands, strict=True):
                    thread.join()
                    hand.forget()
        for hand in self.hands:
            hand.check()

    def set_here(self, here: bool) -> None:
        """Let the hands take jobs, or sleep while the caller does them, on any core."""
        for hand in self.hands:
            hand.here = here
        _keep_to(self._own if here else self._all)


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
    return len(_cores()) or os.cpu_count() or 1


def _cores() -> set[int]:
    """The cores that the calling thread may run on; none where the system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _divided(cores: set[int], count: int) -> list[set[int]]:
    """The cores of each of so many threads."""
    return [set(part.tolist()) for part in np.array_split(sorted(cores), count)]


def _keep_to(cores: set[int]) -> None:
    """Let the calling thread run on these cores only, where the system can be told."""
    if cores and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # forbidden here, or no longer our cores: it is only slower
            os.sched_setaffinity(0, cores)


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
