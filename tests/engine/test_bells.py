"""Bells: whoever waits goes on when it is rung, as often as it is rung, and not before."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

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
def test_a_call_stands_back_with_entries_enough_to_let_go_of_pythons_lock() -> None:
    assert bells.LEAST_ENTRIES <= bells._entries() <= bells.MOST_ENTRIES
    bell = SpinningBell()
    bell.call()
    unlocked, _, memory = bell.call.args  # type: ignore[attr-defined]
    assert len(memory) == bells._entries() > 500
    assert (memory == unlocked).all()
    assert memory.ctypes.data == bell.wait.args[0].value  # type: ignore[attr-defined]


def test_without_spin_locks_threads_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(*_: Any) -> Any:
        raise TypeError("what CDLL(None) is on Windows")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    bells._spin_lock.cache_clear()
    try:
        assert bells.kind() is SleepingBell
    finally:
        monkeypatch.undo()
        bells._spin_lock.cache_clear()
    assert SleepingBell.late > SpinningBell.late
