"""The reckoning on a program by hand: what is proven first, then what experiments cure.

Upstream first: data and shapes, the forward pass, the gradients, the step. Where one of them is
wrong, the rest is not judged, because it is not itself. Where nothing is, the program is run; and
where that fails, one thing at a time is changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from chainrule.doctor.byhand import gradient_mistakes, step_mistakes
from chainrule.doctor.byhand.illnesses import (
    AFTER_A_RUN,
    BEFORE_GRADIENTS,
    LABELS_UNRELATED,
    LOCAL_MINIMUM,
    OF_LEARNING,
    WORTH_A_TRY,
    Illness,
    Suspicion,
)
from chainrule.doctor.byhand.prescriptions import other_start
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import constant_answer
from chainrule.doctor.byhand.treating import (
    Treated,
    bare_finding,
    finding_of,
    learns,
    succeeds,
    treated,
)
from chainrule.doctor.diagnosis import CANNOT_TELL, HEALTHY, ILL, UNLUCKY, Diagnosis
from chainrule.doctor.finding import Finding, Prescription
from chainrule.doctor.held_back import (
    holds_for_others,
    is_as_good_on_others,
    may_fit_noise,
    something_is_known,
    stands_still,
)
from chainrule.doctor.summary import BY_HEART, MORE_ROWS, ROOM, nothing_is_seen, of_noise
from chainrule.doctor.yardstick import CLOSE, KNOWS_NOTHING, LEARNT

#: How sure a proof is, and a cure: a proof is a computation, a cure may have another reason.
PROVEN, CURED, GENERAL = 0.98, 0.9, 0.8
#: A run that ends below this share of a constant answer's loss has learnt most of it.
MOSTLY = 0.25
#: Starts from which a rate is compared with the program's own.
COMPARED = 6
#: A program that learns is told of what makes its loss so many times smaller, and by so much of
#: the constant answer's.
BETTER, GAIN = 0.75, 0.02


def reckon(probes: Probes) -> Diagnosis:
    """The diagnosis of a program."""
    for stage in (_before_gradients, gradient_mistakes.mistakes, step_mistakes.mistakes):
        proven = list(stage(probes))
        if proven:
            return _proven(probes, proven)
    proven = [
        (illness, found)
        for illness in AFTER_A_RUN
        if (found := illness.suspect(probes)) is not None
    ]
    if learns(probes, probes.own):
        if proven:
            return _proven(probes, proven)
        better = _much_better(probes)
        if better:
            return _ill(probes, better)
        return _diagnosis(probes, (), HEALTHY, _succeeds(probes))
    labels = LABELS_UNRELATED.suspect(probes)
    if labels is not None:
        proven.append((LABELS_UNRELATED, labels))
    if proven:
        return _proven(probes, proven)
    return _in_peace(probes) if is_as_good_on_others(probes, CLOSE) else _failing(probes)


def _in_peace(probes: Probes) -> Diagnosis:
    """The diagnosis of a program that knows of other rows what can be known of them."""
    told = _does_not_learn(probes)
    if something_is_known(probes):
        return _diagnosis(probes, (), HEALTHY, f"Nothing wrong found. {told}{of_noise()}")
    told += nothing_is_seen(probes.rows)
    if stands_still(probes):
        return _diagnosis(probes, (), CANNOT_TELL, told)
    return _diagnosis(probes, (), HEALTHY, f"Nothing wrong found. {told}")


def _before_gradients(probes: Probes) -> Iterator[tuple[Illness, Suspicion]]:
    for illness in BEFORE_GRADIENTS:
        found = illness.suspect(probes)
        if found is not None:
            yield illness, found
            return  # what comes after it is not itself


def _proven(probes: Probes, proven: list[tuple[Illness, Suspicion]]) -> Diagnosis:
    findings = []
    for place, (illness, suspicion) in enumerate(proven):
        sure = round(PROVEN / (1 + len(suspicion.rivals)) / (1 + place / 4), 2)
        found = treated(probes, illness, suspicion) if suspicion.repairs else None
        findings.append(
            bare_finding(illness, suspicion, sure)
            if found is None
            else finding_of(probes, found, sure)
        )
    probes.not_judged.append("what comes after it: repair this first, then ask again")
    rest = f" {_does_not_learn(probes)}" if _has_run(probes) else ""
    return _diagnosis(probes, tuple(findings), ILL, f"{proven[0][0].title}.{rest}")


def _much_better(probes: Probes) -> list[Treated]:
    """What a program that learns would learn far better without, if its evidence is plain."""
    found = []
    for illness in WORTH_A_TRY:
        suspicion = illness.suspect(probes)
        tried = None if suspicion is None else treated(probes, illness, suspicion)
        if tried is not None and not tried.run.failed:
            before, after = probes.own.share, tried.run.share
            is_better = after < BETTER * before and before - after > GAIN
            if is_better and holds_for_others(probes, tried):
                found.append(tried)
    return found[:1]


def _has_run(probes: Probes) -> bool:
    return "own" in vars(probes)


def _failing(probes: Probes) -> Diagnosis:
    tried = []
    for illness in OF_LEARNING:
        suspicion = illness.suspect(probes)
        found = None if suspicion is None else treated(probes, illness, suspicion)
        if found is not None:
            tried.append(found)
    cures = [found for found in tried if _cures(probes, found)]
    best = min((found.lack for found in cures), default=0.0)
    near = [f for f in cures if f.lack <= best + CLOSE or f.suspicion.is_definite]
    specific = [found for found in near if found.illness.is_specific]
    if specific:
        # It cures as well as anything does: what else cures is no second illness, and of that only
        # what has evidence of its own could be the first.
        others = tuple(
            f.illness.name for f in cures if f.illness.is_specific and f is not specific[0]
        )
        return _ill(probes, [specific[0]], rivals=others)
    own = probes.own
    if not own.failed and own.share < MOSTLY and own.best_held_share < KNOWS_NOTHING:
        # More units and other rates always bring a little; it learns.
        return _diagnosis(probes, (), HEALTHY, f"Nothing wrong found. {_does_not_learn(probes)}")
    if _is_unfinished(probes):
        return _diagnosis(
            probes, (), CANNOT_TELL,
            f"{_does_not_learn(probes)} It is too slow to be run to its end here, and still falls.",
        )  # fmt: skip
    luck = LOCAL_MINIMUM.suspect(probes)
    # Who has not been given the time has not shown anything else.
    general = sorted(cures, key=lambda found: (found.illness.name != "too_few_epochs", found.lack))
    if luck is not None:
        kept = [found for found in general if _is_no_luck(probes, found)]
        if not kept:
            return _unlucky(probes, luck, tuple(found.illness.name for found in general))
        general = kept
    if general:
        # A rate is too large or too small, and not both.
        rates = [found for found in general if found.illness.name.startswith("rate")]
        return _ill(probes, [found for found in general if found not in rates[1:]])
    if is_as_good_on_others(probes):
        told = f"Nothing wrong found. {_does_not_learn(probes)}{ROOM}"
        return _diagnosis(probes, (), HEALTHY, told)
    if _knows_its_rows_only(probes):
        # Nothing keeps it from learning.
        told = f"Nothing wrong found. {_does_not_learn(probes)}{MORE_ROWS}"
        return _diagnosis(probes, (), HEALTHY, told)
    return _diagnosis(
        probes, (), CANNOT_TELL,
        f"{_does_not_learn(probes)} None of the repairs that were tried cures the training.",
    )  # fmt: skip


def _knows_its_rows_only(probes: Probes) -> bool:
    own = probes.own
    if own.failed or probes.parts.held is None:
        return False
    return own.share <= LEARNT and own.best_held_share > KNOWS_NOTHING


def _cures(probes: Probes, found: Treated) -> bool:
    """Whether a repair brings what was lacking, for rows not seen as well.

    Where nothing is learnt and the evidence is no matter of degree, it is enough that it brings the
    program nearer.
    """
    if not found.run.share < 1:  # than a constant answer
        return False
    if found.suspicion.is_definite and stands_still(probes):
        return found.is_cured or found.lack < found.before - CLOSE
    return (found.is_cured or may_fit_noise(probes)) and holds_for_others(probes, found)


def _is_no_luck(probes: Probes, found: Treated) -> bool:
    """Whether another rate succeeds from clearly more starts than the program's own does.

    More units always do; where some starts of the same network succeed, it has enough of them.
    """
    if not found.illness.name.startswith("rate"):
        return False
    own = cured = 0
    for seed in range(1, COMPARED + 1):
        start = other_start(probes.program.seed + seed)
        plain = probes.repaired(start)
        both = probes.repaired(_one_after_the_other(start, found.prescription))
        own += plain is not None and succeeds(probes, plain)
        cured += both is not None and succeeds(probes, both)
    return cured - own >= COMPARED / 2


def _one_after_the_other(first: Prescription, second: Prescription) -> Prescription:
    return Prescription(
        f"{first.text} and {second.text}", lambda case: second.apply(first.apply(case))
    )


def _is_unfinished(probes: Probes) -> bool:
    """Whether the run was cut short while the loss still fell."""
    own, epochs = probes.own, probes.program.epochs
    if own.failed or epochs is None or own.epochs >= epochs or len(own.curve) < 4:
        return False
    return own.curve[-1][1] < 0.9 * own.curve[len(own.curve) // 2][1]


def _ill(probes: Probes, found: list[Treated], rivals: tuple[str, ...] = ()) -> Diagnosis:
    """The findings that cures prove; ``rivals`` are names that the first could have besides."""
    findings = []
    for place, one in enumerate(found):
        known = CURED if one.illness.is_specific else GENERAL
        cured = 1 - one.lack / max(one.before, 1e-9)
        findings.append(
            finding_of(probes, one, round(known * max(0.5, min(1.0, cured)) / (1 + place), 2))
        )
    first = replace(findings[0], rivals=tuple(dict.fromkeys((*findings[0].rivals, *rivals))))
    told = _does_not_learn(probes)
    if _knows_its_rows_only(probes):
        told += f"{BY_HEART}."
    return _diagnosis(probes, (first, *findings[1:]), ILL, told)


def _unlucky(probes: Probes, luck: Suspicion, rivals: tuple[str, ...]) -> Diagnosis:
    found = treated(probes, LOCAL_MINIMUM, luck)
    finding: Finding = (
        bare_finding(LOCAL_MINIMUM, luck, CURED)
        if found is None
        else finding_of(probes, found, CURED)
    )
    return _diagnosis(
        probes, (replace(finding, rivals=rivals),), UNLUCKY,
        f"{_does_not_learn(probes)} Nothing is wrong but the start.",
    )  # fmt: skip


def _does_not_learn(probes: Probes) -> str:
    own, level = probes.own, probes.yardstick.level
    if own.failed:
        return f"In training {own.failed}."
    if not math.isfinite(own.share):
        return "The outputs at the end cannot be judged beside the targets."
    return (
        f"The training ends at loss {own.share * level:.4g}, where a constant answer has "
        f"{constant_answer(probes.yardstick.targets):.4g} and a well-made network on the same rows "
        f"{probes.reference.share * level:.4g}."
    )


def _succeeds(probes: Probes) -> str:
    level = probes.yardstick.level
    return (
        f"Nothing wrong found: the loss falls to {probes.own.share * level:.4g}, where a constant "
        f"answer has {constant_answer(probes.yardstick.targets):.4g}."
    )


def _diagnosis(
    probes: Probes, findings: tuple[Finding, ...], verdict: str, summary: str
) -> Diagnosis:
    return Diagnosis(
        findings, verdict, summary, tuple(probes.examined), tuple(dict.fromkeys(probes.not_judged))
    )
