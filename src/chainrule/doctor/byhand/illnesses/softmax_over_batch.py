"""A softmax whose sum goes down the batch: each column adds up to 1 where each row should.

Evidence: the sums of the columns, and rows that move when another one is changed. Look-alikes:
``softmax_over_everything``, whose outputs add up to 1 all together; batch normalisation, which
makes rows depend on each other, too, but leaves no column that adds up to 1.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rebuilt import SOFTMAX_OF_ROWS, softmax_of_rows


def _suspect(probes: Probes) -> Suspicion | None:
    sums = probes.sums
    if sums is None or sums.rows_are_shares or not sums.is_leaking or not sums.columns_are_shares:
        return None
    return Suspicion(
        "the softmax in forward",
        "every column of outputs adds up to 1 over the batch, the rows to "
        f"{sums.rows.min():.3g} ... {sums.rows.max():.3g}; changing one row moved the outputs of "
        f"others by {sums.moved:.2g}",
        "every row adds up to 1, and depends on its own inputs alone",
        softmax_of_rows(probes),
        is_proven=True,
    )


ILLNESS = Illness("softmax_over_batch", "Softmax over the batch", _suspect, advice=SOFTMAX_OF_ROWS)
