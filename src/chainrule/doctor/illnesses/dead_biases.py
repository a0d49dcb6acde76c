"""Biases that start so far off that units are shut, or saturated, for every row.

Look-alikes: ``zero_weights`` (here the weights differ), ``dying_relu`` (here it is so before the
first step).
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import zero_biases
from chainrule.doctor.probes import Probes

#: The share of a layer's units from which on the layer hardly passes anything.
MOST = 0.5


def _suspect(probes: Probes) -> Suspicion | None:
    for layer in probes.first_units:
        start = next((s for s in probes.starts if s.place == layer.place), None)
        stuck = max(layer.dead, layer.saturated)
        if not layer.is_hidden or start is None or stuck < MOST:
            continue
        if start.largest_bias < 2 or start.is_zero:
            continue
        kind = "0 for every row" if layer.dead >= MOST else "at the flat end of its range"
        return Suspicion(
            f"b of layer {layer.place + 1}",
            f"before any training {stuck:.0%} of the layer's outputs are {kind}; its biases go "
            f"to {start.lowest_bias:.3g}, while its weights are usual",
            "biases near 0, so that every unit is open for some of the rows",
            (zero_biases(),),
            is_strong=True,
            is_definite=True,
        )
    return None


ILLNESS = Illness("dead_biases", "Biases that shut the units", _suspect)
