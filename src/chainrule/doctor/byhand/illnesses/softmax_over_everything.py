"""A softmax whose sum forgot its axis: all outputs of a batch together add up to 1.

Evidence: their sum, and rows that move when another one is changed. Look-alike:
``softmax_over_batch``, whose columns add up to 1 each.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rebuilt import SOFTMAX_OF_ROWS, softmax_of_rows


def _suspect(probes: Probes) -> Suspicion | None:
    sums = probes.sums
    if sums is None or sums.rows_are_shares or not sums.is_leaking or not sums.whole_is_shares:
        return None
    return Suspicion(
        "the softmax in forward",
        "all outputs of a batch together add up to 1, those of a row to "
        f"{sums.rows.max():.3g} at most; changing one row moved the outputs of others by "
        f"{sums.moved:.2g}",
        "every row adds up to 1, and depends on its own inputs alone",
        softmax_of_rows(probes),
        is_proven=True,
    )


ILLNESS = Illness(
    "softmax_over_everything", "Softmax over the whole array", _suspect, advice=SOFTMAX_OF_ROWS
)
