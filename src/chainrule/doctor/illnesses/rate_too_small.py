"""A learning rate too small: the loss falls, but by a hair in each epoch.

Look-alikes: ``weights_too_small`` and ``inputs_too_small``, which their own repair cures at the
same rate; ``too_few_epochs``, where there are few steps; noise that nobody learns, and networks too
small, whose loss has come to rest.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.experiment import Trial
from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.illnesses.too_few_epochs import FEW
from chainrule.doctor.prescriptions import another_rate
from chainrule.doctor.probes import Probes
from chainrule.optim.optimizers import LBFGS, Optimizer

#: What the rate is multiplied by, one after the other until it learns.
FACTORS = (10.0, 100.0, 1000.0, 10000.0, 3.0, 30.0, 300.0)
#: Where the optimizer's own default is further away than that, it is tried, times these.
OF_THE_DEFAULT = (1.0, 10.0, 0.1, 0.01)
#: So much is left to be learnt, and the second half of the training brings so much of what the
#: first did: then it goes on as it began. Healthy networks of the tuning bench with 0.25 left
#: brought at most 0.19, those at a thousandth of their rate 0.57 and more, but for XOR's plateaus.
LEFT, STRAIGHT = 0.4, 0.5


def _suspect(probes: Probes) -> Suspicion | None:
    case, own = probes.case, probes.own
    if isinstance(case.optimizer, LBFGS) or own.failed is not None:
        return None
    first, last = own.curve[0][1] * own.portions.level, own.loss
    if last > first * 1.05:
        return None
    rate = case.optimizer.learning_rate
    # A start that happens to be better than a constant answer is nothing learnt.
    left = LEFT * min(1.0, own.curve[0][1])
    return Suspicion(
        f"learning_rate of {type(case.optimizer).__name__}",
        f"with the rate {rate:.3g} the loss goes from {first:.4g} to {last:.4g} in {own.epochs} "
        "epochs",
        "a loss that falls most of the way in that time, as it does with a larger rate",
        tuple(another_rate(factor, rate) for factor in _factors(case.optimizer)),
        is_strong=case.steps > FEW and own.share > left and _second_half(own) > STRAIGHT,
    )


def _factors(optimizer: Optimizer) -> tuple[float, ...]:
    """What the rate is multiplied by: as far as the usual rates, however small it is."""
    rate = optimizer.learning_rate
    usual = getattr(type(optimizer), "learning_rate", rate) / rate
    if usual <= max(FACTORS):
        return FACTORS
    return (*(usual * times for times in OF_THE_DEFAULT), *FACTORS)


def _second_half(own: Trial) -> float:
    """What the loss fell in the second half of a training, beside what it fell in the first."""
    epochs, shares = [row[0] for row in own.curve], [row[1] for row in own.curve]
    middle = float(np.interp(epochs[-1] / 2, epochs, shares))
    first = shares[0] - middle
    return (middle - shares[-1]) / first if first > 0 else 0.0


ILLNESS = Illness(
    "rate_too_small", "Learning rate too small", _suspect, is_specific=False, goes_further=True
)
