"""Parameters that are whole numbers: updates are refused, or cut off after the point.

Evidence: their dtype. Look-alike: ``integers_perturbed``, where gradients by differences are wrong
already, because a weight that is moved by 1e-5 does not move, or moves by 1; it is told by asking
for the gradients with whole numbers and with the same numbers as floats.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.wholenumbers import gradients_differ, repairs, whole


def _suspect(probes: Probes) -> Suspicion | None:
    names = whole(probes)
    if not names or gradients_differ(probes):
        return None
    return Suspicion(
        ", ".join(names),
        f"{names[0]} has dtype {probes.program.parameters[names[0]].dtype}",
        "float64: W -= 0.1 * dW raises on whole numbers, and W[...] = W - 0.1 * dW cuts off what "
        "comes after the point",
        repairs(probes),
        is_proven=True,
    )


ILLNESS = Illness("integer_parameters", "Parameters that are whole numbers", _suspect)
