"""Targets that are the same in every row: the best answer is that constant, whatever the inputs.

Its loss is 0, so that no training can be judged beside it. Look-alikes: ``labels_unrelated``, where
the targets differ; a loss of the user's own that does not ask for targets and is handed a filler.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes
from chainrule.doctor.probes.answers import ignores_targets
from chainrule.doctor.standardising import are_alike
from chainrule.graph.op import Array

#: Numbers of a row of targets that are shown.
SHOWN = 10


def _suspect(probes: Probes) -> Suspicion | None:
    case = probes.case
    # All rows, of which experiments take some: a rare class may be in the others.
    y = np.asarray(case.y)
    if case.sample_weight is not None:
        y = y[np.asarray(case.sample_weight) > 0]
    if len(y) < 2 or not are_alike(y.astype(case.network.dtype)):
        return None
    if ignores_targets(case.loss, probes.data.train["t"], case.network.output_shape):
        return None
    return Suspicion("y", *shown(y), is_proven=True)


def shown(y: Array) -> tuple[str, str]:
    """What was observed of targets that are all alike, and what would be expected."""
    first = [f"{value:g}" for value in np.ravel(y[0])]
    value = ", ".join([*first[:SHOWN], *["..."] * (len(first) > SHOWN)])
    return (
        f"all {len(y)} rows have the same target, {value}",
        "targets that differ: the best answer to these is the same for every row, and takes "
        "nothing from X",
    )


ILLNESS = Illness(
    "targets_constant", "All targets are alike", _suspect,
    advice="look at np.unique(y): where y is filled, the wrong column or only the rows of one "
    "class are perhaps taken, or numbers are rounded or compared away",
)  # fmt: skip
