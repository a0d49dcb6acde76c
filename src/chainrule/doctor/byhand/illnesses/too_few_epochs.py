"""A training that ends while the loss still falls: more of the same cures it.

Look-alikes: ``rate_too_small``, where three times as long is not nearly enough, and
``too_few_units``, where no time helps.
"""

from __future__ import annotations

from dataclasses import replace

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import prescription
from chainrule.doctor.byhand.probes import Probes

#: How many times as long is tried, and by how much the last third of a run must still have fallen.
TIMES, FALLEN = 3, 0.1


def _suspect(probes: Probes) -> Suspicion | None:
    own, epochs = probes.own, probes.program.epochs
    if own.failed or epochs is None or probes.program.batches is None:
        return None
    before = next(row[1] for row in own.curve if row[0] >= 2 * own.epochs / 3)
    if own.curve[-1][1] > (1 - FALLEN) * before:
        return None
    longer = TIMES * epochs
    return Suspicion(
        "epochs",
        f"in the last third of {own.epochs} epochs the loss fell from {before:.3g} to "
        f"{own.curve[-1][1]:.3g} of a constant answer's",
        "a loss that has come to rest",
        (
            prescription(
                f"epochs = {longer} instead of {epochs}",
                lambda program: replace(program, epochs=longer),
            ),
        ),
    )


ILLNESS = Illness("too_few_epochs", "Training ends too early", _suspect, is_specific=False)
