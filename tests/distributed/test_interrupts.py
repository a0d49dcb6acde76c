"""Ctrl-C that is held: it comes at the end, also where Python by itself would lose it."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.distributed import interrupts_held
from chainrule.distributed.interrupts import interrupts_heard
from chainrule.engine.xla import compiled
from chainrule.engine.xla.epochs import Epochs
from chainrule.train.epochs import EpochsRunner

X, Y = cr.data.moons(40, seed=0)


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The errors that Python prints and forgets."""
    errors: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: errors.append(told.exc_type))
    return errors


@pytest.fixture(autouse=True)
def _the_handler_is_put_back() -> Iterator[None]:
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def in_a_collection() -> None:
    """Ctrl-C while a callback of the garbage collector runs, as JAX has one."""

    def callback(phase: str, _: Any) -> None:
        if phase == "start":
            signal.raise_signal(signal.SIGINT)

    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)


def test_python_by_itself_loses_it(forgotten: list[Any]) -> None:
    in_a_collection()
    assert forgotten == [KeyboardInterrupt]


def held(passed: list[int], signals: int, *second_breaks: bool) -> None:
    """Some Ctrl-C in a row, each counted when it has passed, within one or more that hold."""
    if second_breaks:
        with interrupts_held(second_breaks[0]):
            held(passed, signals, *second_breaks[1:])
            passed.append(0)
        return
    for number in range(signals):
        in_a_collection() if number == 0 else signal.raise_signal(signal.SIGINT)
        passed.append(number + 1)


@pytest.mark.parametrize(
    ("signals", "second_breaks", "passes"),
    [
        (1, [True], [1, 0]),
        (1, [False], [1, 0]),
        (2, [True], [1]),
        (2, [False], [1, 2, 0]),
        (1, [True, True], [1, 0, 0]),
        (2, [True, True], [1]),
        (2, [True, False], [1, 2, 0, 0]),
    ],
)
def test_it_comes_at_the_end_and_a_second_one_at_once(
    signals: int, second_breaks: list[bool], passes: list[int], forgotten: list[Any]
) -> None:
    passed: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        held(passed, signals, *second_breaks)
    assert (passed, forgotten) == (passes, [])


def heard() -> None:
    with interrupts_heard():
        in_a_collection()
        threading.Event().wait(10)
        raise AssertionError("it never came")


def test_heard_it_comes_after_a_collection(forgotten: list[Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        heard()
    assert forgotten == []


def test_heard_it_comes_at_once_elsewhere() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts_heard():
        signal.raise_signal(signal.SIGINT)


def test_a_handler_of_the_users_is_told_once_at_the_end() -> None:
    told: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: told.append(number))
    try:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            assert told == []
        assert told == [signal.SIGINT]
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interrupts_held():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_change_nothing() -> None:
    found: list[Any] = []

    def work() -> None:
        with interrupts_held():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_an_error_within_is_told() -> None:
    with pytest.raises(ValueError, match="planted"), interrupts_held():
        raise ValueError("planted")


def before(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, with Ctrl-C in a garbage collection at its first call."""
    calls: list[int] = []

    def wrapped(*given: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            in_a_collection()
        return function(*given, **options)

    return wrapped


#: Where it comes: while a step is traced, the data are put on the device, a program is compiled.
PLACES = [(EpochsRunner, "step_on"), (EpochsRunner, "_open"), (Epochs, "run")]


@pytest.mark.parametrize(("place", "name"), PLACES, ids=["tracing", "placing", "compiling"])
def test_training_ends_wherever_it_comes(
    place: Any, name: str, forgotten: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_entries", OrderedDict())
    monkeypatch.setattr(place, name, before(getattr(place, name)))
    net = cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid"))
    try:
        history = net.fit(X, Y, epochs=10**6, engine="xla", batch_size=16)
    except KeyboardInterrupt:
        assert name != "run"  # that is within the training, which keeps what was learnt
    else:
        assert history.stopped == "interrupted by the user in epoch 1"
    assert forgotten == []
    assert all(np.isfinite(array).all() for array in net.parameters.values())
