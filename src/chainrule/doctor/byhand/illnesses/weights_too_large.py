"""Weights that start far too wide: units saturate, and the outputs are wild from the start.

Evidence: a weight whose spread is many times 1/√inputs, and success from fresh weights.
Look-alikes: ``inputs_too_large`` (the same first loss, but the weights are usual);
``rate_too_large`` (the first loss is a usual one, and a fresh start does not help).
"""

from __future__ import annotations

from chainrule.doctor.byhand.chain import WIDE, spreads
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import fresh_start
from chainrule.doctor.byhand.probes import Probes

#: From so many times the usual spread on no custom is the reason; as for networks.
VERY_WIDE = 6.0


def _suspect(probes: Probes) -> Suspicion | None:
    found = spreads(probes.program.parameters, probes.layers)
    widest = max(found, key=lambda spread: spread.times, default=None)
    if widest is None or not widest.times > WIDE:
        return None
    return Suspicion(
        widest.weight,
        str(widest),
        "1 to 1.4 times: then signals keep their size from layer to layer",
        (fresh_start(probes),),
        is_strong=widest.times >= VERY_WIDE,
    )


ILLNESS = Illness("weights_too_large", "Weights start too large", _suspect)
