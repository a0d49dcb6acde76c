"""Folders that must not outlive a group: who removes them, however it ends.

Whoever made a folder, or reads in it, keeps it here. It is removed by its ``with``; where a process
ends without coming to that (another one is lost, the launcher is gone, SIGTERM), by what ends it;
and where it is killed, by the launcher, which is told of each folder when it is made, or by another
process that reads in it. Only if all of them are killed at one moment does a folder stay.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The file in the folder for reports that names what the launcher is to remove, a line each.
_TOLD = "leftovers"

_kept: set[Path] = set()


@contextmanager
def removed_afterwards(folder: Path, reports: Path | None) -> Iterator[None]:
    """Within, a folder is there for a group; then it is gone, however this process ends.

    ``reports`` is the launcher's folder for reports, if it started this process.
    """
    if reports is not None:
        with (reports / _TOLD).open("a", encoding="utf-8") as file:
            file.write(f"{folder.absolute()}\n")
    with removed_if_this_fails(folder):
        yield
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def removed_if_this_fails(folder: Path) -> Iterator[None]:
    """Within, whatever ends this process removes the folder, of which others may need no more."""
    _kept.add(folder)
    try:
        with _sigterm_removes():
            yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        _kept.discard(folder)


def remove_leftovers(reports: Path | None = None) -> None:
    """Remove what is kept here, or what processes have told the launcher of."""
    folders = set(_kept)
    if reports is not None and (reports / _TOLD).exists():
        told = (reports / _TOLD).read_text(encoding="utf-8")
        folders |= {Path(line) for line in told.splitlines()}
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _sigterm_removes() -> Iterator[None]:
    """Let SIGTERM end the process as ever, but remove first."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield  # who handles it in a way of their own raises, and the `with` removes
        return

    def end(number: int, _: object) -> None:
        remove_leftovers()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
