"""Validation rows that are scaled in another way than the rows that were learnt from.

Look-alikes: ``labels_permuted``, ``wrong_axis`` (the columns' statistics agree); ``overfitting``.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.experiment import Portions
from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import validation_as_training
from chainrule.doctor.probes import Probes
from chainrule.doctor.probes.statics import columns

#: The spread of all columns, and the distance of their means in spreads, from where on they are
#: another scale: parts of one table stay within a tenth even where they have fifty rows.
TIMES, OFFSET = 1.8, 0.8
#: Scales tried beside that which makes the spreads equal, which few rows tell to some percent only.
NEAR = (1.0, 0.92, 0.96, 1.04, 1.08)


def _suspect(probes: Probes) -> Suspicion | None:
    trial = probes.with_validation
    if trial is None or trial.portions.held is None:
        return None
    data: Portions = trial.portions
    here, there = columns(data.train["x"]), columns(trial.portions.held["x"])
    spread = max(here.typical_spread, 1e-300)
    times = there.typical_spread / spread
    offset = float(np.sqrt(np.mean((there.mean - here.mean) ** 2))) / spread
    if 1 / TIMES < times < TIMES and offset < OFFSET:
        return None
    return Suspicion(
        "X of validation",
        f"its columns spread {times:.3g} times as much as those of the training rows, and their "
        f"means differ by {offset:.2g} spreads",
        "the same: what scales the training rows must scale all others, by the same numbers",
        (*[validation_as_training(True, t) for t in NEAR], validation_as_training(False)),
        is_proven=True,
    )


ILLNESS = Illness("validation_scaled_differently", "Validation is scaled differently", _suspect)
