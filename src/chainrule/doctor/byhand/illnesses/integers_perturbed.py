"""A gradient by differences of parameters that are whole numbers.

Evidence: the gradients are others for the same numbers as floats. Look-alike:
``integer_parameters``, where the gradients come from a formula, which is the same for 2 and 2.0.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.wholenumbers import gradients_differ, repairs, whole


def _suspect(probes: Probes) -> Suspicion | None:
    names = whole(probes)
    if not names or not gradients_differ(probes):
        return None
    return Suspicion(
        f"gradients, of {', '.join(names)}",
        "the gradients are others for the same numbers as floats: a whole number that is moved by "
        "1e-5 stays where it is, or falls to the next one",
        "the same gradients for 2 and 2.0",
        repairs(probes),
        is_proven=True,
    )


ILLNESS = Illness("integers_perturbed", "Differences taken of whole numbers", _suspect)
