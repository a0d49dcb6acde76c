"""Bells: whoever waits goes on when it is rung, as often as it is rung, and not before."""

from __future__ import annotations

import ctypes
import sys
import threading

import pytest

from chainrule.engine import bells
from chainrule.engine.bells import Bell, SleepingBell, SpinningBell

spinning = pytest.mark.skipif(
    bells.kind() is not SpinningBell, reason="this system's C library has no spin locks"
)
KINDS = [SleepingBell, pytest.param(SpinningBell, marks=spinning)]
WAYS = ["ring", "call"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_two_threads_take_turns(kind: type[Bell], way: str) -> None:
    there, back, heard = kind(), kind(), list[str]()

    def other() -> None:
        for _ in range(500):
            there.wait()
            heard.append("there")
            getattr(back, way)()

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    for _ in range(500):
        getattr(there, way)()
        back.wait()
        heard.append("back")
    thread.join()
    assert heard == ["there", "back"] * 500


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_it_may_be_rung_before_anyone_waits_and_is_heard_once(kind: type[Bell], way: str) -> None:
    bell, heard = kind(), threading.Event()
    getattr(bell, way)()
    bell.wait()

    def again() -> None:
        bell.wait()
        heard.set()

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    assert not heard.wait(0.05)  # a bell that has been heard is silent
    getattr(bell, way)()
    thread.join()
    assert heard.is_set()


@pytest.mark.parametrize("kind", KINDS)
def test_who_waits_leaves_python_to_others(kind: type[Bell]) -> None:
    bell = kind()
    thread = threading.Thread(target=bell.wait, daemon=True)
    thread.start()
    assert sum(i for i in range(100_000)) == 4_999_950_000  # or the sum would never be made
    bell.ring()
    thread.join()


@spinning
@pytest.mark.parametrize(
    ("seconds", "entries"), [(0.0, bells.LEAST_ENTRIES), (1.0, bells.MOST_ENTRIES)]
)
def test_a_call_stands_back_by_a_pass_that_lets_go_of_pythons_lock(
    seconds: float, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "STAND_BACK", seconds)
    bells._entries.cache_clear()
    try:
        bell = SpinningBell()
    finally:
        bells._entries.cache_clear()
    unlocked, _, memory = bell.call.args  # type: ignore[attr-defined]
    assert len(memory) == entries > 500
    bell.call()
    assert (memory == unlocked).all()
    assert memory.ctypes.data == bell.wait.args[0].value  # type: ignore[attr-defined]
    bell.wait()
    assert memory[0] != unlocked[0]


@pytest.mark.parametrize("lacking", ["platform", "function"])
def test_without_spin_locks_threads_sleep(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if lacking == "platform":
        monkeypatch.setattr(sys, "platform", "darwin")
    else:
        monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    bells._spin_lock.cache_clear()
    try:
        assert bells.kind() is SleepingBell
    finally:
        monkeypatch.undo()
        bells._spin_lock.cache_clear()


def test_who_begins_when() -> None:
    """Woken up late, or called one after the other by who begins last."""
    assert SleepingBell.starts(3) == [0.0, 30.0, 30.0]
    assert SpinningBell.starts(3) == pytest.approx([8.0, 0.0, 4.0])
