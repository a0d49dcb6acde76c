"""Validation rows on another scale than those that were learnt from.

Look-alike: ``labels_permuted``, where the columns agree. It may be invisible (a network without
biases does not mind a factor); then nothing is said.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import other_validation
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import share, targets_of

#: Means that differ by so many of their own standard errors, and spreads by such a factor, are not
#: those of rows drawn from one heap.
ERRORS, FACTOR = 6.0, 1.5
#: What the same scale must win of what is lost on these rows.
WON = 0.3


def _suspect(probes: Probes) -> Suspicion | None:
    program, own = probes.program, probes.own
    if program.validation is None or own.failed:
        return None
    probes.note("training rows beside validation rows")
    X, Xv = (np.asarray(a, np.float64) for a in (program.data[0], program.validation[0]))
    if X.shape[1:] != Xv.shape[1:] or not np.isfinite(Xv).all() or len(Xv) < 8:
        return None
    mean, spread = X.mean(axis=0), X.std(axis=0)
    mean_v, spread_v = Xv.mean(axis=0), Xv.std(axis=0)
    varying = (spread > 0) & (spread_v > 0)
    if not varying.any():
        return None
    error = np.maximum(spread, spread_v) * np.sqrt(1 / len(X) + 1 / len(Xv))
    apart = np.abs(mean - mean_v)[varying] / error[varying]
    factor = np.exp(np.abs(np.log(spread_v[varying] / spread[varying])))
    if np.median(apart) < ERRORS and np.median(factor) < FACTOR:
        return None

    def rescaled(rows: np.ndarray) -> np.ndarray:
        moved = (np.asarray(rows, np.float64) - mean_v) / np.where(spread_v > 0, spread_v, 1.0)
        return np.asarray(moved * np.where(varying, spread, 1.0) + mean)

    targets = targets_of(program.validation[1], probes.columns)
    before, after = (
        np.inf if (out := probes.answered(own.parameters, rows)) is None else share(out, targets)
        for rows in (Xv, rescaled(Xv))
    )
    if not after < before - WON * max(0.0, min(before, 2.0) - own.share):
        return None
    return Suspicion(
        "validation",
        f"its columns have {np.median(factor):.3g} times another spread and means "
        f"{np.median(apart):.3g} standard errors away; its loss is {before:.3g} of a constant "
        f"answer's, and {after:.3g} once it is scaled as the training rows are",
        "the same scale: both parts go through the same numbers, those of the training rows",
        (
            other_validation(
                "X_validation = (X_validation - mean) / spread, with the mean and spread of the "
                "training rows",
                rescaled,
            ),
        ),
        is_proven=True,
    )


ILLNESS = Illness("validation_scaled_differently", "Validation is scaled in another way", _suspect)
