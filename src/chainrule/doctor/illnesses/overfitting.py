"""Overfitting: the loss of validation turns up and stays up, while that of training falls.

Look-alikes: ``validation_scaled_differently`` and ``labels_permuted`` (never good); noise (one bad
epoch is none).
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import fewer_epochs
from chainrule.doctor.probes import Probes
from chainrule.graph.op import Array

#: Checks in a row after the best one, all of them worse.
PATIENCE = 3
#: How many times higher the loss must end than its lowest, and by how much of that of knowing
#: nothing: healthy networks of the tuning bench rose by up to 0.07.
HIGHER, AND_MORE = 1.3, 0.12


def _suspect(probes: Probes) -> Suspicion | None:
    curves = _curves(probes)
    if curves is None:
        return None
    epochs, train, held = curves
    best = int(np.argmin(held))
    if len(held) - 1 - best < PATIENCE or train[-1] > train[best]:
        return None
    level = probes.data.level
    end = float(np.median(held[-PATIENCE:]))
    if end < max(HIGHER * held[best], held[best] + AND_MORE):
        return None
    return Suspicion(
        f"after epoch {epochs[best]:.0f}",
        f"the loss of validation turns: {held[best] * level:.4g} in epoch {epochs[best]:.0f}, "
        f"{end * level:.4g} at the end, while that of training falls from "
        f"{train[best] * level:.4g} to {train[-1] * level:.4g}",
        "a loss of validation that does not rise again for good",
        (fewer_epochs(int(epochs[best])),),
        is_proven=True,
    )


def _curves(probes: Probes) -> tuple[Array, Array, Array] | None:
    """Epochs, and the shares of the loss in training and in validation.

    Of the case's own training, or, where its validation rows are not at hand, of its history.
    """
    trial, history = probes.with_validation, probes.case.history
    if trial is not None and trial.failed is None and len(trial.curve) > 1:
        epochs, train, held = (np.array(column) for column in zip(*trial.curve[1:], strict=True))
        return epochs, train, held
    if trial is not None or history is None or "validation_loss" not in history:
        return None
    columns = [np.array(history[name]) for name in ("epoch", "loss", "validation_loss")]
    if not np.isfinite(columns).all():
        return None
    return columns[0], columns[1] / probes.data.level, columns[2] / probes.data.level


ILLNESS = Illness("overfitting", "Overfitting", _suspect)
