"""Overfitting: the loss of validation turns up and stays up, while that of training falls.

Look-alikes: ``validation_scaled_differently`` and ``labels_permuted`` (never good); noise (one bad
epoch is none).
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import fewer_epochs
from chainrule.doctor.probes import Probes

#: Checks in a row after the best one, all of them worse.
PATIENCE = 3
#: How many times higher the loss must end than its lowest, and by how much of that of knowing
#: nothing: healthy networks of the tuning bench rose by up to 0.07.
HIGHER, AND_MORE = 1.3, 0.12


def _suspect(probes: Probes) -> Suspicion | None:
    trial = probes.with_validation
    if trial is None or trial.failed is not None:
        return None
    epochs, train, held = (np.array(column) for column in zip(*trial.curve[1:], strict=True))
    best = int(np.argmin(held))
    if len(held) - 1 - best < PATIENCE or train[-1] > train[best]:
        return None
    end = float(np.median(held[-PATIENCE:]))
    if end < max(HIGHER * held[best], held[best] + AND_MORE):
        return None
    level = trial.portions.held_level
    return Suspicion(
        f"after epoch {epochs[best]:.0f}",
        f"the loss of validation turns: {held[best] * level:.4g} in epoch {epochs[best]:.0f}, "
        f"{end * level:.4g} at the end, while that of training falls from "
        f"{train[best] * trial.portions.level:.4g} to {train[-1] * trial.portions.level:.4g}",
        "a loss of validation that does not rise again for good",
        (fewer_epochs(int(epochs[best])),),
        is_proven=True,
    )


ILLNESS = Illness("overfitting", "Overfitting", _suspect)
