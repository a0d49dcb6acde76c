"""Batches of one kind only: the rows lie sorted, and the loop takes them as they lie.

Look-alike: ``rate_too_large``, whose loss jumps too; there the batches are mixed.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import shuffled_batches
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import VALUES, Targets, targets_of

#: How much of the targets' variety a batch has: shuffled ones nearly all (0.96 measured on digits
#: with 32 rows), sorted ones hardly any (0.09).
LITTLE = 0.6


def variety(probes: Probes) -> float:
    """The mean variety of the targets within a batch, over that of all rows."""
    probes.note("the targets of each batch")
    program, parts = probes.program, probes.parts
    with program.undisturbed():
        batches = [np.array(y) for _, y in program.epoch(parts.X, parts.y)]
    if len(batches) < 2:
        return 1.0
    found = [_variety(targets_of(y, probes.columns), parts.targets) for y in batches if len(y) > 1]
    whole = _variety(parts.targets, parts.targets)
    return float(np.mean(found)) / whole if found and whole > 0 else 1.0


def _variety(batch: Targets, whole: Targets) -> float:
    if whole.kind == VALUES:
        return float(np.mean(np.asarray(batch.meant, np.float64).std(axis=0)))
    if batch.kind == VALUES:  # a batch of one class only reads like a constant value
        return 0.0
    shares = np.bincount(batch.meant) / len(batch.meant)
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log(shares)))


def _suspect(probes: Probes) -> Suspicion | None:
    if probes.program.batches is None:
        return None
    found = variety(probes)
    if found > LITTLE:
        return None
    return Suspicion(
        "batches",
        f"a batch has {found:.0%} of the variety of targets that all rows have",
        "nearly all of it: then each step goes about the way that all rows would",
        (shuffled_batches(),),
    )


ILLNESS = Illness("sorted_batches", "Sorted batches", _suspect)
