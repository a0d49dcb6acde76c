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

#: What a thread has of its core, as a part of the time, if nobody else wants it.
UNDISTURBED = 0.9


@dataclass(slots=True)
class Stretch:
    """Steps with the hands here or away, until it has taken its steps or its seconds."""

    here: bool
    least_steps: int
    least_seconds: float = 0.0
    is_settled: bool = False
    steps: int = 0
    seconds: float = 0.0
    worked: float = 0.0

    @property
    def pace(self) -> float:
        """Seconds a step."""
        return self.seconds / self.steps

    @property
    def is_disturbed(self) -> bool:
        """Whether the caller, which did everything itself, had not all of its core."""
        return self.worked < UNDISTURBED * self.seconds

    @property
    def left(self) -> int:
        """Steps to be made, by the pace so far: 0 if it is over."""
        if self.steps < self.least_steps:
            return self.least_steps - self.steps
        if self.seconds >= self.least_seconds:
            return 0
        return 1 + int((self.least_seconds - self.seconds) / self.pace)


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
            now.worked += time.thread_time() - worked
            now.seconds += time.perf_counter() - began
            now.steps += count
            steps -= count
            if not now.left:
                self._last[now.here] = now
                self._now = self._after(now)

    def _after(self, over: Stretch) -> Stretch:
        """What comes after a stretch: a trial of the way that is not known, or the better way."""
        if over is self._warm_up:
            return Stretch(True, FIRST)
        if False not in self._last:
            return Stretch(False, FIRST)
        if over.is_settled:
            return Stretch(not over.here, 1, TRIAL)
        here, away = self._last[True], self._last[False]
        better = here.pace < away.pace and not away.is_disturbed
        is_sure = over.least_seconds > 0 or (better and here.pace < CLEAR * away.pace)
        return Stretch(better, 1, SETTLED if is_sure else EARLY, is_settled=True)
