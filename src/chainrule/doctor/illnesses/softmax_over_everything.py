"""A softmax whose sum runs over the whole array: each row's output depends on the other rows.

Look-alike: ``softmax_over_batch``, whose columns add up to 1.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import own_softmax_replaced
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    leak = probes.leak
    if leak is None or abs(leak.total - 1) > 1e-3 or leak.rows < 2:
        return None
    return Suspicion(
        "the last activation",
        f"all outputs of a batch of {leak.rows} rows add up to 1, and when one row of the inputs "
        f"changes, the outputs of the other rows move by up to {leak.moved:.2g}",
        "each row's outputs add up to 1, and no row depends on another",
        (own_softmax_replaced(),),
        is_proven=True,
    )


ILLNESS = Illness("softmax_over_everything", "Softmax over the whole array", _suspect)
