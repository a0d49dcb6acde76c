"""Batches cut from rows that lie sorted: each step sees one class, and undoes the step before.

Look-alikes: ``rate_too_large`` (a sawtooth too, from mixed batches); rows in no order, of which
batches may be cut as they lie.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import shuffled_batches
from chainrule.doctor.probes import Probes

#: What a batch's targets vary, beside those of all rows: 1 for batches drawn at random, whose size
#: the expectation takes into account. Shuffled rows stay above 0.9 (measured), sorted below 0.3.
MIXED = 0.7


def _suspect(probes: Probes) -> Suspicion | None:
    case = probes.case
    if case.shuffle or probes.variety_in_batches > MIXED:
        return None
    return Suspicion(
        "the order of the rows",
        f"the targets of a batch differ by {probes.variety_in_batches:.0%} of what they would in a "
        "batch drawn at random",
        "about 100%: a step then speaks for all rows",
        (shuffled_batches(),),
        is_strong=True,
        is_definite=True,
    )


ILLNESS = Illness("sorted_batches", "Batches of sorted rows", _suspect)
