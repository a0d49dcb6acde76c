"""Weights that start far too wide: units saturate, or the outputs are wild from the start.

Look-alikes: ``inputs_too_large`` (the same first loss, but the inputs are large),
``rate_too_large`` (the first loss is a usual one).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import fresh_starts, rescaled_weights
from chainrule.doctor.probes import Probes

#: The spread beside that of the initializer that suits the layer. Within a factor of 3 many
#: customs lie (uniform against normal, fan-in against fan-out, a gain for tanh).
WIDE, VERY_WIDE = 3.0, 6.0


def _suspect(probes: Probes) -> Suspicion | None:
    widest = max(probes.starts, key=lambda start: start.ratio, default=None)
    if widest is None or widest.ratio < WIDE:
        return None
    return Suspicion(
        f"{widest.name}, layer {widest.place + 1}",
        f"the weights start with a spread of {widest.std:.3g}, {widest.ratio:.3g} times the usual",
        f"about {widest.std / widest.ratio:.2g}: sums then have the size of what they add up",
        (rescaled_weights(probes.starts), *fresh_starts(probes.case)),
        is_strong=widest.ratio >= VERY_WIDE,
    )


ILLNESS = Illness("weights_too_large", "Weights start far too large", _suspect)
