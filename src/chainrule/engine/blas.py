"""BLAS's threads: how many there are, and how they stand back while the crew works.

BLAS has threads of its own, but they would be in the crew's way: they wait for the next product by
spinning, on the very core that the pass in between could use, and they divide small products badly
(128 x 784 x 512: 0.71 of the time of one thread, the crew 0.58; 1024 x 256 x 256: 0.55 either way).
So BLAS is held to one thread meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any


def counts() -> list[int] | None:
    """How many threads each BLAS has, or had before it was held back; None if that is unknown.

    It is where threadpoolctl is not installed, and BLAS cannot be told to stand back then.
    """
    return None if _controller() is None else _blas.threads()


def on_one_thread() -> AbstractContextManager[None]:
    """BLAS works on one thread inside."""
    return _blas.on_one_thread()


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
