"""Ctrl-C in programs that use JAX, where Python by itself would lose it.

By itself, Python raises KeyboardInterrupt wherever the program happens to be. Where that is a call
whose errors nobody sees, such as the one by which JAX takes part in every garbage collection, the
interrupt is printed and forgotten, and the program goes on; in the middle of an import, it leaves
half a module behind. So while JAX is at work Ctrl-C waits for the end of that, and elsewhere for
the end of a garbage collection.
"""

from __future__ import annotations

import _thread
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: Seconds after which Ctrl-C comes again that came in a garbage collection.
AGAIN_SECONDS = 0.01

Handler = Callable[[int, FrameType | None], Any]


class _Held:
    """Notes Ctrl-C for later."""

    def __init__(self, former: Handler, second_breaks: bool) -> None:
        self.former, self.second_breaks = former, second_breaks
        self.came: list[tuple[int, FrameType | None]] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came.append((number, frame))
        if self.second_breaks and len(self.came) > 1:
            self.former(number, frame)


@contextmanager
def interrupts_held(second_breaks: bool = True) -> Iterator[None]:
    """Within, Ctrl-C waits until the end, and then does what it would have done before.

    In another than the main thread, which signals never reach, and where the system handles Ctrl-C
    and not Python, nothing is changed.

    Args:
        second_breaks: whether a second Ctrl-C does not wait. Where the end comes soon, and breaking
            would lose what was learnt, it waits as well.
    """
    former = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    is_held_already = isinstance(former, _Held) and second_breaks
    if not is_main or is_held_already or not callable(former):
        yield
        return
    held = _Held(former, second_breaks)
    signal.signal(signal.SIGINT, held)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if held.came:
        former(*held.came[0])


@contextmanager
def interrupts_heard() -> Iterator[None]:
    """Within, Ctrl-C raises KeyboardInterrupt as ever, but never in a garbage collection.

    Nothing is changed in another than the main thread, or where the program has a handler of its
    own.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _raise_where_heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _raise_where_heard(number: int, frame: FrameType | None) -> None:
    callbacks = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        if frame.f_code in callbacks:
            again = threading.Timer(AGAIN_SECONDS, _interrupt_main)
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _interrupt_main() -> None:
    """Ctrl-C for the main thread, also while it waits."""
    ident = threading.main_thread().ident
    if sys.platform == "win32" or ident is None:
        _thread.interrupt_main()
    else:
        signal.pthread_kill(ident, signal.SIGINT)
