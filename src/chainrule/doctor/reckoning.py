"""The reckoning: which suspicions are put to the test, and which of those that hold comes first.

Upstream first, and the effect of an intervention before any threshold. A cause is named only where
its own repair cures; where only luck was missing, that is said; and where the training succeeds,
nothing is said about how.
"""

from __future__ import annotations

from dataclasses import replace

from chainrule.doctor.diagnosis import CANNOT_TELL, HEALTHY, ILL, UNLUCKY, Diagnosis
from chainrule.doctor.experiment import Trial
from chainrule.doctor.finding import Finding
from chainrule.doctor.illnesses import LABELS_UNRELATED, LOCAL_MINIMUM, OF_LEARNING
from chainrule.doctor.prescriptions import another_start
from chainrule.doctor.probes import Probes
from chainrule.doctor.treating import (
    CLOSE,
    Treated,
    bare_finding,
    finding_of,
    lack,
    learns,
    treated,
)

#: Other starts that are tried before a failure is put down to its start, and how many must succeed
#: of them; a repair that is no luck succeeds from so many more of the starts.
STARTS, LUCKY, MORE = 8, 0.25, 0.4
#: Experiments a step of which is so cheap that all starts are tried; else two.
CHEAP_PARAMETERS = 2000


def reckon(probes: Probes) -> Diagnosis:
    """The diagnosis of a case whose data can be trained on."""
    own = probes.own
    if learns(probes, own):
        return _diagnosis(probes, (), HEALTHY, _succeeds(probes))
    labels = LABELS_UNRELATED.suspect(probes)
    if labels is not None:
        finding = bare_finding(LABELS_UNRELATED, labels, 0.9)
        return _diagnosis(probes, (finding,), ILL, "There is nothing in X that tells y.")
    return _failing(probes)


def _failing(probes: Probes) -> Diagnosis:
    """The diagnosis of a training that does not succeed on data that can be learnt."""
    tried = []
    for illness in OF_LEARNING:
        suspicion = illness.suspect(probes)
        found = None if suspicion is None else treated(probes, illness, suspicion)
        if found is not None:
            tried.append(found)
    cures = [found for found in tried if found.is_cured]
    best = min((found.lack for found in cures), default=0.0)
    near = [found for found in cures if found.lack <= best + CLOSE]
    specific = [found for found in near if found.illness.is_specific]
    if specific:
        others = sorted((f for f in cures if f is not specific[0]), key=lambda f: f.lack)
        return _ill(probes, [specific[0], *others])
    general = sorted(cures, key=lambda found: found.lack)
    luck = _lucky_starts(probes)
    if luck:
        kept = [found for found in general if _is_no_luck(probes, found, len(luck))]
        if not kept:
            return _unlucky(probes, luck, general)
        general = kept
    if general:
        return _ill(probes, general)
    return _diagnosis(
        probes, (), CANNOT_TELL,
        f"{_does_not_learn(probes)} None of the repairs that were tried cures it.",
    )  # fmt: skip


def _ill(probes: Probes, found: list[Treated]) -> Diagnosis:
    findings = [finding_of(probes, one, _sure(one, place)) for place, one in enumerate(found)]
    return _diagnosis(probes, tuple(findings), ILL, _does_not_learn(probes))


def _sure(found: Treated, place: int) -> float:
    """How sure: by how much is cured, less where another cure comes before it."""
    cured = 1 - found.lack / max(found.before, 1e-9)
    known = 0.95 if found.illness.is_specific else 0.85
    return round(known * min(1.0, cured) / (1 + place), 2)


def _lucky_starts(probes: Probes) -> list[int]:
    """The seeds, among the first few others, from which the same network succeeds."""
    if LOCAL_MINIMUM.suspect(probes) is None:
        return []
    parameters = sum(array.size for array in probes.case.network.parameters.values())
    count = STARTS if parameters <= CHEAP_PARAMETERS else 2
    seeds = [probes.case.seed + i for i in range(1, count + 1)]
    lucky = [seed for seed in seeds if learns(probes, _from(probes, seed, None))]
    return lucky if len(lucky) >= LUCKY * count else []


def _is_no_luck(probes: Probes, found: Treated, lucky: int) -> bool:
    """Whether a repair succeeds from clearly more starts than the case itself does."""
    seeds = [probes.case.seed + i for i in range(1, STARTS + 1)]
    cured = sum(learns(probes, _from(probes, seed, found)) for seed in seeds)
    return cured - lucky >= MORE * STARTS


def _from(probes: Probes, seed: int, found: Treated | None) -> Trial:
    """The case trained from another start, with a repair or without."""
    start = another_start(seed)
    if found is None:
        return probes.trial(start.text, start.change)
    repair = found.prescription
    return probes.trial(
        f"{start.text} and {repair.text}", lambda case: repair.apply(start.apply(case))
    )


def _unlucky(probes: Probes, seeds: list[int], general: list[Treated]) -> Diagnosis:
    suspicion = LOCAL_MINIMUM.suspect(probes)
    assert suspicion is not None
    start = another_start(seeds[0])
    trial = probes.trial(start.text, start.change)
    found = Treated(
        LOCAL_MINIMUM, suspicion, start, trial, lack(probes, probes.own), lack(probes, trial)
    )
    rivals = tuple(one.illness.name for one in general)
    finding = replace(finding_of(probes, found, 0.9), rivals=rivals)
    return _diagnosis(
        probes, (finding,), UNLUCKY,
        f"{_does_not_learn(probes)} Nothing is wrong but the start: from {len(seeds)} of the other "
        "seeds tried the same network succeeds.",
    )  # fmt: skip


def _does_not_learn(probes: Probes) -> str:
    own, reference = probes.own, probes.reference
    level = own.portions.level
    if own.failed is not None:
        return f"The training ends in numbers that are not finite, by epoch {own.failed}."
    return (
        f"The training ends at loss {own.loss:.4g}, where a constant answer has {level:.4g} and a "
        f"well-made network on the same rows {reference.share * level:.4g}."
    )


def _succeeds(probes: Probes) -> str:
    own = probes.own
    return (
        f"Nothing wrong found: the loss falls to {own.loss:.4g}, where a constant answer has "
        f"{own.portions.level:.4g}."
    )


def _diagnosis(
    probes: Probes, findings: tuple[Finding, ...], verdict: str, summary: str
) -> Diagnosis:
    return Diagnosis(findings, verdict, summary, tuple(probes.examined), ())
