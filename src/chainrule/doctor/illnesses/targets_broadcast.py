"""A loss of the user's own that takes outputs (n,) from targets (n, 1): every pair of rows.

Outputs then all become the targets' mean, and the loss settles at their variance. Look-alike:
``zero_weights`` (constant outputs too, but the loss tells rows apart).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import standard_loss
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    if not probes.loss_mixes_rows:
        return None
    kind = probes.kind_of_targets
    usual = {"classes": "cross_entropy", "probability": "binary_cross_entropy"}
    suits = {"classes": "softmax", "probability": "sigmoid"}.get(kind)
    is_usual = suits is not None and probes.case.network.last_activation == suits
    repair = standard_loss(usual[kind] if is_usual else "mean_squared_error")
    return Suspicion(
        f"the loss {probes.case.loss.name}",
        "its value stays the same when the targets are shuffled among the rows: outputs (n,) "
        "against targets (n, 1) make all n × n differences",
        "one difference a row: p and t of the same shape, (n, 1) both",
        (repair,),
        is_proven=True,
    )


ILLNESS = Illness("targets_broadcast", "Every output against every target", _suspect)
