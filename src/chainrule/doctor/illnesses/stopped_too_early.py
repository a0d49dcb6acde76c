"""Training that ends before it could get anywhere: few steps, or a rate that a schedule ends.

Look-alike: ``rate_too_small``, where there were steps enough.
"""

from __future__ import annotations

import math

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import constant_rate, more_epochs
from chainrule.doctor.probes import Probes

#: Steps below which no rate that is safe gets far; ``fit`` makes 2,000 unless told otherwise.
FEW = 200


def _epochs(probes: Probes) -> Suspicion | None:
    case, own = probes.case, probes.own
    rows = len(case.X)
    steps = case.epochs * math.ceil(rows / min(case.batch_size or rows, rows))
    if own.failed is not None or steps > FEW or own.share > own.curve[0][1]:
        return None
    return Suspicion(
        "epochs",
        f"training stops after {case.epochs} epochs, {steps} steps, while the loss still falls",
        "some hundred steps at least",
        (more_epochs(5), more_epochs(25)),
    )


def _schedule(probes: Probes) -> Suspicion | None:
    if probes.case.schedule is None:
        return None
    return Suspicion(
        "schedule",
        "the schedule changes the learning rate while training",
        "a rate that stays large enough until the loss has fallen",
        (constant_rate(),),
    )


EPOCHS = Illness("too_few_epochs", "Training stopped too early", _epochs)
SCHEDULE = Illness("schedule_too_steep", "A schedule that ends the learning", _schedule)
