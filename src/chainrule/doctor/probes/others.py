"""Others: how a training does on rows that it was not trained on, by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import MOST_ROWS, parted, train
from chainrule.doctor.probes.reference import MANY_ROWS, PARTS


@dataclass(frozen=True)
class OnOthers:
    """The share of the constant answer's loss on rows not trained on: at the ``end``, at ``best``.

    ``own`` is the share on the rows trained on.
    """

    end: float
    best: float
    own: float


def on_others(case: Case) -> OnOthers:
    """Cross-validate a case's training: each row is judged once, by a network that did not see it.

    Of many rows one part is judged.
    """
    rows = np.random.default_rng(case.seed + 1).permutation(len(case.X))[:MOST_ROWS]
    is_of = np.arange(len(rows)) % PARTS
    shares = []
    for number in range(PARTS if len(rows) <= MANY_ROWS else 1):
        places = np.sort(rows[is_of != number]), np.sort(rows[is_of == number])
        trial = train(case, data=parted(case, *places))
        shares.append((trial.held_share, trial.best_held_share, trial.share))
    return OnOthers(*[float(value) for value in np.mean(shares, axis=0)])
