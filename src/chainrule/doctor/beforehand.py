"""Before training: data that cannot be trained on, and what the data and the start tell."""

from __future__ import annotations

import math
from dataclasses import replace

from chainrule.doctor.case import Case
from chainrule.doctor.diagnosis import CANNOT_TELL, HEALTHY, ILL, Diagnosis
from chainrule.doctor.experiment import portions, train
from chainrule.doctor.finding import Experiment, Finding
from chainrule.doctor.illnesses import AT_THE_START, OF_DATA, OF_MEANING
from chainrule.doctor.probes import Probes
from chainrule.doctor.treating import bare_finding
from chainrule.errors import ChainruleError

_DOWNSTREAM = ("everything else: nothing can be computed with such data",)


def before_training(case: Case) -> Diagnosis | None:
    """The diagnosis of data that no network can be trained on; None where they are in order."""
    for module in OF_DATA:
        suspicion = module.suspect(case)
        if suspicion is None:
            continue
        finding = bare_finding(module.ILLNESS, suspicion, 0.98)
        if suspicion.repairs and case.epochs:
            finding = _proved(case, finding)
        summary = f"The data cannot be learnt from as they are: {finding.where}."
        return Diagnosis((finding,), ILL, summary, ("data", "targets"), _DOWNSTREAM)
    return None


def at_the_start(probes: Probes) -> Diagnosis:
    """The diagnosis of the data and of the start alone, without any training.

    What is wrong in itself is said; what is only unusual may do no harm, so that it is not.
    """
    findings, unusual = [], []
    for illness in (*OF_MEANING, *AT_THE_START):
        suspicion = illness.suspect(probes)
        if suspicion is None:
            continue
        if suspicion.is_proven or suspicion.is_definite:
            findings.append(bare_finding(illness, suspicion, 0.9 if suspicion.is_proven else 0.7))
        elif suspicion.is_strong:
            unusual.append(bare_finding(illness, suspicion, 0.4))
    verdict = ILL if findings else CANNOT_TELL if unusual else HEALTHY
    summary = {
        ILL: "Something is wrong before training begins.",
        CANNOT_TELL: "Something is unusual; whether it does harm, only training tells.",
        HEALTHY: "Nothing wrong found in the data and the start.",
    }[verdict]
    return Diagnosis(
        (*findings, *unusual), verdict, summary, tuple(probes.examined), ("training (epochs=0)",)
    )


def _proved(case: Case, finding: Finding) -> Finding:
    """The finding with a training of the repaired case, if the repair is all that it takes."""
    repaired = finding.apply(case)
    try:
        trial = train(repaired, data=portions(repaired))
    except ChainruleError:
        return finding
    after = math.inf if trial.failed is not None else trial.loss
    budget = f"{trial.epochs} epochs of {len(trial.portions.train['x'])} rows each"
    return replace(finding, experiment=Experiment(finding.repair, budget, math.inf, after))
