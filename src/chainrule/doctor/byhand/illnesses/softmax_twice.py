"""Softmax of softmax, or sigmoid of sigmoid: no probability comes near to 1.

What goes into the second one lies between 0 and 1, so that of K classes none gets more than
e / (e + K - 1). Look-alike: ``rate_too_small``, where probabilities are small for want of training;
so the last layer is made a thousand times as large, and a right softmax says 1.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import VALUES
from chainrule.doctor.byhand.rebuilt import hidden_activation_of, rewritten

TIMES = 1000.0
NEAR = 1e-3


def _suspect(probes: Probes) -> Suspicion | None:
    layers, point = probes.layers, probes.point
    if not layers or probes.targets.kind == VALUES:
        return None
    large = dict(point.parameters)
    for name in (layers[-1].weight, layers[-1].bias):
        if name is not None:
            large[name] = TIMES * large[name]
    out = probes.answered(large, point.X)
    if out is None or out.min() < 0 or out.max() > 1:
        return None
    probes.note("the largest probability that can be reached")
    classes = max(2, out.shape[1])
    bound = float(np.e / (np.e + classes - 1))
    is_bounded = abs(out.max() - bound) < NEAR
    if out.shape[1] > 1:
        is_bounded = is_bounded and bool(np.abs(out.sum(axis=1) - 1).max() < NEAR)
    else:
        is_bounded = is_bounded and abs(out.min() - 0.5) < NEAR
    if not is_bounded:
        return None
    repair = rewritten(probes, "softmax (or sigmoid) once", hidden_activation_of(probes))
    return Suspicion(
        "the last activation in forward",
        f"with a last layer {TIMES:g} times as large the largest output is {out.max():.3f}",
        f"1; {bound:.3f} = e / (e + {classes - 1}) is all that a second softmax lets through",
        () if repair is None else (repair,),
        is_proven=True,
    )


ILLNESS = Illness(
    "softmax_twice", "Softmax twice", _suspect,
    advice="apply softmax (or sigmoid) once: return last(z), and hand probabilities to no other",
)  # fmt: skip
