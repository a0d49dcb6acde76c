"""The crew: threads that work beside the main one, for as long as a loop of steps runs.

NumPy lets go of Python's lock inside a product or a long pass, so two threads really work at the
same time. Handing a job over and waiting for it costs 5 to 15 µs, or up to 60 on a virtual machine
whose idle cores are given back. BLAS has threads of its own, but they would be in the way: they
wait for the next product by spinning, on the very core that the pass in between could use, and they
divide small products badly (128 x 784 x 512: 0.71 of the time of one thread, here 0.58; 1024 x 256
x 256: 0.55 either way). So BLAS is held to one thread meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

from chainrule.distributed import interrupts_held

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
                undo.enter_context(one_blas_thread())
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
    if cores() == 1 or _controller() is None:
        return 1
    counts = _blas.threads()
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


@contextmanager
def _in_control() -> Iterator[None]:
    """Inside, this thread may set the threads of BLAS, and afterwards any other may.

    Since 3.8, threadpoolctl obeys the first thread that sets them and silently ignores others,
    although here one training's thread may hold BLAS back and another's let it go.
    """
    _no_thread_controls()
    try:
        yield
    finally:
        _no_thread_controls()


def _no_thread_controls() -> None:
    for library in _controller().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


class _Blas:
    """The threads of BLAS, which several trainings in threads of one program may hold back.

    The first in does it, and the last out lets them go.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._holders = 0
        self._limit: Any = None
        self._before: list[int] = []

    def threads(self) -> list[int]:
        """How many each library has, or had before it was held back."""
        with self._turn:
            return self._before if self._holders else self._now()

    @contextmanager
    def on_one_thread(self) -> Iterator[None]:
        with self._turn:
            if not self._holders:
                self._before = self._now()
                with _in_control():
                    self._limit = _controller().limit(limits=1, user_api="blas")
            self._holders += 1
        try:
            yield
        finally:
            with self._turn:
                self._holders -= 1
                if not self._holders:
                    with _in_control():
                        self._limit.restore_original_limits()

    def _now(self) -> list[int]:
        libraries = _controller().lib_controllers
        return [lib.num_threads for lib in libraries if lib.user_api == "blas"]


_blas = _Blas()


def one_blas_thread() -> AbstractContextManager[None]:
    """BLAS works on one thread inside."""
    return _blas.on_one_thread()
