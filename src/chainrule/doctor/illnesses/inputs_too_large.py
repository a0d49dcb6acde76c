"""Inputs far too large, such as pixels from 0 to 255: the first layer's sums drown everything.

Look-alikes: ``weights_too_large`` (the inputs are of size 1), ``rate_too_large`` (so is the first
loss of a usual size).
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import scaled_inputs
from chainrule.doctor.probes import Probes

#: Usual starts expect a mean square of 1 (LeCun et al. 1998, section 4.3). Only where training
#: failed is this asked, and only the experiment decides.
LARGE = 2.0
#: So large is no input that somebody has scaled, if in tens.
VERY_LARGE = 25.0


def _suspect(probes: Probes) -> Suspicion | None:
    found = probes.columns
    if found.size < LARGE:
        return None
    column = int(np.argmax(np.abs(found.mean) + found.spread))
    where = f"X, largest in column {column}" if len(found.mean) > 1 else "X"
    return Suspicion(
        where,
        f"inputs of size {found.size:.3g} (root mean square; up to {found.largest:.3g})",
        "about 1: weights start so that inputs of that size neither fade nor saturate the units",
        scaled_inputs(),
        is_strong=found.size >= VERY_LARGE,
    )


ILLNESS = Illness("inputs_too_large", "Inputs far too large", _suspect)
