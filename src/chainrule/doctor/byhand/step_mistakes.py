"""Mistakes of the update: what ``check_step`` names where the backward pass itself is right.

Optimizers with a state are not mistakes: an update that momentum or Adam would make is let be, and
so is one that nothing explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.check import GradientReport, Mistake, check_step
from chainrule.doctor.byhand.illnesses import STEP, Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import true_gradient
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rates import rate_of
from chainrule.optim.optimizers import AdaGrad, Adam, Optimizer, RMSProp


def mistakes(probes: Probes) -> Iterator[tuple[Illness, Suspicion]]:
    """The illnesses that the check of the step proves; first who has evidence besides."""
    report = probes.updates
    for illness in STEP:
        found = illness.suspect(probes)
        if found is not None:
            yield illness, found
            return
    if report is None or report.ok or _follows_gradients(probes) or _is_an_optimizers(probes):
        return
    for illness in STEP:
        for kind in illness.mistakes:
            several = [mistake for mistake in report.mistakes if mistake.kind == kind]
            if several:
                together = tuple(p for mistake in several for p in mistake.parameters)
                mistake = replace(several[0], parameters=together)
                told = replace(illness, title=f"In the step: {kind}", advice=mistake.repair)
                yield told, _suspicion(probes, report, mistake)


def _follows_gradients(probes: Probes) -> bool:
    """Whether the step goes along the program's own gradients, taken before it.

    Then the step is right, and what is wrong with it is for the gradients to tell.
    """
    program, point, rate = probes.program, probes.point, rate_of(probes)
    if program.gradients is None or not rate:
        return False
    held = {name: array.copy() for name, array in point.parameters.items()}
    with program.undisturbed():
        g: Any = program.gradients(held, point.X, point.y)
        theirs = {name: np.array(g[name], np.float64) for name in point.parameters}
    with program.undisturbed():
        new = program.stepped(
            {name: array.copy() for name, array in point.parameters.items()}, point.X, point.y
        )
    return all(
        np.allclose(array - new[name], rate * theirs[name], rtol=1e-6, atol=1e-12)
        for name, array in point.parameters.items()
    )


def _is_an_optimizers(probes: Probes) -> bool:
    """Whether a usual optimizer with a state makes these updates.

    The first update of Adam and its like is the rate, or some times the rate, in every entry.
    """
    program, point, loss = probes.program, probes.point, probes.loss
    assert loss is not None
    held = {name: array.copy() for name, array in point.parameters.items()}
    with program.undisturbed():
        new = program.stepped(held, point.X, point.y)
    sizes = np.concatenate(
        [np.abs(point.parameters[name] - new[name]).ravel() for name in point.parameters]
    )
    middle = float(np.median(sizes))
    if middle == 0 or np.mean(np.abs(sizes - middle) < 0.01 * middle) < 0.5:
        return False
    candidates: tuple[Optimizer, ...] = (
        Adam(middle), AdaGrad(middle), RMSProp(middle * float(np.sqrt(0.1))),
    )  # fmt: skip
    for optimizer in candidates:
        try:
            with program.undisturbed():
                if check_step(
                    lambda p: program.step(p, point.X, point.y), point.parameters,
                    lambda p: loss(p, point.X, point.y), optimizer=optimizer,
                ).ok:  # fmt: skip
                    return True
        except Exception:  # a state that does not take these parameters
            continue
    # Entries of one size and no descent: an optimizer that is not known here.
    return True


def _suspicion(probes: Probes, report: GradientReport, mistake: Mistake) -> Suspicion:
    repair = true_gradient(probes)
    worst = next((report.parameters[n] for n in mistake.parameters if n in report.parameters), None)
    number = ""
    if worst is not None and worst.slope is not None and worst.residual is not None:
        number = (
            f" (the update of {worst.name} is {worst.slope:.4g} times the wanted one, and "
            f"{worst.residual:.1%} of it points elsewhere)"
        )
    return Suspicion(
        f"step, in {', '.join(mistake.parameters)}",
        f"{mistake.what}{number}",
        "every parameter moves against its own gradient, all of them taken before any is changed",
        () if repair is None else (repair,),
        is_proven=True,
    )
