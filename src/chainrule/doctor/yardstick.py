"""The yardstick: what a training lacks of what a well-made network reaches on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

#: Learnt has who is below this share of the constant answer's loss: where ``restarts`` of ``fit``
#: stops to call a training stuck.
LEARNT = 0.1
#: On rows held back, who is above this share has learnt nothing that holds for others.
KNOWS_NOTHING = 0.95
#: As good as the well-made network is who lacks less than this of what that one gained ...
CLOSE = 0.15
#: ... and a training fails that lacks more than this. Between the two it learns, if not as well as
#: might be: a small network, few epochs, a choice of the user's. Of a handful of rows all can be
#: learnt.
FAILS, FAILS_ON_FEW = 0.55, 0.2
#: Whatever it started from, a training gains more than this of what it might have gained.
GAINED = 0.1
#: So few rows are the table of a logic gate, without noise.
FEW = 8
#: A cure leaves at most this part of what was lacking.
LEFT_BY_A_CURE = 0.35
#: Who lacks no more than this is as good as the well-made network.
AS_GOOD = 0.01
#: Where a network learns, a repair must take this part off its share of the loss, and so much.
BETTER, AND_MORE = 0.4, 0.04
#: What a training counts that came to no number: as bad as one that doubles the constant's loss.
LOST = 2.0


class Shares(Protocol):
    """What is left of the constant answer's loss, on the rows trained on and on others."""

    @property
    def share(self) -> float:
        """Of the rows trained on."""

    @property
    def held_share(self) -> float:
        """Of the rows held back."""


class Course(Shares, Protocol):
    """The same of a training, whose way is known."""

    @property
    def best_held_share(self) -> float:
        """The lowest of the rows held back on the way."""


@dataclass(frozen=True)
class Effect:
    """What a repair does: what was lacking ``before``, and ``lack``, what still is after it."""

    before: float
    lack: float

    @property
    def is_cured(self) -> bool:
        """Whether the repair brings back most of what was missing."""
        return self.lack <= max(CLOSE, LEFT_BY_A_CURE * self.before) and self.lack < self.before


def gains_nothing(start: float, end: float, best: float) -> bool:
    """Whether a training hardly gained anything: a start that happens to be good is no learning."""
    return start > best and start - end < GAINED * (start - best)


def lacking(course: Course, reference: Shares, *, has_others: bool) -> float:
    """What a training that came to numbers lacks of the well-made network's.

    Of the rows trained on and those held back the better counts: who fits the rows learns, and who
    does as well as can be done on others learns too, however much noise there is to be fitted.
    """
    on_train = _between(course.share, reference.share)
    if not has_others or reference.held_share > 1 - LEARNT:
        return on_train
    on_held = _between(course.held_share, reference.held_share)
    # Who knows nothing of other rows, where that can be known, has learnt his own by heart.
    return on_held if course.best_held_share > KNOWS_NOTHING else min(on_train, on_held)


def _between(share: float, best: float) -> float:
    if not math.isfinite(best) or best > 1 - LEARNT:
        best = 0.0  # the yardstick has nothing to say
    return min(LOST, max(0.0, (share - best) / (1 - best)))
