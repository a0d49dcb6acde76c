"""Treating: the experiments behind a suspicion, and how much of what is lacking each brings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import Trial, train, untrained, with_validation
from chainrule.doctor.finding import Experiment, Finding, Prescription
from chainrule.doctor.illnesses import Illness, Suspicion
from chainrule.doctor.prescriptions import another_start
from chainrule.doctor.probes import Probes

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
#: So few rows are the table of a logic gate, without noise.
FEW = 8
#: A cure leaves at most this part of what was lacking.
LEFT_BY_A_CURE = 0.35
#: Who lacks no more than this is as good as the well-made network.
AS_GOOD = 0.01
#: Where a network learns, a repair must take this part off its share of the loss, and so much.
BETTER, AND_MORE = 0.4, 0.04
#: Parameters of a network whose other starts are tried, and how many after a repair.
SMALL, OTHER_STARTS = 2000, 4
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


@dataclass(frozen=True)
class Treated(Effect):
    """An illness with the best of its repairs, and the training with it."""

    illness: Illness
    suspicion: Suspicion
    prescription: Prescription
    trial: Trial


def lack(probes: Probes, trial: Trial) -> float:
    """What a training lacks: 0 is as good as the well-made network, 1 as a constant answer."""
    if trial.failed is not None:
        return LOST
    return lacking(trial, probes.reference, has_others=trial.portions.held is not None)


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


def learns(probes: Probes, trial: Trial) -> bool:
    """Whether a training succeeds: at once where hardly any loss is left, else by the yardstick."""
    if trial.failed is not None:
        return False
    if trial.portions.held is not None and trial.best_held_share > KNOWS_NOTHING:
        return False  # what it fits it has learnt by heart
    return trial.share <= LEARNT or lack(probes, trial) <= CLOSE


def fails(probes: Probes, trial: Trial) -> bool:
    """Whether a training plainly does not succeed where a well-made network does."""
    few = len(trial.portions.train["x"]) <= FEW
    return not learns(probes, trial) and lack(probes, trial) > (FAILS_ON_FEW if few else FAILS)


def is_better(own: Trial, trial: Trial, *, is_definite: bool = False) -> bool:
    """Whether one training is clearly better than another, on its rows or on others.

    Where the evidence is no matter of degree, half the difference will do.
    """
    if trial.failed is not None:
        return False
    if own.failed is not None:
        return True
    pairs = [(own.share, trial.share), (own.held_share, trial.held_share)]
    worse = any(after > before + AND_MORE / 2 for before, after in pairs)
    half = 0.5 if is_definite else 1.0
    better = any(before - after >= half * max(AND_MORE, BETTER * before) for before, after in pairs)
    return better and not worse


def _worth(trial: Trial) -> float:
    """What is left to be learnt, of the rows trained on and of others: the lower, the better."""
    return trial.share + min(trial.held_share, LOST)


def treated(probes: Probes, illness: Illness, suspicion: Suspicion) -> Treated | None:
    """The best of an illness's repairs, each tried on a copy; None if there are none to try."""
    before = lack(probes, probes.own)
    best: Treated | None = None
    for prescription in suspicion.repairs:
        trial = probes.trial(prescription.text, prescription.change)
        left = lack(probes, trial)
        if best is None or _worth(trial) < _worth(best.trial):
            best = Treated(before, left, illness, suspicion, prescription, trial)
        # A training that is as good as done leaves nothing for the next repair to better.
        if best.lack <= AS_GOOD:
            break
    # Where the evidence is weak, another start would cure by itself and prove nothing.
    is_sure = suspicion.is_proven or (
        suspicion.is_strong and illness.is_specific and fails(probes, probes.own)
    )
    if best is None or best.lack <= CLOSE or not is_sure or not is_small(probes.case):
        return best
    return _from_other_starts(probes, best)


def _from_other_starts(probes: Probes, found: Treated) -> Treated:
    """The same repair from a better start: what was ill may have been unlucky too."""
    best, repair = found, found.prescription
    for seed in range(probes.case.seed + 1, probes.case.seed + 1 + OTHER_STARTS):
        both = then(another_start(seed), repair)
        trial = probes.trial(both.text, both.change)
        if _worth(trial) < _worth(best.trial):
            best = replace(found, prescription=both, trial=trial, lack=lack(probes, trial))
        if best.lack <= CLOSE:
            break
    return best


def then(first: Prescription, second: Prescription) -> Prescription:
    """Two repairs, one after the other."""
    return Prescription(
        f"{second.text}; and {first.text}", lambda case: second.apply(first.apply(case))
    )


def is_small(case: Case) -> bool:
    """Whether the network is one of those that have local minima, and is quick to train."""
    return sum(array.size for array in case.network.parameters.values()) <= SMALL


def finding_of(probes: Probes, found: Treated, sure: float) -> Finding:
    """The finding of a cure, with its experiment as the proof."""
    return replace(
        bare_finding(found.illness, found.suspicion, sure),
        repair=found.prescription.text,
        prescription=found.prescription,
        experiment=experiment_of(probes, found.prescription.text, found.trial),
    )


def bare_finding(illness: Illness, suspicion: Suspicion, sure: float) -> Finding:
    """The finding that the evidence alone gives."""
    first = suspicion.repairs[0] if suspicion.repairs else None
    return Finding(
        illness.name, illness.title, suspicion.where, suspicion.observed, suspicion.expected, sure,
        illness.advice if first is None else first.text, None, first, suspicion.rivals,
    )  # fmt: skip


def experiment_of(probes: Probes, changed: str, trial: Trial) -> Experiment:
    """The record of a training beside the case's own, both in the units of the case's loss."""
    own = probes.own
    rows = len(own.portions.train["x"])
    level = own.portions.level
    after = math.inf if trial.failed is not None else trial.share * level
    before = math.inf if own.failed is not None else own.loss
    budget = f"{own.epochs} epochs of {rows} rows each"
    reference = probes.reference.share * level if "reference" in vars(probes) else None
    return Experiment(changed, budget, before, after, reference=reference)


def on_validation(probes: Probes, illness: Illness, suspicion: Suspicion) -> Finding | None:
    """The finding of an illness that shows on validation rows; None if its repair does not help."""
    finding = bare_finding(illness, suspicion, 0.9)
    own = probes.with_validation
    if not suspicion.repairs or own is None:
        return finding
    tried = []
    for repair in suspicion.repairs:
        repaired = repair.apply(probes.case)
        data = with_validation(repaired)
        assert data is not None
        is_other_training = repaired.y is not probes.case.y or repaired.epochs != own.case.epochs
        if is_other_training:
            tried.append((train(repaired, data=data), repair))
        else:
            trained = replace(repaired, network=own.network)
            tried.append((replace(untrained(trained, data), epochs=own.epochs), repair))
    trial, repair = min(tried, key=lambda pair: pair[0].held_share)
    if own.failed is not None or trial.held_share > 0.9 * own.held_share:
        return None
    finding = replace(finding, repair=repair.text, prescription=repair)
    level = own.portions.held_level
    budget = f"{own.epochs} and {trial.epochs} epochs of {len(own.portions.train['x'])} rows each"
    before, after = own.held_share * level, trial.held_share * level
    proof = Experiment(repair.text, budget, before, after, "the validation rows")
    return replace(finding, experiment=proof)
