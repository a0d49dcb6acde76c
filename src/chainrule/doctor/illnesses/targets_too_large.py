"""Targets of a regression far from size 1, such as prices: outputs need long to come so far.

Look-alikes: ``rate_too_small`` (here a rate that suits is wild in all other ways),
``rate_too_large`` (the gradient is as large as the targets are).
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import standardised_targets
from chainrule.doctor.probes import Probes

#: Outputs start near size 1. Asked only where training failed, and the experiment decides.
FAR = 10.0


def _suspect(probes: Probes) -> Suspicion | None:
    t = probes.data.train["t"]
    if probes.case.loss.kind != "values" or probes.case.network.last_activation is not None:
        return None
    size = float(np.sqrt(np.mean(t.astype(np.float64) ** 2)))
    if 1 / FAR < size < FAR:
        return None
    return Suspicion(
        "y",
        f"targets of size {size:.3g} (from {t.min():.3g} to {t.max():.3g})",
        "about 1, as the outputs are when training starts",
        (standardised_targets(),),
    )


ILLNESS = Illness("targets_too_large", "Targets far from size 1", _suspect)
