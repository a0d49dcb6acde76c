"""Layer after layer of sigmoid: each takes the gradient down, and the first hardly get any.

A sigmoid's slope is at most 1/4, so that k layers pass at most (1/4)^k on. Look-alikes:
``weights_too_small`` (the start is to blame), ``rate_too_small`` (all layers move alike).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import hidden_activation
from chainrule.doctor.probes import Probes

#: Hidden layers of saturating units from which on it is asked, and the first layer's gradient
#: beside the last one's: about 1 in tanh networks of any depth that start as they should (measured:
#: 0.26 to 1.1 on digits, 1 to 8 layers), 0.047 and less for two layers of sigmoid and more.
LAYERS, FADED = 2, 0.1
SATURATING = ("sigmoid", "tanh", "softmax")


def _suspect(probes: Probes) -> Suspicion | None:
    hidden = [u for u in probes.first_units if u.is_hidden and u.activation in SATURATING]
    if len(hidden) < LAYERS:
        return None
    ratio = probes.gradient_ratio
    if ratio > FADED:
        return None
    return Suspicion(
        f"the {len(hidden)} hidden layers of {hidden[0].activation}",
        f"the gradient of the first layer's weights is {ratio:.1g} of that of the last layer's",
        "much the same size in all layers",
        (hidden_activation("tanh"), hidden_activation("relu"))
        if hidden[0].activation != "tanh"
        else (hidden_activation("relu"),),
    )


ILLNESS = Illness("vanishing_gradient", "The gradient fades on its way back", _suspect)
