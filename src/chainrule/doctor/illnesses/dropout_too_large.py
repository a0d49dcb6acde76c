"""Dropout so strong that too little of a layer is left to tell the rows apart.

Evidence: a layer of Dropout drops much, and the training succeeds where it drops less. Look-alikes:
``too_few_units``, where nothing is dropped; ``overfitting``, which dropout cures and does not
cause.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import milder_dropout
from chainrule.doctor.probes import Probes
from chainrule.nn.layers import Dropout

#: Rates below this are usual everywhere (Srivastava et al. 2014 take 0.2 for inputs, 0.5 for
#: hidden units) and not asked after.
MUCH = 0.3


def _suspect(probes: Probes) -> Suspicion | None:
    rates = [layer.rate for layer in probes.case.network.layers if isinstance(layer, Dropout)]
    if not rates or max(rates) < MUCH:
        return None
    return Suspicion(
        "the layers of Dropout",
        f"they drop up to {max(rates):.0%} of what a layer gives",
        "so much that enough is left to tell the rows apart, 0.1 to 0.5",
        (milder_dropout(),),
    )


ILLNESS = Illness("dropout_too_large", "Too much is dropped", _suspect)
