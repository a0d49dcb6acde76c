"""A softmax along the batch: each column adds up to 1 where each row should.

Look-alike: ``softmax_over_everything``, whose outputs add up to 1 all together.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import own_softmax_replaced
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    leak = probes.leak
    if leak is None or leak.columns_off > 1e-3 or leak.rows < 2:
        return None
    return Suspicion(
        "the last activation",
        f"each class's outputs add up to 1 over a batch of {leak.rows} rows, and when one row of "
        f"the inputs changes, the outputs of the other rows move by up to {leak.moved:.2g}",
        "each row's outputs add up to 1 (axis=1, keepdims=True), and no row depends on another",
        (own_softmax_replaced(),),
        is_proven=True,
    )


ILLNESS = Illness("softmax_over_batch", "Softmax along the batch", _suspect)
