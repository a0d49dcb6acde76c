"""A learning rate too small: the loss falls, but by a hair in each epoch.

Look-alikes: ``weights_too_small`` and ``inputs_too_small``, which their own repair cures at the
same rate; a training that only needs more epochs.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import another_rate
from chainrule.doctor.probes import Probes
from chainrule.optim.optimizers import LBFGS

#: What the rate is multiplied by, one after the other until it learns.
FACTORS = (10.0, 100.0, 1000.0, 10000.0, 3.0, 30.0, 300.0)


def _suspect(probes: Probes) -> Suspicion | None:
    case, own = probes.case, probes.own
    if isinstance(case.optimizer, LBFGS) or own.failed is not None:
        return None
    first, last = own.curve[0][1] * own.portions.level, own.loss
    if last > first * 1.05:
        return None
    rate = case.optimizer.learning_rate
    return Suspicion(
        f"learning_rate of {type(case.optimizer).__name__}",
        f"with the rate {rate:.3g} the loss goes from {first:.4g} to {last:.4g} in {own.epochs} "
        "epochs",
        "a loss that falls most of the way in that time, as it does with a larger rate",
        tuple(another_rate(factor, rate) for factor in FACTORS),
    )


ILLNESS = Illness("rate_too_small", "Learning rate too small", _suspect, is_specific=False)
