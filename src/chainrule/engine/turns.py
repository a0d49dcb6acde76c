"""Turns: is a step quicker with the crew's hands or without? Tried, and now and then tried again.

A core that is promised may be busy with another program, or be half of one; a product in two halves
then takes longer than in one go. Whoever does the jobs, they are the same jobs: the results have
the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from chainrule.engine.crew import Crew

#: Steps of a trial, each way, and steps until the next trial, which costs about a hundredth.
TRIAL, SETTLED = 5, 250


class Turns:
    """Cuts steps into stretches, with the hands here or away in each."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._order = self._stretches()
        self._here, self._left = next(self._order)
        self._seconds = 0.0

    def of(self, steps: int) -> Iterator[int]:
        """So many steps in stretches: how many to make next."""
        while steps:
            count = min(steps, self._left)
            self._crew.set_here(self._here)
            began = time.perf_counter()
            yield count
            self._seconds = time.perf_counter() - began
            steps -= count
            self._left -= count
            if not self._left:
                self._here, self._left = next(self._order)

    def _stretches(self) -> Iterator[tuple[bool, int]]:
        """(hands here, steps), without end; meanwhile ``_seconds`` has what the last took."""
        yield True, TRIAL  # the first steps of a loop are slow either way
        while True:
            paces = {}
            for here in (True, False):
                seconds = []
                for _ in range(TRIAL):
                    yield here, 1
                    seconds.append(self._seconds)
                paces[here] = median(seconds)
            yield paces[True] < paces[False], SETTLED
