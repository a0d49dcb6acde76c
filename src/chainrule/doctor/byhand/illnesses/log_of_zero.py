"""log(0), or an exponential that overflows: the loss is lost while the parameters are still sound.

Look-alikes: ``non_finite_data`` (NaN before any computation), and ``rate_too_large``, where the
parameters grow geometrically before anything overflows.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import VALUES
from chainrule.doctor.byhand.rebuilt import hidden_activation_of, rewritten

#: Weights this many times as large as 1/√inputs have grown, and not been trained.
GROWN = 30.0


def _suspect(probes: Probes) -> Suspicion | None:
    own, program = probes.own, probes.program
    if not own.failed or own.raised or probes.targets.kind == VALUES:
        return None
    p = own.parameters
    weights = [p[layer.weight] for layer in probes.layers]
    if any(w.std() * np.sqrt(w.shape[0]) > GROWN for w in weights):
        return None
    X, y = probes.parts.X, probes.parts.y
    out = probes.answered(p, X)
    ends = 0 if out is None else int(np.sum((out <= 0) | (out >= 1)))
    told = f"{ends} of {0 if out is None else out.size} outputs are exactly 0 or 1"
    if out is not None and not ends:
        return None
    if program.loss is not None and out is not None:
        with program.undisturbed():
            value = float(program.loss({k: a.copy() for k, a in p.items()}, X, y))
            told += f", and the loss is {value}"
            if np.isfinite(value):
                return None
    repair = rewritten(probes, "log and exp kept within their range", hidden_activation_of(probes))
    return Suspicion(
        "the loss",
        f"{own.failed}, while the weights are of a usual size; right before, {told}",
        "probabilities between 0 and 1, both excluded: log(0) is -inf, and 0 * inf is NaN",
        () if repair is None else (repair,),
        is_proven=True,
    )


ILLNESS = Illness(
    "log_of_zero", "The logarithm of zero, or an overflow", _suspect,
    advice="np.log(np.clip(q, 1e-12, 1 - 1e-12)) in the loss and a sigmoid or softmax that only "
    "comes near to 0 and 1; in a softmax subtract each row's largest number before np.exp",
)  # fmt: skip
