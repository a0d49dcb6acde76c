"""Mistakes in a backward pass: what ``check_gradients`` names, with the training that proves it.

The check is made with fresh parameters and scaled rows, where no start and no scale of the data
hides a mistake or looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from chainrule.check import Mistake, kinds
from chainrule.doctor.byhand.illnesses import GRADIENTS, Illness, Suspicion, called
from chainrule.doctor.byhand.prescriptions import true_gradient
from chainrule.doctor.byhand.probes import Probes

#: Parameters that the loss does not use, or that are frozen on purpose, keep nobody from learning.
HARMLESS = (kinds.UNUSED, kinds.NOISE, kinds.NOT_DETERMINISTIC)


def mistakes(probes: Probes) -> Iterator[tuple[Illness, Suspicion]]:
    """The illnesses that the check of the gradients proves; first who has evidence besides."""
    report = probes.gradients
    if report is None or report.ok:
        return
    for illness in GRADIENTS:
        found = illness.suspect(probes)
        if found is not None:
            yield illness, found
            return
    for mistake in report.mistakes:
        named = called(mistake.kind, GRADIENTS)
        if named is not None:
            title = f"In the gradients: {mistake.kind}"
            advice = _for_any_batch(mistake.repair, len(probes.point.X))
            yield replace(named, title=title, advice=advice), _suspicion(probes, mistake)


def _for_any_batch(repair: str, rows: int) -> str:
    """A repair that was found on so many rows, as it is typed for batches of any."""
    return re.sub(rf"/ {rows}\b", "/ len(X)", repair)


def _suspicion(probes: Probes, mistake: Mistake) -> Suspicion:
    report = probes.gradients
    assert report is not None
    wrong = [name for name in mistake.parameters if name in report.parameters]
    first = report.parameters[wrong[0]] if wrong else None
    number = ""
    if first is not None and first.slope is not None and first.residual is not None:
        number = (
            f" (the gradient of {wrong[0]} is {first.slope:.4g} times the true one, and "
            f"{first.residual:.1%} of it points elsewhere)"
        )
    repair = true_gradient(probes)
    place = f"{mistake.place}: {mistake.line.strip()}" if mistake.place else "gradients"
    return Suspicion(
        f"{place}, in {', '.join(mistake.parameters)}" if mistake.parameters else place,
        f"{mistake.what}{number}",
        "1 times the true gradient with nothing left over, as the chain rule gives it",
        () if repair is None else (repair,),
        is_proven=True,
        rivals=tuple(_name(rival.kind) for rival in mistake.rivals),
    )


def _name(kind: str) -> str:
    known = called(kind, GRADIENTS)
    return kind.replace(" ", "_") if known is None else known.name
