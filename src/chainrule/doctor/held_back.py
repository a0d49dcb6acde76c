"""Rows held back: what of a training, and of a repair, holds for rows that were not learnt from.

A repair that fits the rows better may only learn their noise by heart. Where there are rows enough
to tell, each claim is made of rows not seen, as a difference beside its standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from chainrule.doctor.finding import Prescription
from chainrule.doctor.probes.others import Difference, OnOthers, difference
from chainrule.doctor.probes.reference import Knowable
from chainrule.doctor.probes.relation import Relation
from chainrule.doctor.yardstick import FAILS, GAINED, LEARNT, Shares

if TYPE_CHECKING:
    from chainrule.doctor.illnesses.illness import Suspicion

#: Fewer rows are not cross-validated: the mean of 20 shares that are spread by a half has a
#: standard error of 0.11, with which hardly any difference is clear.
FEWEST = 20
#: So many standard errors, of losses that are spread as far as the constant answer's, are beyond
#: doubt without a cross-validation.
BEYOND_DOUBT = 4.0
#: What goes further may be worse at the end by so much of the constant answer's loss.
HARM = 0.02
#: A repair that does not bring a network to what can be fitted, noise and all, is one that brings
#: it this part of the way to what can be known.
MOST = 0.5
#: A well-made network leaves so much more of other rows than of its own: the rest was noise.
SPENT_ON_NOISE = 0.2
#: A relation is half seen where fewer shuffles show as much, and a judge leaves less than that.
#: Measured: so are called unrelated 451 of 480 draws of the bench's tasks that were shuffled, and
#: 386 of 521 of fifteen noisy tasks of 30 to 1000 rows; of 522 that were not shuffled 12, in nine
#: of which X explains a twentieth of the variance at most.
BY_CHANCE, A_LITTLE = 0.1, 0.99
#: Who has gained less than a tenth of this of his own rows has not even begun to learn their noise.
LITTLE = 0.05


class Experiments(Protocol):
    """What the probes of a network and those of a program by hand can both be asked.

    ``rows`` are those that could be held back, none of a whole table; ``held_rows`` those that were
    in its ``own`` training. ``judge`` is what can be known of rows not seen.
    """

    @property
    def rows(self) -> int: ...
    @property
    def held_rows(self) -> int: ...
    @property
    def has_numbers(self) -> bool: ...
    @property
    def own(self) -> Shares: ...
    @property
    def reference(self) -> Shares: ...
    @property
    def relation(self) -> Relation: ...
    @property
    def judge(self) -> Knowable: ...
    def on_others(self, changed: str, change: Callable[[Any], Any]) -> OnOthers: ...


class Repaired(Protocol):
    """A repair that was tried."""

    @property
    def suspicion(self) -> Suspicion: ...
    @property
    def prescription(self) -> Prescription: ...
    @property
    def is_cured(self) -> bool: ...
    @property
    def share(self) -> float: ...
    @property
    def held_share(self) -> float: ...


def can_be_asked(probes: Experiments) -> bool:
    """Whether there are rows to hold back, and numbers to compare."""
    return probes.rows >= FEWEST and probes.has_numbers


def is_noisy(probes: Experiments) -> bool:
    """Whether noise is most of the loss, so that the rows trained on prove nothing."""
    return can_be_asked(probes) and _known(probes) > 1 - LEARNT


def may_fit_noise(probes: Experiments) -> bool:
    """Whether a network can fit more than can be known; then no repair has to fit so much."""
    if not can_be_asked(probes):
        return False
    spent = _known(probes) - probes.reference.share
    return is_noisy(probes) or spent > SPENT_ON_NOISE


def something_is_known(probes: Experiments) -> bool:
    """Whether these rows show at all that X tells something of y."""
    return probes.relation.is_seen or probes.judge.is_something


def nothing_is_to_be_known(probes: Experiments) -> bool:
    """Whether a relation of X and y that is worth knowing would have shown, and none did.

    Where the shuffles half see one, and a network half knows of it, the two together are no chance.
    """
    found, judge = probes.relation, probes.judge
    is_half_seen = found.chance <= BY_CHANCE and judge.share < A_LITTLE
    return found.is_ruled_out and not judge.is_something and not is_half_seen


def is_as_good_on_others(probes: Experiments, lacking: float = FAILS) -> bool:
    """Whether a network knows of rows held back what can be known of them, as far as they tell.

    It may lack the part ``lacking`` of that.
    """
    if not can_be_asked(probes) or _is_beyond_doubt(probes, probes.reference.held_share):
        return False
    if not something_is_known(probes):
        return True
    own, judge = _own(probes), probes.judge
    if stands_still(probes):
        return False
    # Who has gained of his own rows as much as can be known of others is not short of steps, rate,
    # units or a start: what he lacks on others he has spent on noise.
    if 1 - own.own_end >= 1 - judge.share:
        return True
    lacks = difference(own.best, judge.left)
    if lacks.mean < lacking * (1 - judge.share):
        return True
    return not lacks.is_clear and not _only_the_judge_knows(probes)


def holds_for_others(probes: Experiments, found: Repaired) -> bool:
    """Whether a repair betters what is known of rows held back.

    What has learnt something must do clearly better at its best, and no worse at the end. What has
    learnt nothing is repaired by what learns something on the way; and where the evidence is strong
    of itself, it is enough that the repair brings most of what can be known.
    """
    if not can_be_asked(probes):
        return True
    suspicion, repair = found.suspicion, found.prescription
    if suspicion.is_proven or (suspicion.is_definite and not is_noisy(probes)):
        return True
    # What fits its own rows less than it did was not stuck: it has learnt less of their noise.
    if found.share >= probes.own.share:
        return _frees_from_learning_by_heart(probes, found)
    if _is_beyond_doubt(probes, found.held_share):
        return True
    own, repaired = _own(probes), probes.on_others(repair.text, repair.change)
    gain = difference(own.best, repaired.best)
    brings_most = something_is_known(probes) and _is_most(probes, own, gain)
    if stands_still(probes):
        return brings_most
    if _only_the_judge_knows(probes) and brings_most and _knows_something(repaired):
        return True
    if suspicion.is_strong and brings_most and _does_no_harm(own, repaired):
        return True
    if not (found.is_cured or brings_most):
        return False
    if not is_noisy(probes) and difference(own.end, repaired.end).is_clear:
        return True
    return gain.is_clear and _does_no_harm(own, repaired)


def _frees_from_learning_by_heart(probes: Experiments, found: Repaired) -> bool:
    """Whether of two trainings that both know their own rows only the repaired one knows others.

    What is far from usual was then the reason: the rows are the same, and so is their noise.
    """
    if not (found.suspicion.is_strong and found.share <= LEARNT and probes.held_rows):
        return False
    repair = found.prescription
    own, repaired = _own(probes), probes.on_others(repair.text, repair.change)
    gain = difference(own.best, repaired.best)
    is_clear = gain.is_clear and _knows_something(repaired) and _does_no_harm(own, repaired)
    return is_clear and _is_most(probes, own, gain)


def _is_most(probes: Experiments, own: OnOthers, gain: Difference) -> bool:
    """Whether a gain is most of what is lacking of what can be known."""
    lacks = min(1.0, float(own.best.mean())) - probes.judge.share
    return gain.mean >= MOST * lacks


def is_shown_by_others(own: Shares, repaired: Shares) -> bool:
    """Whether what a repair brings is on rows held back, and nothing on those trained on."""
    return repaired.share >= own.share and repaired.held_share < own.held_share


def stands_still(probes: Experiments) -> bool:
    """Whether it never gained of its own rows even a little of what can be known of others."""
    return _own(probes).gained < GAINED * max(LITTLE, 1 - probes.judge.share)


def _knows_something(one: OnOthers) -> bool:
    """Whether a training does clearly better on rows not seen than a constant answer."""
    return difference(np.ones(len(one.best)), one.best).is_clear


def _only_the_judge_knows(probes: Experiments) -> bool:
    """Whether something is known of rows not seen, and not by the training that is asked after."""
    return probes.judge.is_something and not _knows_something(_own(probes))


def _does_no_harm(own: OnOthers, repaired: OnOthers) -> bool:
    return float(repaired.end.mean()) <= float(own.end.mean()) + HARM


def _known(probes: Experiments) -> float:
    """What a well-made network leaves of rows held back; of few rows each in its turn."""
    return probes.reference.held_share if probes.held_rows else probes.judge.share


def _own(probes: Experiments) -> OnOthers:
    return probes.on_others("as it is", _unchanged)


def _unchanged(case: Any) -> Any:
    return case


def _is_beyond_doubt(probes: Experiments, held_share: float) -> bool:
    """Whether rows held back in one training tell already who knows more than a constant answer."""
    if not probes.held_rows:
        return False
    gained = min(1.0, probes.own.held_share) - held_share
    return gained > BEYOND_DOUBT / math.sqrt(probes.held_rows)
