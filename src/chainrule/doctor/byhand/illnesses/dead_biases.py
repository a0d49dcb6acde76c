"""Biases that start so far off that units are off, or saturated, for every row.

Evidence: the biases of a hidden layer lie far from 0, and the training succeeds with biases at 0
and the weights as they are. Look-alikes: ``zero_weights`` (here the weights are usual),
``dying_relu`` (here it is so before the first step).
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import zero_biases
from chainrule.doctor.byhand.probes import Probes

#: Biases this far off, where inputs and units are about 1, leave a unit no way back.
FAR = 2.0


def _suspect(probes: Probes) -> Suspicion | None:
    parameters = probes.program.parameters
    far = [
        layer.bias
        for layer in probes.layers[:-1]
        if layer.bias is not None and np.median(np.abs(parameters[layer.bias])) > FAR
    ]
    if not far:
        return None
    middle = float(np.median(parameters[far[0]]))
    return Suspicion(
        ", ".join(far),
        f"the biases of {far[0]} start at {middle:g}, where inputs times weights are about 1: the "
        "units are off, or saturated, for every row",
        "0: a unit must be on for some rows and off for others",
        (zero_biases(probes),),
    )


ILLNESS = Illness("dead_biases", "Biases start far off", _suspect)
