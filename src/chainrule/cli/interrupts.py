"""Ctrl-C while ``chainrule train`` works: it ends the training, and spares what comes after it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule.cli.console import note
from chainrule.train import Callback


class Interrupts(Callback):
    """What Ctrl-C does. As the first callback of a training it knows when that is over.

    Until then Ctrl-C raises KeyboardInterrupt, as anywhere. A first one after it is only noted in
    ``late``, so that the score and the files of the run are still made; a second one raises.
    """

    every_epoch = False

    def __init__(self) -> None:
        self.late = False
        self._is_over = False
        self._count = 0

    def on_start(self, training: Any) -> None:
        self._is_over = False
        if self.late:  # between two of several starts
            self.late = False
            raise KeyboardInterrupt

    def on_end(self, training: Any) -> None:
        self._is_over = True

    def pressed(self, number: int, _: object) -> None:
        """Ctrl-C was pressed: what a signal calls."""
        self._count += 1
        if not self._is_over or self._count > 1:
            raise KeyboardInterrupt
        self.late = True
        note(
            "Interrupted after the training: the network is still scored and saved. Ctrl-C again "
            "ends that too, and then nothing is kept."
        )


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Within, Ctrl-C does what :class:`Interrupts` says."""
    made = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield made  # Python lets only the main thread set what a signal does
        return
    before = signal.signal(signal.SIGINT, made.pressed)
    try:
        yield made
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)  # None: set by no Python
