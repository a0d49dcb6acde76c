"""Weights that start far too narrow: the signal fades from layer to layer, and the gradient too.

Evidence: a weight whose spread is a small part of 1/√inputs, and success from fresh weights.
Look-alikes: ``zero_weights`` (a spread of 0, which is not asked after here); ``inputs_too_small``
(the weights are usual); ``rate_too_small`` (a larger rate cures, a fresh start does not).
"""

from __future__ import annotations

from chainrule.doctor.byhand.chain import spreads
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import fresh_start
from chainrule.doctor.byhand.probes import Probes

#: In units of 1/√inputs. Usual starts have 0.6 (uniform, LeCun) to 1.4 (He et al. 2015).
SMALL = 0.35


def _suspect(probes: Probes) -> Suspicion | None:
    found = [s for s in spreads(probes.program.parameters, probes.layers) if s.times > 0]
    narrowest = min(found, key=lambda spread: spread.times, default=None)
    if narrowest is None or not narrowest.times < SMALL:
        return None
    return Suspicion(
        narrowest.weight,
        str(narrowest),
        "1 to 1.4 times: then signals keep their size from layer to layer",
        (fresh_start(probes),),
    )


ILLNESS = Illness("weights_too_small", "Weights start too small", _suspect)
