"""A score of the program's own that does not score: argmax along rows, or (n, 1) against (n,).

Look-alike: ``labels_permuted``, where an independent score agrees. What is asked is what the score
says of answers that are all right, and of answers that are all wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes
from chainrule.nn.metrics import NAMED
from chainrule.nn.metrics import metric as known_metric

#: A score that tells right from wrong differs by nearly 1 between all right and all wrong.
TELLS = 0.5
#: Orders of the rows in which it is asked: a score that is right gives the same in all.
ORDERS = 5


def _suspect(probes: Probes) -> Suspicion | None:
    own, kind = probes.case.metric, probes.kind_of_targets
    if own is None or isinstance(own, str) or kind not in ("classes", "probability"):
        return None
    if known_metric(own)[0] in NAMED or not callable(own):
        return None
    t = probes.data.train["t"]
    outputs = probes.case.network.output_shape[-1]
    right = (
        (t.reshape(len(t), -1)[:, :1] == 1).astype(np.float64)
        if outputs == 1
        else np.eye(outputs)[t if t.ndim == 1 else t.argmax(axis=1)]
    )
    wrong = 1 - right if outputs == 1 else np.roll(right, 1, axis=1)
    labels = right[:, 0].astype(int) if outputs == 1 else right.argmax(axis=1)
    rng = np.random.default_rng(probes.case.seed)
    orders = [rng.permutation(len(t)) for _ in range(ORDERS)]
    best, worst = (
        [_told(own, 0.01 + 0.98 * answer[at], labels[at], t[at]) for at in orders]
        for answer in (right, wrong)
    )
    if not all(0 <= value <= 1 for value in best + worst):
        return None
    if max(min(best) - max(worst), min(worst) - max(best)) >= TELLS or min(best) > 0.999:
        return None
    return Suspicion(
        f"the metric {getattr(own, '__name__', 'of your own')}",
        f"it gives {best[0]:.3g} to answers that are all right and {worst[0]:.3g} to answers that "
        "are all wrong",
        "1 and 0 (or 0 and 1, for an error)",
        is_proven=True,
    )


def _told(metric: Any, outputs: Any, labels: Any, targets: Any) -> float:
    """What the metric says, of labels (n,) or of targets as the loss takes them; else NaN."""
    for given in (labels, targets):
        try:
            return float(metric(outputs, given))
        except (TypeError, ValueError, IndexError, ArithmeticError, AttributeError):
            continue
    return np.nan


ILLNESS = Illness(
    "wrong_axis", "A score that cannot tell right from wrong", _suspect,
    advice="metric='accuracy', or np.mean(outputs.argmax(axis=1) == labels) with labels of shape "
    "(n,); for one output np.mean((outputs[:, 0] > 0.5) == labels)",
)  # fmt: skip
