"""ReLU units that die while training: large steps push them below 0 for every row, for good.

Look-alike: ``dead_biases`` (dead before the first step). Below half of the units nothing is said:
many healthy networks have a third.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import another_rate, hidden_activation
from chainrule.doctor.probes import Probes
from chainrule.optim.optimizers import LBFGS

#: The share of dead units from which on it is asked, and how many of them must have died.
MANY, GREW = 0.5, 0.2
#: Of fewer units a share says nothing.
FEWEST = 4


def _suspect(probes: Probes) -> Suspicion | None:
    if probes.own.failed is not None or isinstance(probes.case.optimizer, LBFGS):
        return None
    for before, after in zip(probes.first_units, probes.last_units, strict=True):
        count = after.outputs.shape[1]
        if not after.is_hidden or after.activation != "relu" or count < FEWEST:
            continue
        if after.dead >= MANY and after.dead - before.dead >= GREW:
            rate = probes.case.optimizer.learning_rate
            rates = tuple(another_rate(factor, rate) for factor in (0.3, 0.1, 0.03))
            return Suspicion(
                f"layer {after.place + 1}",
                f"{after.dead:.0%} of its units are 0 for every row after training, "
                f"{before.dead:.0%} before",
                "well below half: a unit that is 0 everywhere gets no gradient and stays so",
                (*rates, hidden_activation("leaky_relu")),
                is_strong=True,
                rivals=("rate_too_large",),
            )
    return None


ILLNESS = Illness("dying_relu", "ReLU units die", _suspect)
