"""Turns: is a step quicker with the crew's hands or without? Tried, and now and then tried again.

A core that is promised may be busy with another program, or be half of one; a product in two halves
then takes longer than in one go. Whoever does the jobs, they are the same jobs: the results have
the same bits.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from statistics import median

from chainrule.engine.crew import Crew

#: Steps of a trial, each way, and steps until the next trial, which costs about a hundredth.
TRIAL, SETTLED = 5, 250


class Turns:
    """Cuts steps into stretches, with the hands here or away in each."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        # (hands here, steps). The first steps of a loop are slow either way.
        self._ahead = [(True, TRIAL), *_trial()]
        self._paces = {here: deque[float](maxlen=TRIAL) for here in (True, False)}

    def of(self, steps: int) -> Iterator[int]:
        """So many steps in stretches: how many to make next."""
        while steps:
            here, left = self._ahead[0]
            count = min(steps, left)
            self._crew.set_here(here)
            began = time.perf_counter()
            yield count
            # An interrupt leaves everything below for the same stretch, made again.
            self._paces[here].append((time.perf_counter() - began) / count)
            steps -= count
            self._go_on(count)

    def _go_on(self, count: int) -> None:
        (here, left), *later = self._ahead
        if count < left:
            self._ahead = [(here, left - count), *later]
        else:
            self._ahead = later or [(self._with_hands(), SETTLED), *_trial()]

    def _with_hands(self) -> bool:
        """Whether the last trial was quicker with the hands: one slow step decides nothing."""
        return median(self._paces[True]) < median(self._paces[False])


def _trial() -> list[tuple[bool, int]]:
    return [(here, 1) for here in (True, False) for _ in range(TRIAL)]
