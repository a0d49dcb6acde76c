"""Overfitting: the validation loss turns and rises for good, while that of training still falls.

One epoch is no evidence. The rise must last for several looks, and be more than what chance does
to so few rows. Look-alikes: noise, and ``validation_scaled_differently``.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import fewer_epochs
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import constant, losses, targets_of

#: Looks in a row above the best, standard errors of the rise, and its size beside the best loss.
LOOKS, ERRORS, RISE = 3, 2.5, 0.2


def _suspect(probes: Probes) -> Suspicion | None:
    program, own = probes.program, probes.own
    if program.validation is None or own.failed or len(own.curve) < LOOKS + 2:
        return None
    X, y = program.validation
    targets = targets_of(y, probes.columns)
    by_row = []
    for p in own.seen[: len(own.curve)]:
        out = probes.answered(p, X)
        by_row.append(np.full(len(X), np.inf) if out is None else losses(out, targets))
    means = np.array([rows.mean() for rows in by_row])
    probes.note("the validation loss on the way")
    best = int(np.argmin(means[1:])) + 1
    rise = by_row[-1] - by_row[best]
    if len(means) - 1 - best < LOOKS or not np.isfinite(means[best:]).all():
        return None
    error = float(rise.std() / np.sqrt(len(rise)))
    is_clear = rise.mean() > max(ERRORS * error, RISE * means[best])
    lasts = bool((means[-LOOKS:] > means[best] + RISE / 2 * means[best]).all())
    falls = own.curve[-1][1] < own.curve[best][1]
    if not (is_clear and lasts and falls and means[best] < 0.95 * constant(targets)):
        return None
    epochs = own.curve[best][0]
    return Suspicion(
        f"after epoch {epochs}",
        f"the validation loss rises from {means[best]:.4g} (epoch {epochs}) to {means[-1]:.4g}, "
        f"{rise.mean() / max(error, 1e-300):.1f} standard errors, while that of training falls",
        "a validation loss that falls or stays; what is learnt later holds for these rows only",
        (fewer_epochs(epochs),),
        is_proven=True,
    )


ILLNESS = Illness("overfitting", "Overfitting", _suspect)
