"""Treating: the experiments behind a suspicion, and how much of what is lacking each brings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import Trial, train, untrained, with_validation
from chainrule.doctor.finding import HELD_ROWS, Experiment, Finding, Prescription
from chainrule.doctor.held_back import is_shown_by_others
from chainrule.doctor.illnesses import Illness, Suspicion
from chainrule.doctor.prescriptions import another_start
from chainrule.doctor.probes import Probes
from chainrule.doctor.yardstick import (
    AND_MORE,
    AS_GOOD,
    BETTER,
    CLOSE,
    FAILS,
    FAILS_ON_FEW,
    FEW,
    KNOWS_NOTHING,
    LEARNT,
    LOST,
    Effect,
    gains_nothing,
    lacking,
)

#: Parameters of a network whose other starts are tried, and how many after a repair.
SMALL, OTHER_STARTS = 2000, 4


@dataclass(frozen=True)
class Treated(Effect):
    """An illness with the best of its repairs, and the training with it."""

    illness: Illness
    suspicion: Suspicion
    prescription: Prescription
    trial: Trial

    @property
    def share(self) -> float:
        """What is left of the rows trained on."""
        return self.trial.share

    @property
    def held_share(self) -> float:
        """What is left of the rows held back."""
        return self.trial.held_share


def lack(probes: Probes, trial: Trial) -> float:
    """What a training lacks: 0 is as good as the well-made network, 1 as a constant answer."""
    if trial.failed is not None:
        return LOST
    # Who has gained nothing of his own rows may know a few others, but only by chance.
    has_others = trial.portions.held is not None and trial.share <= KNOWS_NOTHING
    return lacking(trial, probes.reference, has_others=has_others)


def learns(probes: Probes, trial: Trial) -> bool:
    """Whether a training succeeds: at once where hardly any loss is left, else by the yardstick."""
    if trial.failed is not None:
        return False
    if trial.portions.held is not None and trial.best_held_share > KNOWS_NOTHING:
        return False  # what it fits it has learnt by heart
    return trial.share <= LEARNT or lack(probes, trial) <= CLOSE


def fails(probes: Probes, trial: Trial) -> bool:
    """Whether a training plainly does not succeed where a well-made network does."""
    if learns(probes, trial):
        return False
    few = len(trial.portions.train["x"]) <= FEW
    is_far = lack(probes, trial) > (FAILS_ON_FEW if few else FAILS)
    return is_far or _stands_still(probes, trial)


def succeeds(probes: Probes, trial: Trial) -> bool:
    """Whether a training succeeds, and not because its start happened to be good."""
    return learns(probes, trial) and not _stands_still(probes, trial)


def _stands_still(probes: Probes, trial: Trial) -> bool:
    start, best = trial.curve[0][1], probes.reference.share
    return trial.epochs > 0 and gains_nothing(start, trial.share, best)


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
    for prescription in (*suspicion.repairs, *suspicion.otherwise):
        if best is not None and best.is_cured and prescription in suspicion.otherwise:
            break
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
    budget = f"{own.epochs} epochs of {rows} rows each"
    known = probes.reference if "reference" in vars(probes) else None
    if is_shown_by_others(own, trial):
        level = own.portions.held_level
        return Experiment(
            changed, budget, own.held_share * level, trial.held_share * level, HELD_ROWS,
            None if known is None else known.held_share * level,
        )  # fmt: skip
    after = math.inf if trial.failed is not None else trial.share * level
    before = math.inf if own.failed is not None else own.loss
    reference = None if known is None else known.share * level
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
