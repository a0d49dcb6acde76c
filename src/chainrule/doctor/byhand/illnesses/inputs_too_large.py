"""Inputs far too large, such as pixels from 0 to 255: the first layer's sums drown everything.

Evidence: the size of the inputs, and success with standardised ones; only where training failed, or
learns far better so, is it said. Look-alikes: ``weights_too_large``, where the inputs are of a
usual size; ``rate_too_large``, where so is the first loss.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import standardised_inputs
from chainrule.doctor.byhand.probes import Probes

#: Usual starts expect a mean square of 1 (LeCun et al. 1998, section 4.3).
LARGE = 2.0


def _suspect(probes: Probes) -> Suspicion | None:
    if not probes.input_size > LARGE:
        return None
    return Suspicion(
        "X",
        f"inputs of size {probes.input_size:.3g} (root mean square)",
        "about 1: weights start so that inputs of that size neither fade nor saturate the units",
        (standardised_inputs(),),
    )


ILLNESS = Illness("inputs_too_large", "Inputs far too large", _suspect)
