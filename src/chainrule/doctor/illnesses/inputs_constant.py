"""Inputs that are the same in every row: nothing is there to be learnt from.

Look-alike: ``labels_unrelated``, where the rows differ.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    if len(probes.data.train["x"]) < 2 or probes.columns.spread.any():
        return None
    return Suspicion(
        "X",
        f"all {len(probes.columns.spread)} columns have the same value in every row",
        "rows that differ",
        is_proven=True,
    )


ILLNESS = Illness(
    "inputs_constant", "All rows of the inputs are alike", _suspect,
    advice="look at X[:5]: where it is filled, the rows are perhaps overwritten or divided by an "
    "integer",
)  # fmt: skip
