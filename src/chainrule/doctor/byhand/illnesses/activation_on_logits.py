"""A ReLU on the last sums: what is below 0 is cut off, so that some answers can never be given.

The last bias is pushed far down; a right network then says 0 (or a value far below 0), a clamped
one says what it says at exactly 0. Look-alike: dead hidden units, which this does not touch.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import BINARY, CLASSES
from chainrule.doctor.byhand.rebuilt import hidden_activation_of, rewritten

DOWN = 1e4


def _suspect(probes: Probes) -> Suspicion | None:
    layers, point, targets = probes.layers, probes.point, probes.targets
    if not layers or layers[-1].bias is None:
        return None
    low = dict(point.parameters)
    low[layers[-1].bias] = np.full_like(low[layers[-1].bias], -DOWN)
    out = probes.answered(low, point.X)
    high = probes.answered(
        low | {layers[-1].bias: np.full_like(low[layers[-1].bias], DOWN)}, point.X
    )
    if out is None or high is None:
        return None
    probes.note("outputs far below zero")
    same = bool(np.ptp(out) == 0)
    if targets.kind == BINARY:
        clamped = same and abs(out[0, 0] - 0.5) < 1e-6
    elif targets.kind == CLASSES:
        # A right softmax does not feel what all sums have in common.
        apart = float(np.abs(high - out).max())
        clamped = same and abs(out[0, 0] - 1 / out.shape[1]) < 1e-6 and apart > 1e-3
    else:
        clamped = same and out[0, 0] == 0 and bool((targets.meant < 0).any())
    if not clamped:
        return None
    repair = rewritten(probes, "no ReLU on the last sums", hidden_activation_of(probes))
    return Suspicion(
        f"the layer of {layers[-1].weight}",
        f"with its bias at {-DOWN:g} every output is exactly {out[0, 0]:.4g}: sums below 0 are cut "
        "off",
        "0 for a probability, all the same for a softmax, a value far below 0 for a regression",
        () if repair is None else (repair,),
        is_proven=True,
    )


ILLNESS = Illness(
    "activation_on_logits", "A ReLU on the last layer", _suspect,
    advice='let the last sums be as they are: z = h @ p["W"] + p["b"], then sigmoid or softmax; '
    "and leave the ReLU's factor out of the backward pass",
)  # fmt: skip
