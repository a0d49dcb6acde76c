"""No activation between the layers: however many, together they are one linear layer.

Look-alikes: a linear network for a linear task, which an activation does not better, also where it
is trained too little (``rate_too_small``): a single layer, trained well, tells. A network without a
bias and with ReLU passes f(2x) = 2 f(x) and is not linear, so what is asked is whether
f(x + y) + f(0) = f(x) + f(y).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import hidden_activation
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    if len(probes.starts) < 2 or probes.curvature > 1e-4 or probes.a_plane_suffices:
        return None
    return Suspicion(
        "the hidden layers",
        f"what they compute is linear: f(x + y) + f(0) - f(x) - f(y) is {probes.curvature:.0e} of "
        "the size of f",
        "0.05 or more for a network with tanh, relu or sigmoid in its hidden layers",
        (hidden_activation("tanh"), hidden_activation("relu")),
        is_strong=True,
    )


ILLNESS = Illness("no_hidden_activation", "No activation in the hidden layers", _suspect)
