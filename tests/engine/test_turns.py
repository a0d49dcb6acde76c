"""With the hands or without: the quicker way is found, and found again when that changes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from chainrule.engine import turns
from chainrule.engine.turns import EARLY, FIRST, LOOK, SETTLED, TRIAL, UNDISTURBED, Turns

MS = 1e-3


class Clock:
    """A crew whose steps take so long: ``paces`` by whether the hands are here.

    The caller has ``core`` of its core meanwhile.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, here: float, away: float) -> None:
        self.now, self.worked, self.core, self.here = 0.0, 0.0, 1.0, False
        self.paces = {True: here, False: away}
        self.made: list[bool] = []
        monkeypatch.setattr(turns.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(turns.time, "thread_time", lambda: self.worked)
        self.turns = Turns(self)  # type: ignore[arg-type]

    def set_here(self, here: bool) -> None:
        self.here = here

    def step(self) -> None:
        self.made.append(self.here)
        self.now += self.paces[self.here]
        self.worked += self.paces[self.here] * self.core

    def make(self, steps: int) -> None:
        for count in self.turns.of(steps):
            assert count > 0
            for _ in range(count):
                self.step()

    def until(self, seconds: float, at_once: int = 1) -> None:
        while self.now < seconds:
            self.make(at_once)

    def stretches(self) -> list[tuple[bool, int]]:
        """(hands here, steps) of what was made, one after the other."""
        found: list[tuple[bool, int]] = []
        for here in self.made:
            if found and found[-1][0] is here:
                found[-1] = here, found[-1][1] + 1
            else:
                found.append((here, 1))
        return found


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_the_quicker_way_is_kept_between_trials_of_the_other(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    early, trial, settled = (round(seconds / MS) for seconds in (EARLY, TRIAL, SETTLED))
    clock = Clock(monkeypatch, here=0.9 * MS, away=1 * MS)
    clock.until(2.0, at_once)
    (a, first), (b, tried), (c, kept), (d, again), (e, longer) = clock.stretches()[:5]
    assert [a, b, c, d, e] == [True, False, True, False, True]
    assert (first, tried) == (FIRST, FIRST)
    expected = (FIRST + early / 0.9, trial, settled / 0.9)
    assert (kept, again, longer) == pytest.approx(expected, abs=1)
    clock = Clock(monkeypatch, here=2 * MS, away=1 * MS)
    clock.until(2.0, at_once)
    ways, steps = zip(*clock.stretches()[:7], strict=True)
    assert ways == (True, False, True, False, True, False, True)
    # What is lost at once (2 > 1.5) is tried for a step at a time, and given up after that.
    assert steps == pytest.approx((FIRST, FIRST, 1, early, 1, settled, 1), abs=1)


def test_a_clear_gain_is_not_tried_again_early(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, here=0.79 * MS, away=1 * MS)
    clock.until(1.0)
    _, (here, kept) = clock.stretches()[1:3]
    assert here
    assert kept == pytest.approx(FIRST + SETTLED / (0.79 * MS), abs=1)


def test_trials_cost_a_hundredth_or_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for pace in (0.05 * MS, 1 * MS, 5 * MS):
        clock = Clock(monkeypatch, here=pace, away=2 * pace)
        clock.until(10.0)
        assert clock.now < 1.03 * len(clock.made) * pace
        assert not all(clock.made)


@pytest.mark.parametrize(("before", "after"), [(3.0, 1.0), (1.0, 3.0)])
def test_a_change_is_seen_by_the_trial_after_the_next(
    monkeypatch: pytest.MonkeyPatch, before: float, after: float
) -> None:
    clock = Clock(monkeypatch, here=before * MS, away=2 * MS)
    clock.until(1.0)
    assert clock.made[-20:] == [before < 2] * 20
    clock.paces[True] = after * MS
    clock.until(1.0 + 2 * SETTLED + 15 * TRIAL)
    assert clock.made[-20:] == [after < 2] * 20


def test_the_hands_stay_away_where_another_program_wants_the_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sharing is quicker as long as the other one shares, and both would be quicker alone."""
    clock = Clock(monkeypatch, here=1 * MS, away=2 * MS)
    clock.core = UNDISTURBED - 0.05
    clock.until(1.0)
    assert clock.made[-20:] == [False] * 20
    clock.core = 1.0
    clock.until(1.0 + 2 * (SETTLED + 2 * TRIAL))
    assert clock.made[-20:] == [True] * 20


def test_what_another_program_spoils_is_given_up_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch, here=0.5 * MS, away=1 * MS)
    clock.until(0.3)
    assert clock.made[-20:] == [True] * 20
    clock.paces[True] = 10 * MS
    clock.make(300)
    # At most the steps that were to be made, and a trial's one step.
    assert clock.made[-300:].count(True) <= 1 + LOOK / (0.5 * MS) + 2
    clock.paces[True] = 0.5 * MS
    clock.until(clock.now + 3 * EARLY + SETTLED)
    assert clock.made[-20:] == [True] * 20


def test_a_warm_up_that_is_disturbed_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, here=20 * MS, away=1 * MS)
    clock.core = UNDISTURBED - 0.05
    clock.make(100)
    assert clock.stretches() == [(True, 1), (False, FIRST), (True, 1), (False, 93)]


@pytest.mark.parametrize("when", range(1, 60))
def test_an_interrupt_anywhere_leaves_turns_that_go_on(
    monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    clock = Clock(monkeypatch, here=1 * MS, away=2 * MS)
    looks = 0

    def interrupted(value: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == when:
            raise KeyboardInterrupt
        return value

    after = Turns._after
    monkeypatch.setattr(turns.time, "perf_counter", lambda: interrupted(clock.now))
    monkeypatch.setattr(turns.time, "thread_time", lambda: interrupted(clock.worked))
    monkeypatch.setattr(Turns, "_after", lambda self, over: interrupted(after(self, over)))
    with suppress(KeyboardInterrupt):
        clock.make(3 * FIRST + 20)
    looks = when  # no other interrupt
    clock.made.clear()
    for count in clock.turns.of(1000):  # of which one may be none, after an interrupt
        for _ in range(count):
            clock.step()
    assert len(clock.made) == 1000
    assert clock.made.count(False) <= FIRST + 3 * TRIAL / MS
