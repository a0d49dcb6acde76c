"""Softmax over one output: e / e is 1 for every row, whatever the network computes.

Look-alike: ``zero_weights`` (constant outputs too, but of any size).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import output_activations, standard_outputs
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    net = probes.case.network
    if net.output_shape[-1] != 1 or "softmax" not in output_activations(net.layers):
        return None
    if probes.kind_of_targets != "probability":
        return None
    return Suspicion(
        "the last layer",
        "softmax over a single output gives 1 for every row",
        "sigmoid for one output, or one output for each class",
        (standard_outputs("probability"),),
        is_proven=True,
    )


ILLNESS = Illness("softmax_of_one", "Softmax over a single output", _suspect)
