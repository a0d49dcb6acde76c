"""Turns: is a step quicker with the crew's hands or without? Tried, and now and then tried again.

A core that is promised may be busy with another program, or be half of one; a product in two halves
then takes longer than in one go. And where another program wants our core even while the hands are
away, they stay away: two trainings that both share on two cores take 0.18 s an epoch of 784-100-10,
which each sees as its best, and 0.12 s on a core each. Whoever does the jobs, they are the same
jobs: the results have the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.engine.crew import Crew

#: Steps of each way at the beginning: too few to see another program, which comes and goes.
FIRST = 5

#: Seconds in the first way found, of a trial of the other way, and in a way that was tried so.
#: A trial costs about a hundredth.
EARLY, TRIAL, SETTLED = 0.1, 0.01, 0.5

#: With the hands here in less than this part of the time, their way is settled from the beginning:
#: an early trial of the other one took a fiftieth of an epoch of 0.2 s.
CLEAR = 0.8

#: Seconds between two looks at the clock, as steps went before, and the part of the time without
#: the hands from which on theirs is lost at once. Each thread waits without sleeping; where another
#: program has one of the cores for some milliseconds, each of their meetings takes so long: a step
#: 18 ms in place of 2.5.
LOOK, LOST = 0.005, 1.5

#: What a thread has of its core, as a part of the time, if nobody else wants it.
UNDISTURBED = 0.9


@dataclass(slots=True)
class Stretch:
    """Steps with the hands here or away, until it has taken its steps or its seconds."""

    here: bool
    least_steps: int
    least_seconds: float = 0.0
    is_settled: bool = False
    is_lost: bool = False
    steps: int = 0
    seconds: float = 0.0
    worked: float = 0.0

    @property
    def pace(self) -> float:
        """Seconds a step."""
        return self.seconds / self.steps

    @property
    def is_disturbed(self) -> bool:
        """Whether the caller, which did everything itself or waited without sleeping, had not all
        of its core."""
        return self.worked < UNDISTURBED * self.seconds

    @property
    def left(self) -> int:
        """Steps to be made before the next look, by the pace so far: 0 if it is over."""
        if self.is_lost:
            return 0
        if not self.steps:
            return 1
        if self.steps < self.least_steps:
            steps = self.least_steps - self.steps
        elif self.seconds < self.least_seconds:
            steps = 1 + int((self.least_seconds - self.seconds) / self.pace)
        else:
            return 0
        return min(steps, 1 + int(LOOK / self.pace))


class Turns:
    """Cuts steps into stretches, with the hands here or away in each."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        # The first steps of a loop are slow either way.
        self._now = self._warm_up = Stretch(True, FIRST)
        self._last: dict[bool, Stretch] = {}

    def of(self, steps: int) -> Iterator[int]:
        """So many steps in stretches: how many to make next."""
        while steps:
            now = self._now
            count = min(steps, now.left)
            self._crew.set_here(now.here)
            began, worked = time.perf_counter(), time.thread_time()
            yield count
            # An interrupt leaves everything below for the same stretch, made again.
            seconds, worked = time.perf_counter() - began, time.thread_time() - worked
            now.worked += worked
            now.seconds += seconds
            now.steps += count
            steps -= count
            now.is_lost = now.is_lost or self._is_lost(now, count, seconds)
            if not now.left:
                if now is not self._warm_up:
                    self._last[now.here] = now
                self._now = self._after(now)

    def _is_lost(self, now: Stretch, steps: int, seconds: float) -> bool:
        """Whether going on with the hands is no use, by the steps since the last look."""
        if now is self._warm_up:
            return now.is_disturbed
        away = self._last.get(False)
        return now.here and away is not None and seconds > LOST * steps * away.pace > 0

    def _after(self, over: Stretch) -> Stretch:
        """What comes after a stretch: a trial of the way that is not known, or the better way."""
        for way in (False, True):
            if way not in self._last:
                return Stretch(way, FIRST)
        if over.is_settled:
            if over.is_lost:
                return Stretch(False, 1, EARLY, is_settled=True)
            return Stretch(not over.here, 1, TRIAL)
        here, away = self._last[True], self._last[False]
        better = here.pace < away.pace and not (away.is_disturbed or over.is_lost)
        is_sure = over.least_seconds > 0 or (better and here.pace < CLEAR * away.pace)
        return Stretch(better, 1, SETTLED if is_sure else EARLY, is_settled=True)
