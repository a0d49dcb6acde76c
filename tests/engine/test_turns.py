"""With the hands or without: the quicker way is found, and found again when that changes."""

from __future__ import annotations

import statistics
from contextlib import suppress
from typing import Any

import pytest

from chainrule.engine import turns
from chainrule.engine.turns import SETTLED, TRIAL, Turns


class Clock:
    """A crew whose steps take so long: ``paces`` by whether the hands are here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, paces: dict[bool, float]) -> None:
        self.now, self.here, self.paces = 0.0, None, paces
        self.made: list[bool | None] = []
        monkeypatch.setattr(turns.time, "perf_counter", lambda: self.now)

    def set_here(self, here: bool) -> None:
        self.here = here

    def make(self, turns: Any, steps: int) -> None:
        for count in turns.of(steps):
            assert count > 0
            for _ in range(count):
                self.made.append(self.here)
                self.now += self.paces[bool(self.here)]


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
@pytest.mark.parametrize("quicker", [True, False])
def test_the_quicker_way_is_kept_between_trials(
    monkeypatch: pytest.MonkeyPatch, quicker: bool, at_once: int
) -> None:
    clock = Clock(monkeypatch, {quicker: 1.0, not quicker: 1.1})
    taken = Turns(clock)  # type: ignore[arg-type]
    count = TRIAL + 3 * (2 * TRIAL + SETTLED)
    left = count
    while left:
        clock.make(taken, min(at_once, left))
        left -= min(at_once, left)
    settled = [quicker] * SETTLED
    assert clock.made == [True] * TRIAL + ([True] * TRIAL + [False] * TRIAL + settled) * 3


def test_a_change_is_seen_at_the_next_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, {True: 1.0, False: 2.0})
    taken = Turns(clock)  # type: ignore[arg-type]
    clock.make(taken, TRIAL + 2 * TRIAL + SETTLED)
    clock.paces = {True: 3.0, False: 2.0}
    clock.make(taken, 2 * TRIAL + SETTLED)
    assert clock.made[-2 * SETTLED - 2 * TRIAL : -SETTLED - 2 * TRIAL] == [True] * SETTLED
    assert clock.made[-SETTLED:] == [False] * SETTLED


def test_one_slow_step_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, {True: 1.0, False: 1.1})
    taken = Turns(clock)  # type: ignore[arg-type]
    clock.make(taken, TRIAL + 2)
    clock.paces = {True: 100.0, False: 1.1}
    clock.make(taken, 1)
    clock.paces = {True: 1.0, False: 1.1}
    clock.make(taken, 2 * TRIAL - 3 + SETTLED)
    assert clock.made[-SETTLED:] == [True] * SETTLED


@pytest.mark.parametrize("when", range(1, 3 * TRIAL))
def test_an_interrupt_of_a_step_or_beside_it_leaves_the_turns_as_they_were(
    monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    clock = Clock(monkeypatch, {True: 1.0, False: 1.1})
    taken = Turns(clock)  # type: ignore[arg-type]
    looks = 0

    def interrupted() -> float:
        nonlocal looks
        looks += 1
        if looks == when:
            raise KeyboardInterrupt
        return clock.now

    monkeypatch.setattr(turns.time, "perf_counter", interrupted)
    monkeypatch.setattr(turns, "median", median_interrupted_once(when))
    for _ in range(3):
        with suppress(KeyboardInterrupt):
            clock.make(taken, 3 * TRIAL)
    clock.made.clear()
    clock.make(taken, 2 * TRIAL + 2 * SETTLED)
    assert sum(here is False for here in clock.made) <= 2 * TRIAL


def median_interrupted_once(when: int) -> Any:
    """For odd ``when``: as if Ctrl-C were pressed while the turns make up their mind."""
    left = [when % 2]

    def median(paces: Any) -> float:
        if left[0]:
            left[0] -= 1
            raise KeyboardInterrupt
        return statistics.median(paces)

    return median
