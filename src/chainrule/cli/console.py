"""What is seen in the terminal: notes, tables and the live line; plain text where Rich is missing.

Results go to stdout. Progress and notes go to stderr, so that a pipe gets results alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from chainrule.cli.live import noted, progress_bar, rich_on
from chainrule.distributed import is_first
from chainrule.errors import optional_package
from chainrule.train import Callback, Progress


def note(text: str) -> None:
    """A remark to the person at the terminal; of a group, process 0 makes it."""
    if is_first() and not noted(text):
        click.echo(text, err=True)


def show_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """A table on stdout; columns named in ``right`` are aligned to the right."""
    if rich_on(sys.stdout):
        table = optional_package("rich.table", "cli", "A table")
        box = optional_package("rich.box", "cli", "A table")
        made = table.Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in head:
            made.add_column(name, justify="right" if name in right else "left")
        for row in rows:
            # Text, because [brackets] in a name would be read as Rich's markup.
            made.add_row(*[optional_package("rich.text", "cli", "A table").Text(v) for v in row])
        optional_package("rich.console", "cli", "A table").Console().print(made)
        return
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for row in [head, ["─" * width for width in widths], *rows]:
        cells = [
            value.rjust(width) if name in right else value.ljust(width)
            for name, value, width in zip(head, row, widths, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def show_facts(facts: Mapping[str, str]) -> None:
    """Lines of a name and what is to be said of it, on stdout."""
    width = max(map(len, facts), default=0)
    for name, text in facts.items():
        click.echo(f"{name:<{width}}  {text}")


@contextmanager
def live_line() -> Iterator[Callback]:
    """A callback that shows how training goes: a bar on a terminal, else a line now and then."""
    if not rich_on(sys.stderr):
        yield Progress()
        return
    bar = progress_bar("scores", "speed")
    # A context, so that the cursor comes back whatever happens in between.
    with bar:
        yield _Bar(bar)


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done: one line on a terminal, elsewhere nothing."""
    if not rich_on(sys.stderr):
        yield lambda line: None
        return
    console = optional_package("rich.console", "cli", "A progress line").Console(stderr=True)
    with console.status("looking") as status:
        yield lambda line: status.update(line)


class _Bar(Callback):
    """Rich's bar as a callback. Each new start (see ``restarts``) begins it anew."""

    every_epoch = False

    def __init__(self, bar: Any) -> None:
        self.bar = bar
        self.task: Any = None

    def on_start(self, training: Any) -> None:
        self.began, self.first = time.perf_counter(), training.epoch
        if self.task is not None:
            self.bar.remove_task(self.task)
        self.task = self.bar.add_task(
            f"epoch 0/{training.epochs}", total=training.epochs, scores="", speed=""
        )

    def on_tick(self, training: Any, position: float) -> None:
        compiled = training.history.compile_seconds
        seconds = max(time.perf_counter() - self.began - compiled, 1e-9)
        epoch = min(int(position) + (position % 1 > 0), training.epochs)
        self.bar.update(
            self.task,
            completed=position,
            description=f"epoch {epoch}/{training.epochs}",
            scores=_scores(training.history.columns),
            speed=f"{training.rows * (position - self.first) / seconds:,.0f} rows/s"
            + (f"  + {compiled:.1f} s to compile" if compiled else ""),
        )

    def on_epoch(self, training: Any) -> None:
        self.on_tick(training, training.epoch)

    def on_end(self, training: Any) -> None:
        self.on_tick(training, training.epoch)
        # Stopped early is finished too: the time it took is shown, not that which is left.
        self.bar.update(self.task, total=max(training.epoch, 1), completed=max(training.epoch, 1))


def _scores(columns: Mapping[str, Sequence[float]]) -> str:
    """The loss, and the metrics: those on validation where there is one, for want of width."""
    names = [
        name
        for name in columns
        if name not in ("epoch", "loss", "seconds", "learning_rate", "validation_loss")
        and f"validation_{name}" not in columns
    ]
    return "  ".join(
        f"{name.replace('validation_', 'val ')} {columns[name][-1]:.4f}"
        for name in ["loss", *names]
        if columns.get(name)
    )
