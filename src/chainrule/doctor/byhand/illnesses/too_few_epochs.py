"""A training that ends while the loss still falls: more of the same cures it.

After a few steps it has hardly begun to fall, and much more of the same is tried. Look-alikes:
``rate_too_small``, where three times as long is not nearly enough of many steps, and
``too_few_units``, where no time helps.
"""

from __future__ import annotations

from dataclasses import replace

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import prescription
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.finding import Prescription

#: How many times as long is tried, and by how much the last third of a run must still have fallen.
TIMES, FALLEN = (3,), 0.1
#: Fewer steps than these get nowhere at any rate; then so many times as long is tried as well.
FEW, MANY_TIMES = 200, (10, 30, 100)


def _suspect(probes: Probes) -> Suspicion | None:
    own, epochs = probes.own, probes.program.epochs
    if own.failed or epochs is None or probes.program.batches is None:
        return None
    are_few = own.steps < FEW
    times, fallen = ((*TIMES, *MANY_TIMES), 0.0) if are_few else (TIMES, FALLEN)
    # Of so few steps the last ones are noise; all of them together must have brought something.
    since = 0.0 if are_few else 2 * own.epochs / 3
    before = [row[1] for row in own.curve if row[0] <= since][-1]
    if not own.curve[-1][1] < (1 - fallen) * before:
        return None
    during = f"{own.steps} steps" if are_few else f"the last third of {own.epochs} epochs"
    return Suspicion(
        "epochs",
        f"in {during} the loss fell from {before:.3g} to {own.curve[-1][1]:.3g} of a constant "
        "answer's",
        "a loss that has come to rest",
        tuple(_longer(epochs, many) for many in times),
        is_strong=are_few,
    )


def _longer(epochs: int, times: int) -> Prescription:
    return prescription(
        f"epochs = {times * epochs} instead of {epochs}",
        lambda program: replace(program, epochs=times * epochs),
    )


ILLNESS = Illness("too_few_epochs", "Training ends too early", _suspect, is_specific=False)
