"""Training that ends before it could get anywhere: so few steps that no rate would do.

Evidence: few steps, a loss below that of the start, and success in five or twenty-five times as
many epochs, or, at a usual rate, with as many steps as ``fit`` makes and some more. Look-alikes:
``rate_too_small``, where there were steps enough, or the rate is far from usual;
``schedule_too_steep``, where the rate ends the learning and not the number of epochs.
"""

from __future__ import annotations

import math

from chainrule.doctor.case import Case
from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import more_epochs
from chainrule.doctor.probes import Probes

#: Steps below which no rate that is safe gets far; ``fit`` makes 2,000 unless told otherwise.
FEW = 200
#: How many times the epochs, and for how many steps in all at a rate that is not to be blamed: at
#: least so much of the optimizer's default. That of scikit-learn is a tenth of it.
TIMES, STEPS, USUAL = (5, 25), (2000, 8000), 0.03


def _suspect(probes: Probes) -> Suspicion | None:
    case, own = probes.case, probes.own
    if own.failed is not None or case.steps > FEW or own.share > own.curve[0][1]:
        return None
    return Suspicion(
        "epochs",
        f"training stops after {case.epochs} epochs, {case.steps} steps, while the loss still "
        "falls",
        "some hundred steps at least",
        tuple(more_epochs(times) for times in TIMES),
        tuple(more_epochs(times) for times in _with_steps(case)),
    )


def _with_steps(case: Case) -> list[int]:
    """How many times the epochs make steps enough, where the rate is one that people use."""
    optimizer = case.optimizer
    usual = getattr(type(optimizer), "learning_rate", math.inf)
    rate = optimizer.learning_rate / (1 - getattr(optimizer, "momentum", 0.0))
    if rate < USUAL * usual:
        return []
    return [times for times in (math.ceil(n / case.steps) for n in STEPS) if times > TIMES[-1]]


ILLNESS = Illness("too_few_epochs", "Training stopped too early", _suspect, goes_further=True)
