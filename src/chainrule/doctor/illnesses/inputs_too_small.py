"""Inputs far too small, such as pixels divided by 255 twice: the signal drowns in the biases.

Look-alikes: ``weights_too_small`` (the inputs are of size 1), ``rate_too_small``.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import scaled_inputs
from chainrule.doctor.probes import Probes

#: Gradients of the first weights are so many times smaller than they are for inputs of size 1.
SMALL, VERY_SMALL = 0.1, 0.02


def _suspect(probes: Probes) -> Suspicion | None:
    found = probes.columns
    if found.typical_spread > SMALL or found.size > 1:
        return None
    return Suspicion(
        "X",
        f"the inputs differ from row to row by {found.typical_spread:.2g} (largest input "
        f"{found.largest:.2g})",
        "about 1: the gradient of the first weights is as small as the inputs are",
        scaled_inputs(),
        is_strong=found.typical_spread <= VERY_SMALL,
    )


ILLNESS = Illness("inputs_too_small", "Inputs far too small", _suspect)
