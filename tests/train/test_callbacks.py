"""Callbacks: what is done between epochs, and in which order."""

from __future__ import annotations

import io
import itertools
import re
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import OptionError
from chainrule.train import callbacks as callbacks_module
from chainrule.train.runner import Runner

X = np.random.default_rng(3).standard_normal((40, 3))
Y = X[:, :1] - 2 * X[:, 1:2]


def line() -> cr.Sequential:
    return cr.Sequential(cr.Dense(1), dtype="float64")


def same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> bool:
    return list(left) == list(right) and all(np.array_equal(left[k], right[k]) for k in left)


class Scripted(cr.Callback):
    """Puts a column ``score`` of chosen numbers into the history."""

    def __init__(self, name: str, scores: list[float]) -> None:
        self.name, self.scores = name, scores

    def on_epoch(self, training: Any) -> None:
        training.history.columns[self.name] = self.scores[: training.epoch]


# EarlyStopping


@pytest.mark.parametrize(
    ("name", "mode", "scores", "patience", "epochs", "best"),
    [
        ("accuracy", None, [1, 3, 2, 2, 2, 9], 2, 4, 2),
        ("accuracy", None, [1, 3, 2, 2, 2, 9], 3, 5, 2),
        ("accuracy", None, [1, 3, 2, 2, 2, 9], 4, 6, 6),
        ("accuracy", None, [3, 3, 3, 3, 3, 3], 1, 2, 1),
        ("some_error", None, [3, 1, 2, 2, 0, 9], 2, 4, 2),
        ("some_loss", None, [3, 1, 2, 2, 0, 9], 3, 6, 5),
        ("accuracy", "min", [3, 1, 2, 2, 0, 9], 2, 4, 2),
        ("some_loss", "max", [1, 3, 2, 2, 2, 9], 2, 4, 2),
    ],
)
def test_patience_and_mode(
    name: str, mode: str | None, scores: list[float], patience: int, epochs: int, best: int
) -> None:
    stopping = cr.EarlyStopping(name, patience=patience, mode=mode)
    snapshots = cr.Snapshots()
    net = line()
    history = net.fit(X, Y, epochs=6, callbacks=[Scripted(name, scores), snapshots, stopping])
    assert len(history) == epochs
    assert stopping.best_epoch == best
    assert same(net.snapshot(), snapshots.taken[best][1])
    # A training that ends by itself was not stopped, though its last epochs were no better.
    stopped = epochs - best >= patience
    assert history.stopped == (
        f"{name} has not improved for {patience} epochs; the best was {scores[best - 1]:.4g} in "
        f"epoch {best}"
        if stopped
        else None
    )


def test_what_counts_as_better() -> None:
    scores = [1.0, 0.95, 0.90, 0.85, 0.8]
    stopping = cr.EarlyStopping("loss_", mode="min", patience=3, minimum_change=0.12)
    line().fit(X, Y, epochs=5, callbacks=[Scripted("loss_", scores), stopping])
    assert stopping.best_epoch == 4


def test_the_validation_loss_is_watched_where_there_is_one() -> None:
    rng = np.random.default_rng(0)
    noise, other = rng.standard_normal((12, 1)), rng.standard_normal((12, 1))
    wide = rng.standard_normal((12, 30))
    net = cr.Sequential(cr.Dense(30, "tanh"), cr.Dense(1))
    stopping = cr.EarlyStopping(patience=5)
    history = net.fit(wide, noise, epochs=500, validation=(wide + 1, other), callbacks=stopping)
    best = int(np.argmin(history["validation_loss"]))
    assert len(history) == best + 1 + 5 < 500
    assert history["loss"][-1] < history["loss"][best]
    assert history.stopped == (
        f"validation_loss has not improved for 5 epochs; the best was "
        f"{history['validation_loss'][best]:.4g} in epoch {best + 1}"
    )
    # Restored are the parameters to which the best number belongs.
    assert net.evaluate(wide + 1, other)["loss"] == history["validation_loss"][best]


def test_statistics_are_restored_too() -> None:
    net = cr.Sequential(cr.Dense(3), cr.BatchNorm(), cr.Dense(1))
    snapshots = cr.Snapshots()
    stopping = cr.EarlyStopping("accuracy", patience=2)
    script = Scripted("accuracy", [1, 2, 0, 0])
    net.fit(X, Y, epochs=4, callbacks=[script, stopping, snapshots], batch_size=20)
    assert same(net.snapshot(), snapshots.taken[2][1])
    assert "mean2" in snapshots.taken[2][1]
    assert not same(net.snapshot(), snapshots.taken[4][1])


def test_the_last_parameters_are_kept_on_request() -> None:
    net, snapshots = line(), cr.Snapshots()
    script = Scripted("accuracy", [2, 1, 1, 1])
    stopping = cr.EarlyStopping("accuracy", patience=2, restore_best=False)
    net.fit(X, Y, epochs=4, callbacks=[script, stopping, snapshots])
    assert len(snapshots.taken) == 4
    assert same(net.snapshot(), snapshots.taken[-1][1])


def test_one_early_stopping_serves_two_trainings() -> None:
    stopping = cr.EarlyStopping("accuracy", patience=2)
    script = Scripted("accuracy", [5, 1, 1, 1])
    first = line().fit(X, Y, epochs=9, callbacks=[script, stopping])
    script.scores = [4, 3, 2, 1]
    second = line().fit(X, Y, epochs=9, callbacks=[script, stopping])
    assert (len(first), len(second)) == (3, 3)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"patience": 0},
            "EarlyStopping needs patience to be a whole number of 1 or more, got 0.",
        ),
        (
            {"patience": "5"},
            "EarlyStopping needs patience to be a whole number of 1 or more, got '5'.",
        ),
        (
            {"monitor": 5},
            "EarlyStopping watches a column of the history, which is given by its name, got 5. "
            "How many epochs to wait is written EarlyStopping(patience=10).",
        ),
        (
            {"minimum_change": -0.1},
            "EarlyStopping needs minimum_change to be a number of 0 or more, got -0.1.",
        ),
        ({"mode": "mim"}, "mode 'mim' is not known. Did you mean 'min'? Known: max, min."),
    ],
)
def test_early_stopping_refuses(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError) as error:
        cr.EarlyStopping(**arguments)
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: cr.Snapshots(0),
            "Snapshots needs every to be a whole number of 1 or more, got 0.",
        ),
        (
            lambda: callbacks_module.Progress(after="soon"),
            "Progress needs after to be a number, got 'soon'.",
        ),
        (
            lambda: callbacks_module.Progress(stream="log.txt"),
            "Progress writes to a stream, such as sys.stdout, got 'log.txt'.",
        ),
    ],
)
def test_callbacks_refuse(make: Callable[[], object], text: str) -> None:
    with pytest.raises(OptionError) as error:
        make()
    assert str(error.value) == text


def test_an_unknown_column() -> None:
    with pytest.raises(OptionError) as error:
        line().fit(X, Y, epochs=3, callbacks=cr.EarlyStopping("val_loss"), validation=0.2)
    assert str(error.value) == (
        "column 'val_loss' is not known. Did you mean 'validation_loss'? Known: epoch, "
        "learning_rate, loss, seconds, validation_loss."
    )


# Snapshots, functions of one's own, order


def test_snapshots() -> None:
    net = line().build(3, seed=1)
    start = net.snapshot()
    every, third = cr.Snapshots(), cr.Snapshots(every=3)
    net.fit(X, Y, epochs=7, callbacks=[every, third])
    assert [epoch for epoch, _ in every.taken] == list(range(8))
    assert [epoch for epoch, _ in third.taken] == [0, 3, 6]
    assert same(every.taken[0][1], start)
    assert same(every.taken[6][1], third.taken[2][1])
    assert same(every.taken[7][1], net.snapshot())
    assert not same(every.taken[1][1], every.taken[2][1])


def test_a_function_sees_the_training_after_each_epoch() -> None:
    seen: list[tuple[int, int, int, int]] = []

    def look(training: Any) -> None:
        seen.append((training.epoch, len(training.history), training.epochs, training.rows))
        assert training.net is net

    net = line()
    net.fit(X, Y, epochs=3, callbacks=look)
    assert seen == [(1, 1, 3, 40), (2, 2, 3, 40), (3, 3, 3, 40)]


def test_stop_ends_after_the_epoch_and_says_why() -> None:
    def enough(training: Any) -> None:
        if training.epoch == 4:
            training.stop("good enough")

    history = line().fit(X, Y, epochs=50, callbacks=enough)
    assert (len(history), history.stopped) == (4, "good enough")
    assert "; stopped: good enough>" in repr(history)


def test_stop_before_the_first_epoch() -> None:
    class Never(cr.Callback):
        def on_start(self, training: Any) -> None:
            training.stop("nothing to do")

    net = line().build(3, seed=0)
    before = net.snapshot()
    history = net.fit(X, Y, epochs=5, callbacks=Never())
    assert (len(history), history.stopped) == (0, "nothing to do")
    assert repr(history) == "<History of no epochs>"
    assert same(net.snapshot(), before)


def test_the_order_of_events() -> None:
    events: list[str] = []

    class Named(cr.Callback):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_start(self, training: Any) -> None:
            events.append(f"{self.name} start {training.epoch}")

        def on_epoch(self, training: Any) -> None:
            events.append(f"{self.name} epoch {training.epoch}")

        def on_end(self, training: Any) -> None:
            events.append(f"{self.name} end {training.epoch}")

    def metric(p: Any, t: Any) -> float:
        events.append("metric")
        return 0.0

    line().fit(X, Y, epochs=2, callbacks=(Named("a"), Named("b")), metrics=metric)
    assert events == [
        "a start 0", "b start 0",
        "metric", "a epoch 1", "b epoch 1",
        "metric", "a epoch 2", "b epoch 2",
        "a end 2", "b end 2",
    ]  # fmt: skip


# Blocks of epochs


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many epochs each call of the runner was asked for."""
    asked: list[int] = []
    true = Runner.run

    def noted(self: Runner, epochs: int, *rest: Any) -> Any:
        asked.append(epochs)
        return true(self, epochs, *rest)

    monkeypatch.setattr(Runner, "run", noted)
    return asked


@pytest.mark.parametrize("batch_size", [None, 16])
def test_quick_epochs_run_in_blocks_and_nothing_is_lost(
    blocks: list[int], batch_size: int | None
) -> None:
    options: dict[str, Any] = {"epochs": 300, "batch_size": batch_size, "schedule": "cosine"}
    a, b = line(), line()
    in_blocks = a.fit(X, Y, **options)
    assert sum(blocks) == 300
    assert max(blocks) > 10
    blocks.clear()
    one_by_one = b.fit(X, Y, callbacks=lambda training: None, **options)
    assert blocks == [1] * 300
    assert same(a.snapshot(), b.snapshot())
    for name in ("epoch", "loss", "learning_rate"):
        assert in_blocks[name] == one_by_one[name]
    assert in_blocks["epoch"] == list(range(1, 301))
    assert len(in_blocks["seconds"]) == len(in_blocks.rows) == 300


def test_epochs_with_scores_come_one_by_one(blocks: list[int]) -> None:
    line().fit(X, Y, epochs=30, validation=0.2)
    assert blocks == [1] * 30


def test_a_live_line_alone_does_not_forbid_blocks(blocks: list[int]) -> None:
    line().fit(X, Y, epochs=300, batch_size=None, callbacks=cr.Progress(stream=io.StringIO()))
    assert max(blocks) > 10


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by three seconds whenever Progress looks at it."""
    ticks = itertools.count(step=3.0)
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    monkeypatch.setattr(callbacks_module, "time", clock)


NUMBER = r"\d+\.\d{4}"


@pytest.mark.usefixtures("slow_clock")
def test_the_line_on_a_terminal_is_rewritten() -> None:
    out = Terminal()
    history = cr.Sequential(cr.Dense(1, "sigmoid")).fit(
        X, Y > 0, epochs=3, validation=0.25, metrics="accuracy",
        callbacks=[cr.Progress(stream=out), lambda training: None],
    )  # fmt: skip
    text = out.getvalue()
    assert text.startswith("\r")
    assert text.endswith("\n")
    assert text.count("\n") == 1
    lines = [part.rstrip() for part in text[1:-1].split("\r")]
    assert len(lines) == 4
    for epoch, shown in enumerate(lines[:2], start=1):
        row = history.rows[epoch - 1]
        # Thirty of the forty rows are trained on, and three seconds pass for each epoch.
        assert shown == (
            f"epoch {epoch}/3  loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
            f"val loss {row['validation_loss']:.4f}  val accuracy {row['validation_accuracy']:.4f}"
            f"  10 rows/s  {3.0 * (3 - epoch):.1f} s left"
        )
    assert lines[2].startswith("epoch 3/3")
    assert lines[2].endswith("10 rows/s  9.0 s")
    assert re.fullmatch(rf"epoch 3/3  loss {NUMBER} .*  6 rows/s  15\.0 s", lines[3])


@pytest.mark.usefixtures("slow_clock")
def test_a_shorter_line_leaves_nothing_of_a_longer_one() -> None:
    out = Terminal()
    line().fit(X, 1000 * Y, epochs=40, callbacks=[cr.Progress(stream=out), print_nothing])
    lines = out.getvalue()[1:-1].split("\r")
    for before, after in itertools.pairwise(lines):
        assert len(after) >= len(before.rstrip())


def print_nothing(training: Any) -> None:
    """Makes each epoch come by itself."""


@pytest.mark.usefixtures("slow_clock")
def test_elsewhere_a_line_every_ten_seconds_and_one_at_the_end() -> None:
    out = io.StringIO()
    line().fit(X, Y, epochs=10, callbacks=[cr.Progress(stream=out), print_nothing])
    lines = out.getvalue().splitlines()
    # Twelve seconds are the first multiple of three that are ten or more.
    assert [shown.split("  ")[0] for shown in lines] == [
        "epoch 4/10", "epoch 8/10", "epoch 10/10",
    ]  # fmt: skip
    assert "\r" not in out.getvalue()


@pytest.mark.usefixtures("slow_clock")
def test_a_stopped_training_has_no_time_left() -> None:
    out = io.StringIO()
    line().fit(
        X, Y, epochs=50,
        callbacks=[cr.Progress(stream=out), lambda training: training.stop("enough")],
    )  # fmt: skip
    assert re.fullmatch(r"epoch 1/50  loss \d+\.\d{4}  4 rows/s  9\.0 s\n", out.getvalue())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"), (59.94, "59.9 s"), (59.97, "1:00 min"), (60, "1:00 min"),
        (61.4, "1:01 min"), (3599.6, "1:00:00 h"), (7325, "2:02:05 h"),
    ],
)  # fmt: skip
def test_clock(seconds: float, text: str) -> None:
    assert callbacks_module._clock(seconds) == text


def test_ticks_come_while_an_epoch_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.train.runner.TICK_SECONDS", 0.0)
    positions: list[float] = []

    class Watch(cr.Callback):
        def on_tick(self, training: Any, position: float) -> None:
            positions.append(position)

    line().fit(X, Y, epochs=2, batch_size=16, callbacks=Watch())
    # The last batch is short: the epoch is over after it, and not a little later.
    assert positions == [0.4, 0.8, 1.0, 1.4, 1.8, 2.0]


def test_nothing_is_printed_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    assert not sys.stderr.isatty()
    line().fit(X, Y, epochs=3, metrics="r2", validation=0.2)
    line().fit(X, Y, epochs=3, progress=False)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_short_training_prints_nothing_on_a_terminal_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    line().fit(X, Y, epochs=3)
    assert out.getvalue() == ""
    monkeypatch.setattr("chainrule.train.fit.PROGRESS_AFTER", 0.0, raising=False)
    line().fit(X, Y, epochs=3, progress=True)
    assert out.getvalue().endswith("\n")
    assert "epoch 3/3" in out.getvalue()


def test_a_long_training_shows_its_line_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, slow_clock: None
) -> None:
    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    line().fit(X, Y, epochs=3)
    assert out.getvalue().startswith("\repoch ")


# History


def test_history_as_a_table(tmp_path: Any) -> None:
    history = line().fit(X, Y, epochs=3, metrics="r2")
    rows = history.rows
    assert list(history) == rows
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["r2"] for row in rows] == history["r2"]
    history.save_csv(tmp_path / "h.csv")
    lines = (tmp_path / "h.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "epoch,loss,r2,learning_rate,seconds"
    assert [float(line.split(",")[1]) for line in lines[1:]] == history["loss"]
    assert re.fullmatch(
        r"<History of 3 epochs in \d+\.\d\d s: loss [\d.]+, r2 -?[\d.]+>", repr(history)
    )


def test_an_unknown_column_of_the_history() -> None:
    history = line().fit(X, Y, epochs=1)
    with pytest.raises(OptionError) as error:
        history["los"]
    assert str(error.value) == (
        "column 'los' is not known. Did you mean 'loss'? "
        "Known: epoch, learning_rate, loss, seconds."
    )
    assert "loss" in history
    assert "los" not in history
