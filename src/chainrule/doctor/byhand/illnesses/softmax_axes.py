"""Softmax along the wrong axis: whose numbers add up to 1, and who moves when a row is changed.

A row's outputs depend on that row alone, and are a row's shares. Where the columns add up to 1 the
sum went down the batch; where everything together does, it forgot its axis.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import LOOKED_AT, Probes
from chainrule.doctor.byhand.rebuilt import hidden_activation_of, rewritten

#: Sums of a few rounded numbers are this near to 1.
NEAR = 1e-4

RIGHT = "np.sum(e, axis=1, keepdims=True) below e = np.exp(z - np.max(z, axis=1, keepdims=True))"


def _sums(probes: Probes) -> tuple[np.ndarray, np.ndarray, float, float] | None:
    """Sums of the rows and of the columns, of everything, and how far other rows moved."""
    point = probes.point
    X = np.array(point.X[:LOOKED_AT])
    out = probes.answered(point.parameters, X)
    if out is None or out.shape[1] < 2 or len(out) < 3 or out.min() < 0:
        return None
    probes.note("outputs of one row beside others")
    changed = X.copy()
    changed[0] = changed[0] + 1.0
    other = probes.answered(point.parameters, changed)
    moved = 0.0 if other is None else float(np.abs(other[1:] - out[1:]).max())
    return out.sum(axis=1), out.sum(axis=0), float(out.sum()), moved


def _over_batch(probes: Probes) -> Suspicion | None:
    found = _sums(probes)
    if found is None:
        return None
    rows, columns, _, moved = found
    if np.abs(columns - 1).max() > NEAR or np.abs(rows - 1).max() < NEAR or moved < NEAR:
        return None
    return _suspicion(
        probes,
        f"every column of outputs adds up to 1 over the batch, the rows to {rows.min():.3g} ... "
        f"{rows.max():.3g}; changing one row moved the outputs of others by {moved:.2g}",
    )


def _over_everything(probes: Probes) -> Suspicion | None:
    found = _sums(probes)
    if found is None:
        return None
    rows, _, total, moved = found
    if abs(total - 1) > NEAR or np.abs(rows - 1).max() < NEAR or moved < NEAR:
        return None
    return _suspicion(
        probes,
        f"all outputs of a batch together add up to 1, those of a row to {rows.max():.3g} at most; "
        f"changing one row moved the outputs of others by {moved:.2g}",
    )


def _suspicion(probes: Probes, observed: str) -> Suspicion:
    repair = rewritten(probes, "softmax over each row", hidden_activation_of(probes))
    return Suspicion(
        "the softmax in forward",
        observed,
        "every row adds up to 1, and depends on its own inputs alone",
        () if repair is None else (repair,),
        is_proven=True,
    )


OVER_BATCH = Illness(
    "softmax_over_batch", "Softmax over the batch", _over_batch, advice=f"divide by {RIGHT}"
)
OVER_EVERYTHING = Illness(
    "softmax_over_everything", "Softmax over the whole array", _over_everything,
    advice=f"divide by {RIGHT}",
)  # fmt: skip
