"""Callbacks: what is done between epochs.

A callback has up to four methods, each handed the training: ``on_start``, ``on_epoch`` (after an
epoch, its row already in the history), and ``on_end``, or ``on_failure`` where an error ends the
training. A plain function is called after each epoch. One that remembers something for later epochs
says so in ``state`` and ``restore``, for checkpoints.
"""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from chainrule.errors import OptionError, Teaching, unknown_name
from chainrule.graph.op import Array
from chainrule.settings import number, whole_number

if TYPE_CHECKING:
    from chainrule.train.loop import Training


class Callback(metaclass=Teaching):
    """The base: does nothing."""

    #: Whether it must see every epoch by itself. If none must, quick epochs are run in blocks.
    every_epoch: ClassVar[bool] = True

    #: What it has warned of, if anything: ``fit`` then adds no advice of its own.
    said: str | None = None

    def stride(self, training: Training) -> float:
        """How many epochs may be run before it must see them: the length of a block at most."""
        return 1 if self.every_epoch else math.inf

    def on_start(self, training: Training) -> None:
        """Before the first epoch."""

    def on_tick(self, training: Training, position: float) -> None:
        """Now and then while an epoch runs; ``position`` is in epochs."""

    def on_epoch(self, training: Training) -> None:
        """After an epoch, or a block of them. ``training.stop(reason)`` ends the training."""

    def on_end(self, training: Training) -> None:
        """After the last epoch, however it came to be the last."""

    def on_failure(self, training: Training) -> None:
        """Instead of ``on_end``, where an error ends the training, which is raised after this."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it: arrays, numbers and texts, by name."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""


class OwnFunction(Callback):
    """A user's function, called with the training after each epoch."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def on_epoch(self, training: Training) -> None:
        self.function(training)


def copies(callbacks: Any) -> list[Any]:
    """Callbacks, or one, as they are before a training, which then leaves the given ones alone.

    The copies are shallow: what a callback holds, such as a stream or a list, it shares with its
    copy.
    """
    listed = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return [copy.copy(each) if isinstance(each, Callback) else each for each in listed]


class EarlyStopping(Callback):
    """Stop when a column of the history has not improved for ``patience`` epochs.

    Args:
        monitor: the column; default validation_loss where there is validation, else loss.
        patience: how many epochs to wait for something better.
        minimum_change: what counts as better.
        mode: "min" or "max"; default by the column: losses and errors are to fall, others to rise.
        restore_best: put the best epoch's parameters back at the end.

    Raises:
        OptionError: a number that is none or out of range, or an unknown mode or column.
    """

    def __init__(
        self, monitor: str | None = None, *, patience: int = 10, minimum_change: float = 0.0,
        mode: str | None = None, restore_best: bool = True,
    ) -> None:  # fmt: skip
        if monitor is not None and not isinstance(monitor, str):
            raise OptionError(
                "EarlyStopping watches a column of the history, which is given by its name, got "
                f"{monitor!r}. How many epochs to wait is written EarlyStopping(patience=10)."
            )
        if mode not in (None, "min", "max"):
            raise unknown_name("mode", mode, ["min", "max"])
        self.monitor, self.mode, self.restore_best = monitor, mode, restore_best
        self.patience = whole_number("EarlyStopping", "patience", patience)
        self.minimum_change = number("EarlyStopping", "minimum_change", minimum_change, least=0.0)

    def on_start(self, training: Training) -> None:
        self.best, self.best_epoch = math.inf, 0
        self.watched: str | None = None
        self.kept: dict[str, Array] = training.net.snapshot()

    def on_epoch(self, training: Training) -> None:
        history = training.history
        name = self.monitor or ("validation_loss" if "validation_loss" in history else "loss")
        falling = self.mode == "min" or (
            self.mode is None and (name.endswith("loss") or "error" in name)
        )
        score = history[name][-1] if falling else -history[name][-1]
        if self.watched not in (None, name):  # numbers of another column, from before a resume
            self.best, self.best_epoch = math.inf, training.epoch - 1
        self.watched = name
        if score < self.best - self.minimum_change:
            self.best, self.best_epoch = score, training.epoch
            self.kept = training.net.snapshot()
        elif training.epoch - self.best_epoch >= self.patience:
            training.stop(
                f"{name} has not improved for {self.patience} epochs; the best was "
                f"{abs(self.best):.4g} in epoch {self.best_epoch}"
            )

    def on_end(self, training: Training) -> None:
        if self.restore_best and self.best_epoch:
            training.net.restore(self.kept)

    def state(self) -> dict[str, Any]:
        return {
            "best": self.best, "best_epoch": self.best_epoch, "kept": self.kept,
            "watched": self.watched,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch, self.kept = state["best"], state["best_epoch"], state["kept"]
        self.watched = state.get("watched")  # which older checkpoints do not say


class Snapshots(Callback):
    """Keep a copy of all parameters every so many epochs: (epoch, {name: array}) in ``taken``.

    Raises:
        OptionError: ``every`` is not a whole number above 0.
    """

    def __init__(self, every: int = 1) -> None:
        self.every = whole_number("Snapshots", "every", every)
        self.taken: list[tuple[int, dict[str, Array]]] = []

    def on_start(self, training: Training) -> None:
        self.taken = [(0, training.net.snapshot())]

    def on_epoch(self, training: Training) -> None:
        if training.epoch % self.every == 0:
            self.taken.append((training.epoch, training.net.snapshot()))

    def state(self) -> dict[str, Any]:
        return {"taken": [[epoch, arrays] for epoch, arrays in self.taken]}

    def restore(self, state: dict[str, Any]) -> None:
        self.taken = [(epoch, arrays) for epoch, arrays in state["taken"]]


class Progress(Callback):
    """A live line: epoch, loss and metrics, rows a second, time left, and the time to compile.

    On a terminal the line is rewritten in place. Elsewhere a line is written at the end, and one
    every ten seconds before. Nothing is written by a training shorter than ``after`` seconds.

    Raises:
        OptionError: ``after`` is not a number, or ``stream`` cannot be written to.
    """

    every_epoch = False

    #: Streams that are known again by their names in another process.
    STANDARD = ("stdout", "stderr")

    def __init__(self, *, after: float = 0.0, stream: TextIO | None = None) -> None:
        if stream is not None and not hasattr(stream, "write"):
            raise OptionError(f"Progress writes to a stream, such as sys.stdout, got {stream!r}.")
        self.after, self.stream = number("Progress", "after", after), stream

    def on_start(self, training: Training) -> None:
        self.out = self.stream or sys.stderr
        self.live = hasattr(self.out, "isatty") and self.out.isatty()
        self.began = self.shown = time.perf_counter()
        self.first = training.epoch  # above 0 where a training is resumed
        self.width = 0

    def __getstate__(self) -> dict[str, Any]:
        """What it was made with: a stream cannot be put into a file, but for its name."""
        named = [name for name in self.STANDARD if self.stream is getattr(sys, name)]
        return {"after": self.after, "stream": named[0] if named else self.stream}

    def __setstate__(self, state: dict[str, Any]) -> None:
        stream = state["stream"]
        self.after = state["after"]
        self.stream = getattr(sys, stream) if isinstance(stream, str) else stream

    def __deepcopy__(self, memo: dict[int, Any]) -> Progress:
        """A copy that writes to the same stream."""
        return copy.copy(self)

    def on_tick(self, training: Training, position: float) -> None:
        now = time.perf_counter()
        if now - self.began >= self.after and now - self.shown >= (0.2 if self.live else 10):
            self.shown = now
            self._write(self._line(training, position, now))

    def on_epoch(self, training: Training) -> None:
        self.on_tick(training, training.epoch)

    def on_end(self, training: Training) -> None:
        if time.perf_counter() - self.began >= self.after:
            self._write(self._line(training, training.epoch, time.perf_counter()))
            if self.live:
                self.out.write("\n")

    def _write(self, line: str) -> None:
        if self.live:
            self.out.write("\r" + line.ljust(self.width))
            self.width = len(line)
        else:
            self.out.write(line + "\n")
        self.out.flush()

    def _line(self, training: Training, position: float, now: float) -> str:
        compiled = training.history.compile_seconds
        seconds = max(now - self.began - compiled, 1e-9)
        parts = [
            f"epoch {min(int(position) + (position % 1 > 0), training.epochs)}/{training.epochs}"
        ]
        for name, values in training.history.columns.items():
            if values and name not in ("epoch", "seconds", "learning_rate"):
                parts.append(f"{name.replace('validation_', 'val ')} {values[-1]:.4f}")
        done = position - self.first
        parts.append(f"{training.rows * done / seconds:,.0f} rows/s")
        if position < training.epochs and not training.stopping and done > 0:
            left = seconds * (training.epochs - position) / done
            parts.append(f"{_clock(left)} left")
        else:
            parts.append(_clock(seconds))
        if compiled:
            parts.append(f"+ {compiled:.1f} s to compile")
        return "  ".join(parts)


def _clock(seconds: float) -> str:
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def callback(spec: Any) -> Callback:
    """A callback, or a function made one.

    Raises:
        OptionError: neither.
    """
    if isinstance(spec, Callback):
        return spec
    if isinstance(spec, type) or not callable(spec):
        raise OptionError(
            f"callbacks are Callback objects or functions of the training, got {spec!r}."
            + (" Make one: add the parentheses." if isinstance(spec, type) else "")
        )
    return OwnFunction(spec)
