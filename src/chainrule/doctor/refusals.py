"""Refusals: data that cannot be trained on, said before anything is computed."""

from __future__ import annotations

import math
from dataclasses import replace

from chainrule.doctor.case import Case
from chainrule.doctor.diagnosis import ILL, Diagnosis
from chainrule.doctor.experiment import portions, train
from chainrule.doctor.finding import Experiment, Finding
from chainrule.doctor.illnesses import OF_DATA
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
