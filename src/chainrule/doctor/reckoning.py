"""The reckoning: which suspicions are put to the test, and which of those that hold comes first.

Upstream first, and the effect of an intervention before any threshold. A cause is named only where
its own repair cures; where only luck was missing, that is said; and where the training succeeds,
nothing is said about how, unless what it computes is not what is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from chainrule.doctor.case import copied
from chainrule.doctor.diagnosis import CANNOT_TELL, HEALTHY, ILL, UNLUCKY, Diagnosis
from chainrule.doctor.experiment import Trial
from chainrule.doctor.finding import Experiment, Finding
from chainrule.doctor.held_back import (
    can_be_asked,
    holds_for_others,
    is_as_good_on_others,
    is_noisy,
    may_fit_noise,
    something_is_known,
    stands_still,
)
from chainrule.doctor.illnesses import (
    LABELS_UNRELATED,
    LOCAL_MINIMUM,
    OF_EVALUATION,
    OF_LEARNING,
    OF_MEANING,
)
from chainrule.doctor.prescriptions import another_start
from chainrule.doctor.probes import Probes
from chainrule.doctor.summary import by_heart, course, nothing_is_seen, of_noise, room
from chainrule.doctor.together import two_at_a_time
from chainrule.doctor.treating import (
    Treated,
    bare_finding,
    fails,
    finding_of,
    is_better,
    is_small,
    lack,
    learns,
    on_validation,
    succeeds,
    then,
    treated,
)
from chainrule.doctor.yardstick import CLOSE, LEARNT

#: Other starts that are tried before a failure is put down to anything but its start: of XOR with
#: two ReLU one in eight succeeds. A repair that is no luck succeeds from so many more of them.
STARTS, MORE = 16, 0.4


def reckon(probes: Probes, *, is_last: bool = False) -> Diagnosis:
    """The diagnosis of a case whose data can be trained on.

    ``is_last`` asks for one illness only, as when one of two has been repaired already.
    """
    findings = _of_meaning(probes)
    if findings:
        return _diagnosis(probes, findings, ILL, course(probes), _DOWNSTREAM)
    if _is_another_network(probes):
        return _of_the_network_given(probes)
    failing = not learns(probes, probes.own)
    labels = LABELS_UNRELATED.suspect(probes)
    if labels is not None:
        finding = bare_finding(LABELS_UNRELATED, labels, 0.8)
        told = "A well-made network finds nothing in X that tells y."
        return _diagnosis(probes, [finding], ILL, told, _DOWNSTREAM)
    behind = failing and fails(probes, probes.own)
    failing = behind and not is_as_good_on_others(probes)
    found = _of_learning(probes, failing)
    if found:
        return _ill(probes, found)
    # Who knows its own rows is stuck nowhere: rate, units and start are not what it lacks.
    if failing and not _knows_its_rows(probes):
        return _without_evidence(probes, is_last)
    findings = _of_evaluation(probes)
    if findings:
        return _diagnosis(probes, findings, ILL, course(probes))
    return _in_peace(probes, behind)


def _in_peace(probes: Probes, behind: bool) -> Diagnosis:
    """The diagnosis of a network with which nothing is wrong, ``behind`` another though it be."""
    if not behind or not can_be_asked(probes) or _knows_its_rows(probes):
        left = room(probes)
    elif something_is_known(probes):
        left = of_noise()
    else:
        left = nothing_is_seen(probes.rows)
        if stands_still(probes):
            return _diagnosis(probes, [], CANNOT_TELL, f"{course(probes)}{left}")
    return _diagnosis(probes, [], HEALTHY, f"Nothing wrong found. {course(probes)}{left}")


def _is_another_network(probes: Probes) -> bool:
    """Whether the training succeeds when it is repeated, and the network handed over does not.

    Then its seed was another, or its parameters come from somewhere else.
    """
    trained = probes.as_given
    if trained is None or trained.share <= LEARNT or not learns(probes, probes.own):
        return False
    return fails(probes, trained)


def _of_the_network_given(probes: Probes) -> Diagnosis:
    """The diagnosis of parameters that no training from the case's seed leads to."""
    case, trained = probes.case, probes.as_given
    assert case.trained is not None
    assert trained is not None
    onward = replace(case, network=copied(case.trained), trained=None)
    found = reckon(Probes(onward, probes.tell))
    told = (
        f"The network as it was given has loss {trained.loss:.4g}, and the same training from "
        f"seed {case.seed} ends at {probes.own.loss:.4g}."
    )
    # Weights grow while they learn: of their start only what is definite can still be told.
    if found.findings and found.findings[0].name == "zero_weights":
        return replace(found, summary=f"{told} Trained on from where it is: {found.summary}")
    start = another_start(case.seed)
    proof = Experiment(start.text, f"{probes.own.epochs} epochs", trained.loss, probes.own.loss)
    finding = Finding(
        LOCAL_MINIMUM.name, LOCAL_MINIMUM.title, "the start", told,
        "the same loss from most starts", 0.8, start.text, proof, start,
    )  # fmt: skip
    return _diagnosis(probes, [finding], UNLUCKY, told)


_DOWNSTREAM = ("what lies downstream of the finding: repair it, and ask again",)


def _of_meaning(probes: Probes) -> list[Finding]:
    findings = []
    for illness in OF_MEANING:
        suspicion = illness.suspect(probes)
        if suspicion is None:
            continue
        found = treated(probes, illness, suspicion)
        findings.append(
            bare_finding(illness, suspicion, 0.98)
            if found is None
            else finding_of(probes, found, 0.98)
        )
    return findings


def _of_learning(probes: Probes, failing: bool) -> list[Treated]:
    """What has evidence of its own and is cured by its repair, the cause to name first in front.

    Of a network that learns, only what is far from usual is asked after.
    """
    cures = []
    for illness in OF_LEARNING:
        if failing and not illness.is_specific:
            continue  # its turn comes when nothing with evidence cures
        suspicion = illness.suspect(probes)
        if suspicion is None or not (failing or suspicion.is_strong):
            continue
        found = treated(probes, illness, suspicion)
        if (
            found is not None
            and (
                found.is_cured or may_fit_noise(probes)
                if failing
                else is_better(probes.own, found.trial, is_definite=suspicion.is_definite)
            )
            and holds_for_others(probes, found)
        ):
            cures.append(found)
    best = min((found.lack for found in cures), default=0.0)
    near = [found for found in cures if found.lack <= best + CLOSE]
    return [*near, *[found for found in cures if found not in near]]


def _general(probes: Probes) -> list[Treated]:
    """Cures without evidence of their own, the best first."""
    cures = []
    for illness in OF_LEARNING:
        suspicion = None if illness.is_specific else illness.suspect(probes)
        found = None if suspicion is None else treated(probes, illness, suspicion)
        learns_some = found is not None and found.trial.share < 1
        if found is not None and learns_some and (found.is_cured or may_fit_noise(probes)):
            cures.append(found)
    return sorted(cures, key=lambda found: found.lack)


def _without_evidence(probes: Probes, is_last: bool) -> Diagnosis:
    """The diagnosis where nothing but an experiment can tell: luck, the rate, the width."""
    every = _general(probes)
    general = [one for one in every if holds_for_others(probes, one)]
    luck = _lucky_starts(probes)
    is_by_heart = any(one.is_cured and one not in general for one in every)
    if luck and not holds_for_others(probes, _with_luck(probes, luck[0])):
        luck, is_by_heart = [], True
    if luck:
        kept = [found for found in general if _is_no_luck(probes, found, len(luck))]
        if not kept:
            return _unlucky(probes, luck, general)
        general = kept
    if general:
        return _ill(probes, general)
    # With noise two repairs fit these rows better than one, and prove no more.
    alone = is_last or is_by_heart or is_noisy(probes)
    two = () if alone else two_at_a_time(probes, partial(reckon, is_last=True))
    if two:
        return _diagnosis(probes, two, ILL, f"{course(probes)} Two things are wrong together.")
    told = "the training" + (" for rows held back" if is_by_heart else "")
    return _diagnosis(
        probes, [], CANNOT_TELL,
        f"{course(probes)} None of the repairs that were tried cures {told}.",
    )  # fmt: skip


def _ill(probes: Probes, found: list[Treated]) -> Diagnosis:
    findings = [finding_of(probes, one, _sure(one, place)) for place, one in enumerate(found)]
    return _diagnosis(probes, findings, ILL, f"{course(probes)}{by_heart(probes)}")


def _sure(found: Treated, place: int) -> float:
    """How sure: by how much is cured, less where another cure comes before it."""
    cured = 1 - found.lack / max(found.before, 1e-9)
    known = 0.95 if found.illness.is_specific else 0.85
    return round(known * max(0.5, min(1.0, cured)) / (1 + place), 2)


def _lucky_starts(probes: Probes) -> list[int]:
    """The seeds, among the first few others, from which the same network succeeds."""
    if LOCAL_MINIMUM.suspect(probes) is None:
        return []
    count = STARTS if is_small(probes.case) else 2
    seeds = [probes.case.seed + i for i in range(1, count + 1)]
    return [seed for seed in seeds if succeeds(probes, _from(probes, seed, None))]


def _is_no_luck(probes: Probes, found: Treated, lucky: int) -> bool:
    """Whether a repair succeeds from clearly more starts than the case itself does.

    More units always do, where luck is needed; so a wider network is no cure of its own.
    """
    if found.illness.name == "too_few_units":
        return False
    seeds = [probes.case.seed + i for i in range(1, STARTS + 1)]
    cured = sum(succeeds(probes, _from(probes, seed, found)) for seed in seeds)
    return cured - lucky >= MORE * STARTS


def _from(probes: Probes, seed: int, found: Treated | None) -> Trial:
    """The case trained from another start, with a repair or without."""
    start = another_start(seed)
    if found is None:
        return probes.trial(start.text, start.change)
    both = then(start, found.prescription)
    return probes.trial(both.text, both.change)


def _with_luck(probes: Probes, seed: int) -> Treated:
    """The case from another start."""
    suspicion = LOCAL_MINIMUM.suspect(probes)
    assert suspicion is not None
    start = another_start(seed)
    trial = probes.trial(start.text, start.change)
    return Treated(
        lack(probes, probes.own), lack(probes, trial), LOCAL_MINIMUM, suspicion, start, trial
    )


def _unlucky(probes: Probes, seeds: list[int], general: list[Treated]) -> Diagnosis:
    found = _with_luck(probes, seeds[0])
    rivals = tuple(one.illness.name for one in general)
    finding = replace(finding_of(probes, found, 0.9), rivals=rivals)
    return _diagnosis(
        probes, [finding], UNLUCKY,
        f"{course(probes)} Nothing is wrong but the start: from {len(seeds)} of the other seeds "
        "tried the same network succeeds.",
    )  # fmt: skip


def _of_evaluation(probes: Probes) -> list[Finding]:
    for illness in OF_EVALUATION:
        suspicion = illness.suspect(probes)
        finding = None if suspicion is None else on_validation(probes, illness, suspicion)
        if finding is not None:
            return [finding]
    return []


def _knows_its_rows(probes: Probes) -> bool:
    return probes.own.failed is None and probes.own.share <= LEARNT


def _diagnosis(
    probes: Probes, findings: Sequence[Finding], verdict: str, summary: str,
    not_judged: tuple[str, ...] = (),
) -> Diagnosis:  # fmt: skip
    return Diagnosis(tuple(findings), verdict, summary, tuple(probes.examined), not_judged)
