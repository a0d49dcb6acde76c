"""Inputs far too large, such as pixels from 0 to 255, or far too small, divided twice.

Look-alikes: weights too large or too small, where the inputs are of a usual size. Only where
training failed is this asked, and only the experiment decides.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import standardised_inputs
from chainrule.doctor.byhand.probes import Probes

#: Usual starts expect a mean square of 1 (LeCun et al. 1998, section 4.3).
LARGE, SMALL = 2.0, 0.1


def size(probes: Probes) -> float:
    """The root mean square of the inputs."""
    probes.note("the data")
    return float(np.sqrt(np.mean(np.square(np.asarray(probes.parts.X, np.float64)))))


def _large(probes: Probes) -> Suspicion | None:
    return _suspicion(size(probes)) if size(probes) > LARGE else None


def _small(probes: Probes) -> Suspicion | None:
    return _suspicion(size(probes)) if size(probes) < SMALL else None


def _suspicion(found: float) -> Suspicion:
    return Suspicion(
        "X",
        f"inputs of size {found:.3g} (root mean square)",
        "about 1: weights start so that inputs of that size neither fade nor saturate the units",
        (standardised_inputs(),),
    )


TOO_LARGE = Illness("inputs_too_large", "Inputs far too large", _large)
TOO_SMALL = Illness("inputs_too_small", "Inputs far too small", _small)
