"""Targets that the last activation cannot give: a sigmoid ends at 1, ReLU begins at 0.

Look-alike: ``targets_too_large``, where the last layer can give every number.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import output_activation
from chainrule.doctor.probes import Probes

RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def _suspect(probes: Probes) -> Suspicion | None:
    name, t = probes.case.network.last_activation or "", probes.data.train["t"]
    if probes.case.loss.kind != "values" or name not in RANGES:
        return None
    low, high = RANGES[name]
    outside = float(((t < low) | (t > high)).mean())
    if outside == 0:
        return None
    return Suspicion(
        f"the last layer, {name}",
        f"{outside:.0%} of the targets lie outside {low:g} to {high:g}, where its outputs end",
        "no activation on the last layer of a regression",
        (output_activation(None),),
        is_strong=True,
        is_definite=True,
    )


ILLNESS = Illness("targets_out_of_reach", "Targets out of the outputs' reach", _suspect)
