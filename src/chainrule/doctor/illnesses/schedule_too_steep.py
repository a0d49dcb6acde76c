"""A schedule that brings the learning rate down before anything is learnt.

Evidence: the training has a schedule, and succeeds at the rate with which it begins. Look-alikes:
``rate_too_small`` and ``too_few_epochs``, where leaving out the schedule changes nothing.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import constant_rate
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    if probes.case.schedule is None:
        return None
    return Suspicion(
        "schedule",
        "the schedule changes the learning rate while training",
        "a rate that stays large enough until the loss has fallen",
        (constant_rate(),),
    )


ILLNESS = Illness("schedule_too_steep", "A schedule that ends the learning", _suspect)
