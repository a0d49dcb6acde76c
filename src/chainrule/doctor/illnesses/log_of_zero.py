"""A logarithm of 0, or an exponential that overflows: Inf, and NaN in the next step.

Look-alikes: ``non_finite_data`` (the inputs are not finite), ``rate_too_large`` (all numbers grow
before, and a smaller rate cures).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import standard_outputs
from chainrule.doctor.probes import Probes

BORN_IN = ("log", "exp", "divide", "times_log", "log1p", "power")


def _suspect(probes: Probes) -> Suspicion | None:
    birth = probes.birth
    if birth is None or birth.op.split("(")[0].split("[")[0] not in BORN_IN:
        return None
    kind = probes.kind_of_targets
    return Suspicion(
        birth.place or birth.layer or f"the loss {probes.case.loss.name}",
        str(birth),
        "a logarithm of what can never be 0: the library's own losses take it in a stable form",
        (standard_outputs(kind),) if kind in ("classes", "probability") else (),
        is_strong=True,
    )


ILLNESS = Illness("log_of_zero", "Logarithm of 0", _suspect)
