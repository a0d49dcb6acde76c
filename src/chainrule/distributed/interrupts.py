"""Ctrl-C while JAX is at work: it waits for the end, because Python would lose it within.

By itself, Python raises KeyboardInterrupt wherever the program happens to be. Where that is a call
whose errors nobody sees, such as the one by which JAX takes part in every garbage collection, the
interrupt is printed and forgotten, and the program goes on; in the middle of an import, it leaves
half a module behind.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

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
