"""Targets that are the same in every row: the best answer is that constant, whatever the inputs.

Its loss is 0, so that no training can be judged beside it. Look-alikes: ``labels_unrelated``, where
the targets differ; a loss that does not ask for targets and is handed a filler.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.illnesses.targets_constant import ILLNESS as OF_NETWORKS
from chainrule.doctor.illnesses.targets_constant import shown
from chainrule.doctor.standardising import are_alike


def _suspect(probes: Probes) -> Suspicion | None:
    y = probes.program.data[1]
    if len(y) < 2 or not are_alike(y) or _are_a_filler(probes):
        return None
    return Suspicion("y", *shown(y), is_proven=True)


def _are_a_filler(probes: Probes) -> bool:
    """Whether the program's loss is the same number for other targets."""
    program, loss = probes.program, probes.program.loss
    if loss is None:
        return False
    X, y = program.data
    p = {name: array.copy() for name, array in program.parameters.items()}
    try:
        with program.undisturbed():
            told = [float(np.asarray(loss(p, X, targets))) for targets in (y, y + 1)]
    except Exception:  # of targets that it was not written for it says nothing
        return False
    return told[0] == told[1]


ILLNESS = Illness(OF_NETWORKS.name, OF_NETWORKS.title, _suspect, advice=OF_NETWORKS.advice)
