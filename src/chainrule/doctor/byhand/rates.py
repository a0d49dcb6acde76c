"""The learning rate of a step: what its updates are of the gradient, where they are a multiple."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.program import Parameters
from chainrule.doctor.byhand.truth import fitted_rate
from chainrule.graph.op import Array

#: How far updates of plain descent are from the rate times the gradient, and the rounding of
#: parameters of which they are differences.
SAME, ROUNDINGS = 1e-4, 8
#: Steps in which a rate must be the same to be told.
STEPS = 2


def rate_of(probes: Probes) -> float | None:
    """What the first update is of the gradient; an estimate where the step is no plain descent."""
    found = _updates(probes, 1)
    return None if found is None else fitted_rate(*found[0][1:])


def stated_rate(probes: Probes) -> float | None:
    """The rate as a number to be told: of a step that is plain descent, in every parameter.

    None for Adam, momentum and the like, whose updates are no multiple of the gradient.
    """
    found = _updates(probes, STEPS)
    rate = None if found is None else fitted_rate(*found[0][1:])
    if found is None or rate is None:
        return None
    is_plain = all(
        _is_multiple(before[name], updates[name], rate * g[name])
        for before, updates, g in found
        for name in g
    )
    return rate if is_plain else None


def _is_multiple(before: Array, update: Array, wanted: Array) -> bool:
    if update.shape != wanted.shape:
        return False
    eps = np.finfo(before.dtype if before.dtype.kind == "f" else np.float64).eps
    room = SAME * np.linalg.norm(wanted) + ROUNDINGS * eps * np.linalg.norm(before)
    return bool(np.linalg.norm(update - wanted) <= room)


def _updates(probes: Probes, steps: int) -> list[tuple[Parameters, Parameters, Parameters]] | None:
    """For each of some steps in a row the parameters before, their updates, and the gradients.

    The gradients are the program's own, or those of its loss; None where neither can be asked.
    """
    program, point = probes.program, probes.point
    gradient: Any = program.gradients or probes.truth
    if gradient is None:
        return None
    found = []
    try:
        with program.undisturbed():
            p = _copied(point.parameters)
            places = [p]
            for _ in range(steps):
                p = _copied(program.stepped(_copied(p), point.X, point.y))
                places.append(p)
        for before, after in pairwise(places):
            with program.undisturbed():
                theirs = gradient(_copied(before), point.X, point.y)
                g = {name: np.array(theirs[name], np.float64) for name in before}
            found.append((before, {name: before[name] - after[name] for name in before}, g))
    except Exception:  # gradients under other names, or a step that refuses these rows
        return None
    return found


def _copied(p: Parameters) -> Parameters:
    return {name: np.array(array) for name, array in p.items()}
