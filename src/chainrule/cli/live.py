"""What moves on a terminal: bars, and the line that says what is being done while one waits.

Both are on stderr, need Rich, and are nowhere but on a terminal. The line is for work of which
nobody knows beforehand whether it takes a moment or a minute, as reading a table: it appears only
when the work takes long, and leaves nothing behind.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from chainrule.distributed import is_first
from chainrule.errors import optional_package

if TYPE_CHECKING:
    from chainrule.data import Table

#: After which the line appears. In less, a small table is read and scikit-learn is loaded.
SECONDS = 2.0
#: How often a second the line is drawn: rarely, as it takes time from the work.
DRAWN = 4


def rich_on(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that can redraw lines, and Rich is there to do it."""
    able = stream.isatty() and os.environ.get("TERM") != "dumb"
    return able and importlib.util.find_spec("rich") is not None


def progress_bar(*fields: str, **options: Any) -> Any:
    """Rich's bar on stderr: what is done, how far it is, the texts of ``fields``, the time left.

    ``options`` are further ones of ``rich.progress.Progress``.
    """
    parts = optional_package("rich.progress", "cli", "A progress bar")
    console = optional_package("rich.console", "cli", "A progress bar").Console(stderr=True)
    return parts.Progress(
        parts.TextColumn("{task.description}", markup=False),
        parts.BarColumn(bar_width=10, finished_style="green"),
        *[parts.TextColumn(f"{{task.fields[{name}]}}") for name in fields],
        parts.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
        **options,
    )


class Wait:
    """Some work that may take long, and how far it is: ``done`` of ``total`` rows, if it is known.

    Made by ``waiting``; one without a line shows nothing.
    """

    def __init__(self, doing: str = "", total: int | None = None, line: _Line | None = None):
        self.doing, self.done, self.total = doing, 0, total
        self._line = line

    @property
    def is_silent(self) -> bool:
        """Whether nothing will be shown, however long it takes."""
        return self._line is None

    def add(self, rows: int) -> None:
        """So many more rows are done."""
        self.done += rows
        if self._line is not None:
            self._line.update(self)

    def rows(self, batches: Iterable[Table], expected: Callable[[], int | None]) -> Iterator[Table]:
        """The batches themselves, whose rows count as done when they come.

        ``expected`` says how many rows there will be, about, or None. As it may have to look at the
        whole file, it is asked only when the line has appeared.
        """
        self.done = 0
        for table in batches:
            if self.total is None and self._line is not None and self._line.is_shown:
                self.total = expected()
            self.add(len(table))
            yield table


class _Line:
    """The line at the bottom of the terminal; of works within works it shows the innermost."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []
        self._bar: Any = None
        self._task: Any = None
        self._is_over = False
        # Of the same thread more than once: what a signal calls may make a note anywhere.
        self._lock = threading.RLock()
        self._timer = threading.Timer(SECONDS, self._appear)

    @property
    def is_shown(self) -> bool:
        return self._bar is not None

    def begin(self, wait: Wait) -> None:
        with self._lock:
            self._waits.append(wait)
            if len(self._waits) == 1:
                self._timer.start()
            self._renew()

    def end(self, wait: Wait) -> None:
        with self._lock:
            self._waits = [other for other in self._waits if other is not wait]
            self._renew()

    def close(self) -> None:
        """Take the line away, and give the cursor back."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._bar is not None:
                self._bar.stop()

    def update(self, wait: Wait) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.update(self._task, completed=wait.done, total=wait.total, rows=_far(wait))

    def note(self, text: str) -> bool:
        """Print a text above the line, if that is shown; returns whether it is."""
        with self._lock:
            if self._bar is None or self._is_over:
                return False
            made = optional_package("rich.text", "cli", "A note").Text(text)
            self._bar.console.print(made, soft_wrap=True)
            return True

    def _appear(self) -> None:
        """What the timer calls, in its own thread."""
        # What goes to stdout meanwhile is a result, and must not be led to stderr.
        bar = progress_bar("rows", transient=True, redirect_stdout=False, refresh_per_second=DRAWN)
        with self._lock:
            if not self._is_over:
                self._bar = bar
                bar.start()
                self._renew()

    def _renew(self) -> None:
        """Show the innermost work from its beginning on."""
        if self._bar is None:
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        if self._waits:
            wait = self._waits[-1]
            self._task = self._bar.add_task(
                wait.doing, total=wait.total, completed=wait.done, rows=_far(wait)
            )


def _far(wait: Wait) -> str:
    return f"{wait.done:,} rows" if wait.done else ""


_line: _Line | None = None


@contextmanager
def waiting(doing: str, total: int | None = None) -> Iterator[Wait]:
    """Within, a terminal shows what is being done, if it takes longer than two seconds.

    Of several, one within another, the innermost is shown, and the time is that of the outermost.
    In a group, process 0 shows it.

    Args:
        doing: what is being done, such as "reading houses.csv".
        total: how many rows that takes, if it is known.
    """
    global _line
    if not (is_first() and rich_on(sys.stderr)):
        yield Wait(doing, total)
        return
    outer = _line
    line = outer or _Line()
    wait = Wait(doing, total, line)
    try:
        _line = line
        line.begin(wait)
        yield wait
    finally:
        # Whatever happens in between: else the cursor would stay hidden.
        if outer is None:
            _line = None
            line.close()
        else:
            line.end(wait)


def noted(text: str) -> bool:
    """Print a text above the line, if one is shown; returns whether it is."""
    return _line is not None and _line.note(text)
