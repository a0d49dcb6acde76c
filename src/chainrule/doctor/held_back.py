"""Rows held back: what of a training, and of a repair, holds for rows that were not learnt from.

A repair that fits the rows better may only learn their noise by heart. Where there are rows enough
to tell, each claim is made of rows not seen, as a difference beside its standard error.
"""

from __future__ import annotations

import math

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import FEWEST_TO_HOLD, Trial
from chainrule.doctor.probes import Probes
from chainrule.doctor.probes.others import OnOthers, difference
from chainrule.doctor.treating import Treated
from chainrule.doctor.yardstick import FAILS, GAINED, LEARNT

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
#: Who has gained less than a tenth of this of his own rows has not even begun to learn their noise.
LITTLE = 0.05
#: Of targets that have nothing to do with X, so few seem to by chance.
RARE = 0.01


def can_be_asked(probes: Probes) -> bool:
    """Whether there are rows to hold back, and numbers to compare."""
    return len(probes.case.X) >= FEWEST_TO_HOLD and probes.own.failed is None


def is_noisy(probes: Probes) -> bool:
    """Whether noise is most of the loss, so that the rows trained on prove nothing."""
    return can_be_asked(probes) and probes.reference.held_share > 1 - LEARNT


def may_fit_noise(probes: Probes) -> bool:
    """Whether a network can fit more than can be known; then no repair has to fit so much."""
    if not can_be_asked(probes):
        return False
    spent = probes.reference.held_share - probes.reference.share
    return is_noisy(probes) or spent > SPENT_ON_NOISE


def something_is_known(probes: Probes) -> bool:
    """Whether these rows show at all that X tells something of y."""
    return probes.relation.chance <= RARE or probes.judge.is_something


def is_as_good_on_others(probes: Probes) -> bool:
    """Whether a network knows of rows held back what can be known of them, as far as they tell."""
    if not can_be_asked(probes) or _is_beyond_doubt(probes.own, probes.reference.held_share):
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
    return not lacks.is_clear or lacks.mean < FAILS * (1 - judge.share)


def holds_for_others(probes: Probes, found: Treated) -> bool:
    """Whether a repair betters what is known of rows held back.

    What has learnt something must do clearly better at its best, and no worse at the end. What has
    learnt nothing is repaired by what learns something on the way.
    """
    if not can_be_asked(probes):
        return True
    suspicion, repair = found.suspicion, found.prescription
    if suspicion.is_proven or (suspicion.is_definite and not is_noisy(probes)):
        return True
    if _is_beyond_doubt(probes.own, found.trial.held_share):
        return True
    own, repaired = _own(probes), probes.on_others(repair.text, repair.change)
    gain = difference(own.best, repaired.best)
    lacks = min(1.0, float(own.best.mean())) - probes.judge.share
    brings_most = something_is_known(probes) and gain.mean >= MOST * lacks
    if stands_still(probes):
        return brings_most
    if not (found.is_cured or brings_most):
        return False
    if not is_noisy(probes) and difference(own.end, repaired.end).is_clear:
        return True
    return gain.is_clear and float(repaired.end.mean()) <= float(own.end.mean()) + HARM


def stands_still(probes: Probes) -> bool:
    """Whether it never gained of its own rows even a little of what can be known of others."""
    return _own(probes).gained < GAINED * max(LITTLE, 1 - probes.judge.share)


def _own(probes: Probes) -> OnOthers:
    return probes.on_others("as it is", _unchanged)


def _unchanged(case: Case) -> Case:
    return case


def _is_beyond_doubt(own: Trial, held_share: float) -> bool:
    """Whether rows held back in one training tell already who knows more than a constant answer."""
    held = own.portions.held
    if held is None:
        return False
    return min(1.0, own.held_share) - held_share > BEYOND_DOUBT / math.sqrt(len(held["x"]))
