"""Weights that start far too small: the signal fades from layer to layer, and the gradient too.

Look-alikes: ``zero_weights`` (units repeat each other), ``inputs_too_small`` (the weights are
usual), ``rate_too_small`` (the loss falls, in proportion to the rate).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import fresh_starts, rescaled_weights
from chainrule.doctor.probes import Probes

#: The spread beside that of the initializer that suits the layer; a tenth is often harmless.
NARROW, VERY_NARROW = 0.3, 0.03
#: Of fewer weights the spread is a matter of chance.
FEWEST = 8


def _suspect(probes: Probes) -> Suspicion | None:
    hidden = [
        s
        for s in probes.starts[:-1]
        if not (s.is_zero or s.is_constant) and (s.size >= FEWEST or s.ratio <= VERY_NARROW)
    ]
    narrowest = min(hidden, key=lambda start: start.ratio, default=None)
    if narrowest is None or narrowest.ratio > NARROW:
        return None
    return Suspicion(
        f"{narrowest.name}, layer {narrowest.place + 1}",
        f"the weights start with a spread of {narrowest.std:.2g}, {narrowest.ratio:.2g} of the "
        "usual, and what the layers give fades with it",
        f"about {narrowest.std / narrowest.ratio:.2g}: sums then have the size of what they add up",
        (rescaled_weights(probes.starts), *fresh_starts(probes.case)),
        is_strong=narrowest.ratio <= VERY_NARROW,
    )


ILLNESS = Illness("weights_too_small", "Weights start far too small", _suspect)
