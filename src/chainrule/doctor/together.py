"""Together: two illnesses at a time, of which neither repair alone cures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chainrule.doctor.diagnosis import ILL, Diagnosis
from chainrule.doctor.finding import Finding
from chainrule.doctor.illnesses import OF_LEARNING
from chainrule.doctor.probes import Probes
from chainrule.doctor.treating import bare_finding, experiment_of, fails, then

#: How sure of each of two: the experiment proves both together.
SURE = 0.7


def two_at_a_time(probes: Probes, reckon: Callable[[Probes], Diagnosis]) -> tuple[Finding, ...]:
    """Repair what the evidence is strong for, and ask again: the findings that cure together."""
    for illness in OF_LEARNING:
        suspicion = illness.suspect(probes) if illness.is_specific else None
        if suspicion is None or not suspicion.is_strong or not suspicion.repairs:
            continue
        first = suspicion.repairs[0]
        rest = reckon(Probes(first.apply(probes.case), probes.tell))
        second = rest.findings[0] if rest.verdict == ILL else None
        if second is None or second.prescription is None or second.experiment is None:
            continue
        both = then(first, second.prescription)
        trial = probes.trial(both.text, both.change)
        if fails(probes, trial):
            continue
        proof = experiment_of(probes, both.text, trial)
        found = replace(bare_finding(illness, suspicion, SURE), prescription=both, experiment=proof)
        return found, replace(second, sure=SURE, prescription=both, experiment=proof)
    return ()
