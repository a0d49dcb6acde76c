"""The crew: threads that work beside the main one, for as long as a loop of steps runs.

NumPy lets go of Python's lock inside a product or a long pass, so two threads really work at the
same time. Handing a job over and waiting for it costs about 6 µs. BLAS is held to one thread
meanwhile.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.distributed import interrupts_held
from chainrule.engine import bells, blas

Job = Callable[[], Any]

#: "max 100000", or how many microseconds of each so many.
CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


class Post:
    """Where a hand and its thread meet: the bells, the job, and what it raised."""

    def __init__(self) -> None:
        bell = bells.kind()
        self.go, self.done = bell(), bell()
        self.job: Job | None = None
        self.error: BaseException | None = None


class Hand:
    """One thread of a crew: ``start`` hands it a job, ``wait`` waits until that is done.

    While it is not ``here`` there is no thread, and who waits for a job does it. Either way
    ``wait`` raises what the job raised.
    """

    def __init__(self) -> None:
        self.here = False
        self._thread = threading.Thread()
        self._post: Post | None = None
        self._left: Job | None = None

    def come(self, cores: set[int]) -> None:
        """Begin to take jobs, on these cores."""
        # A new one each time: after an interrupt, a thread may still be at the old one.
        self._post = Post()
        self._thread = threading.Thread(target=_work, args=(self._post, cores), daemon=True)
        self._thread.start()
        self.here = True

    def start(self, job: Job) -> None:
        """Begin a job."""
        if self.here:
            assert self._post is not None
            self._post.job = job
            self._post.go.call()
        else:
            self._left = job

    def wait(self) -> None:
        """Return when the job is done."""
        if self.here:
            assert self._post is not None
            self._post.done.wait()
            if self._post.error is not None:
                raise self._post.error
        elif self._left is not None:
            self._left()

    def dismiss(self) -> None:
        """End the thread, when it has done what it has begun, or even before it has begun."""
        self.here = False
        if self._post is not None:
            self._post.job = None
            self._post.go.ring()

    def leave(self) -> None:
        """Return when the thread has ended."""
        if self._thread.is_alive():
            self._thread.join()


def _work(post: Post, cores: set[int]) -> None:
    """What a hand's thread does: jobs, on these cores, until it is dismissed."""
    try:
        _keep_to(cores)
        with np.errstate(all="ignore"):
            while True:
                post.go.wait()
                job = post.job
                if job is None:
                    return
                job()
                post.done.ring()
    except BaseException as error:  # raised by ``wait``, for which nothing else could end
        post.error = error
        post.done.ring()


class Crew:
    """``threads`` threads, of which the caller is the first and ``hands`` are the others.

    While the hands are here, each thread keeps to cores of its own, and waits there without
    sleeping. Threads that sleep Linux often wakes on the core of the one that woke them, and the
    two take turns there: an epoch of 784-100-10 took 0.165 s so, and 0.105 s on a core each.
    """

    def __init__(self, threads: int) -> None:
        self.hands = [Hand() for _ in range(threads - 1)]
        self._cores: set[int] = set()
        self._are_here = False

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
                self._cores = _cores()
            yield
        finally:
            try:
                with interrupts_held(second_breaks=False):
                    undo.close()
            finally:
                undo.close()  # Ctrl-C may have come just before it was held

    def set_here(self, here: bool) -> None:
        """Let the hands take jobs, or the caller do them all, on any core."""
        if here != self._are_here:
            with interrupts_held(second_breaks=False):
                self._come() if here else self._end()

    def _come(self) -> None:
        self._are_here = True
        own, *others = _divided(self._cores, 1 + len(self.hands))
        for hand, cores in zip(self.hands, others, strict=True):
            hand.come(cores)
        _keep_to(own)

    def _end(self) -> None:
        if not self._are_here:
            return
        for hand in self.hands:
            hand.dismiss()
        _keep_to(self._cores)
        for hand in self.hands:
            hand.leave()
        self._are_here = False


def threads() -> int:
    """How many threads a step may use: those that BLAS would, on the cores that are ours.

    The same, and so the same bits, whether or not another training holds BLAS back meanwhile.
    1 where threadpoolctl is not installed, since then BLAS cannot be told to stand back.
    """
    counts = blas.counts() if cores() > 1 else None
    return min(cores(), *counts) if counts else 1


def cores() -> int:
    """The cores that this process may run on, or the share of them that a container has."""
    return min(len(_cores()) or os.cpu_count() or 1, _quota())


@cache
def _quota() -> int:
    """The cores' worth of time that Linux gives to this process's group (cgroup v2)."""
    try:
        limit, period = CPU_MAX.read_text(encoding="ascii").split()
        return max(1, int(limit) // int(period))
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return sys.maxsize


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
