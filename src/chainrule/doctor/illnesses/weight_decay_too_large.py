"""Weight decay so strong that nothing can be learnt against its pull towards 0.

Evidence: the optimizer has a decay, and the training succeeds with a hundredth of it, or none.
Look-alikes: ``rate_too_small`` and ``too_few_units``, where loosening the decay changes nothing;
``weights_too_small``, which is so before the first step.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import optimizer_with
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    decay = probes.case.optimizer.weight_decay
    if not decay:
        return None
    return Suspicion(
        "weight_decay of the optimizer",
        f"weight_decay={decay:g} pulls every weight towards 0 in each step",
        "a pull that the gradient of the loss overcomes, often 1e-4 to 1e-2",
        (optimizer_with(weight_decay=decay / 100), optimizer_with(weight_decay=0.0)),
    )


ILLNESS = Illness("weight_decay_too_large", "Weight decay too large", _suspect)
