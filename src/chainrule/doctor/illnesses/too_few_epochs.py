"""Training that ends before it could get anywhere: so few steps that no rate would do.

Evidence: few steps, a loss below that of the start, and success in five or twenty-five times as
many epochs. Look-alikes: ``rate_too_small``, where there were steps enough; ``schedule_too_steep``,
where the rate ends the learning and not the number of epochs.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import more_epochs
from chainrule.doctor.probes import Probes

#: Steps below which no rate that is safe gets far; ``fit`` makes 2,000 unless told otherwise.
FEW = 200


def _suspect(probes: Probes) -> Suspicion | None:
    case, own = probes.case, probes.own
    if own.failed is not None or case.steps > FEW or own.share > own.curve[0][1]:
        return None
    return Suspicion(
        "epochs",
        f"training stops after {case.epochs} epochs, {case.steps} steps, while the loss still "
        "falls",
        "some hundred steps at least",
        (more_epochs(5), more_epochs(25)),
    )


ILLNESS = Illness("too_few_epochs", "Training stopped too early", _suspect, goes_further=True)
