"""Gradients that are added to those of all steps before: the update is their running sum.

Look-alike: momentum, which forgets; its second update is g2 + β g1 with β below 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.check import stepmistakes
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import true_gradient
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rates import rate_of
from chainrule.graph.op import Array

STEPS, SAME = 3, 1e-6


def _suspect(probes: Probes) -> Suspicion | None:
    program, point, rate = probes.program, probes.point, rate_of(probes)
    if rate is None or (program.gradients is None and probes.truth is None):
        return None
    gradient: Any = program.gradients or probes.truth
    p = {name: array.copy() for name, array in point.parameters.items()}
    total = {name: np.zeros(array.shape) for name, array in p.items()}
    last: dict[str, Array] = {}
    try:
        for turn in range(STEPS):
            with program.undisturbed():
                g: Any = gradient({k: a.copy() for k, a in p.items()}, point.X, point.y)
            last = {name: np.asarray(g[name], np.float64) for name in p}
            total = {name: total[name] + last[name] for name in p}
            # All steps so far from the start, because what is kept between them counts.
            with program.undisturbed():
                new = {name: array.copy() for name, array in point.parameters.items()}
                for _ in range(turn + 1):
                    before = {name: array.copy() for name, array in new.items()}
                    new = program.stepped(new, point.X, point.y)
            if not all(_near((before[k] - new[k]) / rate, total[k]) for k in p):
                return None
            p = new
    except Exception:  # a step that refuses is told by the run
        return None
    if all(_near(total[name], last[name]) for name in p):
        return None
    probes.note("the step")
    size = float(np.sqrt(sum(np.sum(a**2) for a in total.values())))
    own = float(np.sqrt(sum(np.sum(a**2) for a in last.values())))
    repair = true_gradient(probes)
    return Suspicion(
        "step",
        f"step {STEPS} moves by the sum of the gradients of all {STEPS} steps, "
        f"{size / max(own, 1e-300):.3g} times as long as its own",
        "every step moves by the gradient of its own batch",
        () if repair is None else (repair,),
        is_proven=True,
    )


def _near(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=SAME, atol=SAME * float(np.abs(b).max(initial=0.0))))


ILLNESS = Illness(
    "gradients_not_cleared", "Gradients are never cleared", _suspect,
    advice="set the sums to zero before each backward pass, or do not add: g = gradients(p, X, y)",
    mistakes=(stepmistakes.NEVER_CLEARED,),
)  # fmt: skip
