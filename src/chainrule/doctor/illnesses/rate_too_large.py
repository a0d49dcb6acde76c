"""A learning rate too large: the steps jump over the valley, or out of it.

Look-alikes: ``inputs_too_large`` and ``weights_too_large``, which a smaller rate may ease and only
their own repair cures; ``missing_mean`` (a loss that sums is a rate times the number of rows).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import another_rate
from chainrule.doctor.probes import Probes
from chainrule.optim.optimizers import LBFGS

#: What the rate is multiplied by, one after the other until it learns.
#: No training that falls comes so far above both its start and a constant answer's loss.
WILD = 1.5
FACTORS = (0.3, 0.1, 0.03, 0.01, 0.001, 0.0001)


def _suspect(probes: Probes) -> Suspicion | None:
    case = probes.case
    if isinstance(case.optimizer, LBFGS):
        return None
    rate, own = case.optimizer.learning_rate, probes.own
    highest = max(row[1] for row in own.curve[1:]) if len(own.curve) > 1 else 0.0
    if own.failed is not None:
        seen = f"the numbers were not finite any more by epoch {own.failed}"
    else:
        level = own.portions.level
        seen = f"the loss ends at {own.loss:.4g}, after up to {highest * level:.4g} on the way"
    return Suspicion(
        f"learning_rate of {type(case.optimizer).__name__}",
        f"with the rate {rate:.3g} {seen}",
        "a rate at which the loss falls: the largest safe one is set by the curvature, and found "
        "by trying smaller ones",
        tuple(another_rate(factor, rate) for factor in FACTORS),
        is_strong=highest > WILD * max(1.0, own.curve[0][1]),
    )


ILLNESS = Illness("rate_too_large", "Learning rate too large", _suspect, is_specific=False)
