"""A parameter that the step leaves as it is, though its gradient is not 0; or all of them.

Evidence: it is the same after the step, bit for bit, at a point where its true gradient is not 0;
of a step that updates nothing at all, that a whole run leaves every parameter so. Look-alikes:
``frozen_parameter``, where the gradient itself is missing; ``integer_parameters``, where the update
is cut off after the point, which is asked before; a loop that adds gradients up for some batches
and updates then, which its run clears; a rate so small that updates are rounded away, which shows
beside parameters that are as small.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.check import stepmistakes
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import prescription
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.doctor.byhand.rebuilt import USUAL_RATE
from chainrule.doctor.finding import Prescription

#: Beside parameters this small, no update that is made at all is rounded away.
TINY = 1e-100


def _suspect(probes: Probes) -> Suspicion | None:
    program = probes.program
    if _moves(probes, 1.0) or _moves(probes, TINY):
        return None
    own = probes.own
    if own.failed or not own.steps or not _same(own.parameters, program.parameters):
        return None
    repair = _in_place(probes)
    return Suspicion(
        f"step, in {', '.join(program.parameters)}",
        f"after {own.steps} steps every parameter is what it was before, bit for bit",
        "every step moves the parameters against their gradients",
        () if repair is None else (repair,),
        is_proven=True,
    )


def _moves(probes: Probes, times: float) -> bool:
    """Whether a step changes usual parameters, so many times as large."""
    program, point = probes.program, probes.point
    start = {name: times * array for name, array in point.parameters.items()}
    try:
        with program.undisturbed():
            held = {name: array.copy() for name, array in start.items()}
            return not _same(program.stepped(held, point.X, point.y), start)
    except Exception:  # a step that refuses is told by the run
        return True


def _same(a: Parameters, b: Parameters) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in b)


def _in_place(probes: Probes) -> Prescription | None:
    """The program's own gradients (or those of its loss), put to use; None if there are none."""
    gradients: Any = probes.program.gradients or probes.truth
    if gradients is None:
        return None

    def step(p: Parameters, X: Any, y: Any) -> Parameters:
        g = gradients(p, X, y)
        return {name: array - USUAL_RATE * g[name] for name, array in p.items()}

    def change(program: Program) -> Program:
        return replace(program, step=step)

    return prescription(f"p[name] -= {USUAL_RATE:g} * g[name] for every parameter", change)


ILLNESS = Illness(
    "never_updated", "The step updates nothing", _suspect,
    advice='write into the arrays that step is given, p["W1"] -= rate * g["W1"], or return a dict '
    'of the new ones: W1 = W1 - ... binds a name inside step, and p["W1"] stays',
    mistakes=(stepmistakes.NEVER_UPDATED,),
)  # fmt: skip
