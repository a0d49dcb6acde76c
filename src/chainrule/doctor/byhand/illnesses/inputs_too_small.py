"""Inputs far too small, such as pixels divided by 255 twice: the signal drowns in the biases.

Evidence: the size of the inputs, and success with standardised ones; only where training failed is
it asked. Look-alikes: ``weights_too_small``, where the inputs are of a usual size;
``rate_too_small``.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import standardised_inputs
from chainrule.doctor.byhand.probes import Probes

#: Usual starts expect a mean square of 1 (LeCun et al. 1998, section 4.3).
SMALL = 0.1


def _suspect(probes: Probes) -> Suspicion | None:
    if not probes.input_size < SMALL:
        return None
    return Suspicion(
        "X",
        f"inputs of size {probes.input_size:.3g} (root mean square)",
        "about 1: weights start so that inputs of that size neither fade nor saturate the units",
        (standardised_inputs(),),
    )


ILLNESS = Illness("inputs_too_small", "Inputs far too small", _suspect)
