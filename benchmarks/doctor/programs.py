"""Every program of the bench, by what it is made of; and each one trained, diagnosed and marked."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from doctor.byhand import script
from doctor.cures import cured
from doctor.faults import FAULTS
from doctor.handfaults import HAND_FAULTS
from doctor.handodd import HAND_ODD
from doctor.handtraining import HAND_SHOWN, hand_dead, hand_healthy, hand_scores, quiet
from doctor.hosts import present
from doctor.networks import ACTIVATIONS, plan
from doctor.odd import ODD
from doctor.training import SHOWN, dead, handed, harms, healthy, learnt, scores

NETWORK, BY_HAND = "network", "by hand"
ILL, HARMLESS, HEALTHY, UNFIT = "ill", "harmless", "healthy", "unfit"

#: By the program's fault: what else is a right answer, and why.
ALSO_RIGHT = {
    # It was injected as a rate, and lowering the rate cures it.
    "dying_relu": ("rate_too_large",),
    # Whole numbers are the cause of both.
    "integers_perturbed": ("integer_parameters",),
}


@dataclass(frozen=True)
class Spec:
    """What a program is made of: ``kind`` is a fault's name or that of a healthy program."""

    side: str
    is_fault: bool
    kind: str
    host: str
    activation: str
    seed: int

    @property
    def generator(self) -> np.random.Generator:
        """The random numbers of the fault: the same in every process."""
        return np.random.default_rng([self.seed, sum(map(ord, self.kind + self.host))])


@dataclass(frozen=True)
class Mark:
    """What became of a program: is it ill, what did the doctor say, did its repair cure?

    Attributes:
        state: "ill", "harmless" (a fault that does no harm), "healthy", or "unfit" (a program
            that should be healthy and does not learn: it is not counted).
        effect: what the fault does.
        verdict: the doctor's; "" if it was not asked, "error" if it raised.
        names: its findings in order. right: the names that are right answers.
        cured: whether its first repair led to the healthy program's loss; None without a repair.
    """

    spec: Spec
    state: str
    effect: str
    right: tuple[str, ...] = ()
    verdict: str = ""
    names: tuple[str, ...] = ()
    cured: bool | None = None
    seconds: float = 0.0
    error: str = ""


def specs(
    half: str, *, kinds: Sequence[str] = (), hosts: Sequence[str] = (), sides: Sequence[str] = (),
    seeds: int = 5,
) -> list[Spec]:  # fmt: skip
    """Every program of a half, faulty ones and healthy ones; XNOR is there for its minima alone."""
    found = []
    tables = (
        (NETWORK, True, FAULTS), (BY_HAND, True, HAND_FAULTS),
        (NETWORK, False, ODD), (BY_HAND, False, HAND_ODD),
    )  # fmt: skip
    for side, is_fault, table in tables:
        for kind in table:
            for name, host in present().items():
                if host.half != half or (name == "xnor" and kind != "local_minimum"):
                    continue
                if (kinds and kind not in kinds) or (hosts and name not in hosts):
                    continue
                if sides and side not in sides:
                    continue
                found += [
                    Spec(side, is_fault, kind, name, activation, seed)
                    for activation in ACTIVATIONS
                    for seed in range(seeds)
                ]
    return [spec for spec in found if program(spec) is not None]


def program(spec: Spec) -> Any:
    """The program of a spec: a plan, a script, or None where the fault cannot be."""
    host = present()[spec.host]
    if spec.side == NETWORK:
        change = (FAULTS if spec.is_fault else ODD)[spec.kind]
        return change(plan(host, spec.activation, spec.seed), spec.generator)
    by_hand = (HAND_FAULTS if spec.is_fault else HAND_ODD)[spec.kind]
    return by_hand(script(host, spec.activation, spec.seed), spec.generator)


def marked(spec: Spec, doctor: bool = True, cures: bool = True) -> Mark:
    """Train the program, ask the doctor, grade the answer, and try the repair."""
    made = program(spec)
    is_network = spec.side == NETWORK
    found = (scores if is_network else hand_scores)(made)
    key = (spec.host, spec.activation, spec.seed)
    if not spec.is_fault:
        state = HEALTHY if learnt(made, found) else UNFIT
        mark = Mark(spec, state, f"{found.train:.3g}")
    else:
        twins, shown = (healthy, SHOWN) if is_network else (hand_healthy, HAND_SHOWN)
        effect = harms(spec.kind, made, found, twins(*key), shown)  # type: ignore[arg-type]
        mark = Mark(spec, ILL if effect else HARMLESS, effect, _right(spec, made))
    if not doctor or mark.state == UNFIT:
        return mark
    return _diagnosed(mark, made, cures)


def _right(spec: Spec, made: Any) -> tuple[str, ...]:
    right = (spec.kind, *ALSO_RIGHT.get(spec.kind, ()))
    # A rate so large that it kills the units may be told by either name.
    has_died = dead if spec.side == NETWORK else hand_dead
    if spec.kind == "rate_too_large" and spec.activation == "relu" and has_died(made):
        return (*right, "dying_relu")
    return right


def _diagnosed(mark: Mark, made: Any, cures: bool) -> Mark:
    import chainrule as cr

    began = time.perf_counter()
    try:
        with quiet():
            if mark.spec.side == NETWORK:
                network, history = handed(made)
                began = time.perf_counter()
                diagnosis = cr.diagnose(
                    network, made.data.X, made.data.y, history=history, **made.options()
                )
            else:
                diagnosis = cr.diagnose(**made.options())
        seconds = time.perf_counter() - began
        names = tuple(finding.name for finding in diagnosis.findings)
        outcome, error = None, ""
        if cures and mark.state == ILL and diagnosis.findings:
            outcome, error = cured(diagnosis, made, mark.spec)
        return Mark(
            mark.spec, mark.state, mark.effect, mark.right, diagnosis.verdict, names,
            outcome, seconds, error,
        )  # fmt: skip
    except Exception:  # a doctor that raises has said nothing; the table counts it
        told = traceback.format_exc(limit=-3)
        return Mark(mark.spec, mark.state, mark.effect, mark.right, "error", error=told)
