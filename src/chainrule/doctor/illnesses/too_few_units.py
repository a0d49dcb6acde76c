"""Too few units: no start of this network succeeds, and a wider one does.

Look-alikes: ``local_minimum`` (some starts succeed), ``weights_too_small`` (fresh weights cure).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import wider
from chainrule.doctor.probes import Probes
from chainrule.nn.layers import Dense

#: A layer of so few units is narrower than what almost any task needs.
VERY_FEW = 2


def _suspect(probes: Probes) -> Suspicion | None:
    layers = [layer for layer in probes.case.network.layers if isinstance(layer, Dense)]
    if len(layers) < 2:
        return None
    narrowest = min(layer.units for layer in layers[:-1])
    return Suspicion(
        "the hidden layers",
        f"the narrowest has {narrowest} unit{'s' if narrowest != 1 else ''}",
        "enough for what the rows have in common: the same network succeeds when it is wider",
        (wider(2, 4), wider(4, 16), wider(8, 48)),
        is_strong=narrowest <= VERY_FEW,
    )


ILLNESS = Illness("too_few_units", "Too few units", _suspect, is_specific=False, goes_further=True)
