"""The crew: threads that work beside the main one, for as long as a loop of steps runs.

NumPy lets go of Python's lock inside a product or a long pass, so two threads really work at the
same time. Handing a job over and waiting for it costs 5 to 15 µs, or up to 60 on a virtual machine
whose idle cores are given back. BLAS is held to one thread meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import SimpleQueue
from typing import Any

import numpy as np

from chainrule.distributed import interrupts_held
from chainrule.engine import blas

Job = Callable[[], Any]


class Hand:
    """One thread of a crew: ``start`` hands it a job, ``wait`` waits until that is done.

    While it is not ``here``, who waits for a job does it, and there need be no thread. Either way
    ``wait`` raises what the job raised.
    """

    def __init__(self) -> None:
        self.here = False
        self._thread = threading.Thread()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._left: Job | None = None

    def come(self, cores: set[int]) -> None:
        """Begin to take jobs, on these cores."""
        # New queues: after an interrupt there may be jobs in the old ones, and who takes them.
        self._jobs, self._done = SimpleQueue(), SimpleQueue()
        given = (self._jobs, self._done, cores)
        self._thread = threading.Thread(target=_work, args=given, daemon=True)
        self._thread.start()

    def start(self, job: Job) -> None:
        """Begin a job."""
        if self.here:
            self._jobs.put(job)
        else:
            self._left = job

    def wait(self) -> None:
        """Return when the job is done."""
        if self.here:
            error = self._done.get()
            if error is not None:
                raise error
        elif self._left is not None:
            self._left()

    def dismiss(self) -> None:
        """End the thread, when it has done what it has begun."""
        self._jobs.put(None)

    def leave(self) -> None:
        """Return when the thread has ended."""
        if self._thread.is_alive():  # an interrupt may have come before it had begun
            self._thread.join()


def _work(
    jobs: SimpleQueue[Job | None], done: SimpleQueue[BaseException | None], cores: set[int]
) -> None:
    """What a hand's thread does: jobs, on these cores, until it is dismissed."""
    _keep_to(cores)
    with np.errstate(all="ignore"):
        while (job := jobs.get()) is not None:
            try:
                job()
                done.put(None)
            except BaseException as error:  # raised by ``wait``
                done.put(error)


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
        self._have_come = False

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The hands may be called here inside; outside there are no threads.

        After an interrupt, what they have begun is done before this returns.
        """
        undo = ExitStack()
        try:
            with interrupts_held(second_breaks=False):
                undo.enter_context(blas.on_one_thread())
                undo.callback(self._end)
                self._all = _cores()
            yield
        finally:
            try:
                with interrupts_held(second_breaks=False):
                    undo.close()
            finally:
                undo.close()  # Ctrl-C may have come just before it was held

    def set_here(self, here: bool) -> None:
        """Let the hands take jobs, or the caller do them all, on any core."""
        # Not before they are needed: on cores that are busy, a thread begins and ends in some ms.
        if here and not self._have_come:
            with interrupts_held(second_breaks=False):
                self._come()
        for hand in self.hands:
            hand.here = here
        _keep_to(self._own if here else self._all)

    def _come(self) -> None:
        self._have_come = True
        self._own, *others = _divided(self._all, 1 + len(self.hands))
        for hand, cores in zip(self.hands, others, strict=True):
            hand.come(cores)

    def _end(self) -> None:
        _keep_to(self._all)
        if not self._have_come:
            return
        self._have_come = False
        for hand in self.hands:
            hand.here = False
            hand.dismiss()
        for hand in self.hands:
            hand.leave()


def threads() -> int:
    """How many threads a step may use: those that BLAS would, on the cores that are ours.

    The same, and so the same bits, whether or not another training holds BLAS back meanwhile.
    1 where threadpoolctl is not installed, since then BLAS cannot be told to stand back.
    """
    counts = blas.counts() if cores() > 1 else None
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
