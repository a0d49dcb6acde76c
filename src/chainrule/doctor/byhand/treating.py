"""Treating programs by hand: how much a run lacks, and what a repair brings back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import constant
from chainrule.doctor.byhand.running import Run
from chainrule.doctor.finding import HELD_ROWS, Experiment, Finding, Prescription
from chainrule.doctor.held_back import is_shown_by_others
from chainrule.doctor.yardstick import (
    CLOSE,
    KNOWS_NOTHING,
    LEARNT,
    LOST,
    Effect,
    gains_nothing,
    lacking,
)


@dataclass(frozen=True)
class Treated(Effect):
    """An illness with the best of its repairs, and the run with it."""

    illness: Illness
    suspicion: Suspicion
    prescription: Prescription
    run: Run

    @property
    def share(self) -> float:
        """What is left of the rows trained on."""
        return self.run.share

    @property
    def held_share(self) -> float:
        """What is left of the rows held back."""
        return self.run.held_share


def lack(probes: Probes, found: Run) -> float:
    """What a run lacks: 0 is as good as the well-made network, 1 as a constant answer."""
    if found.failed or not math.isfinite(found.share):
        return LOST
    return lacking(found, probes.reference, has_others=probes.parts.held is not None)


def learns(probes: Probes, found: Run) -> bool:
    """Whether a run succeeds: at once where hardly any loss is left, else by the yardstick."""
    if found.failed or not math.isfinite(found.share):
        return False
    if probes.parts.held is not None and found.best_held_share > KNOWS_NOTHING:
        return False
    return found.share <= LEARNT or lack(probes, found) <= CLOSE


def succeeds(probes: Probes, found: Run) -> bool:
    """Whether a run succeeds, and not because its start happened to be good."""
    start, best = found.curve[0][1], probes.reference.share
    return learns(probes, found) and not gains_nothing(start, found.share, best)


def treated(probes: Probes, illness: Illness, suspicion: Suspicion) -> Treated | None:
    """The best of an illness's repairs, each tried on a copy; None if none could be tried."""
    before = lack(probes, probes.own)
    best: Treated | None = None
    for prescription in suspicion.repairs:
        found = probes.repaired(prescription)
        if found is None:
            continue
        left = lack(probes, found)
        if best is None or left < best.lack:
            best = Treated(before, left, illness, suspicion, prescription, found)
        if best.lack <= CLOSE / 3:
            break
    return best


def bare_finding(illness: Illness, suspicion: Suspicion, sure: float) -> Finding:
    """The finding that the evidence alone gives."""
    first = suspicion.repairs[0] if suspicion.repairs else None
    repair = illness.advice or ("" if first is None else first.text)
    return Finding(
        illness.name, illness.title, suspicion.where, suspicion.observed, suspicion.expected, sure,
        repair, None, first, suspicion.rivals,
    )  # fmt: skip


def finding_of(probes: Probes, found: Treated, sure: float) -> Finding:
    """The finding of a repair that was tried, with its experiment."""
    return replace(
        bare_finding(found.illness, found.suspicion, sure),
        repair=found.illness.advice or found.prescription.text,
        prescription=found.prescription,
        experiment=experiment_of(probes, found.prescription.text, found.run),
    )


def experiment_of(probes: Probes, changed: str, found: Run) -> Experiment:
    """A run beside the program's own, in the judge's loss."""
    own, level = probes.own, probes.yardstick.level
    budget = f"{own.epochs} epochs of {len(probes.parts.X)} rows each"
    held, known = probes.yardstick.held, probes.reference
    if held is not None and is_shown_by_others(own, found):
        level = constant(held)
        return Experiment(
            changed, budget, own.held_share * level, found.held_share * level, HELD_ROWS,
            known.held_share * level,
        )  # fmt: skip
    return Experiment(
        changed, budget, own.share * level, found.share * level, reference=known.share * level
    )
