"""Hidden weights that are all alike: the units get the same gradient and stay one unit.

Evidence: in each row of a hidden weight all numbers are one and the same, and the training succeeds
from weights drawn at random. Look-alikes: ``weights_too_small``, where they are small and differ;
``dead_biases``, where the weights are usual; a program without hidden units, for which zeros are a
fine start, because its loss is convex: it is not asked.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import fresh_start
from chainrule.doctor.byhand.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    layers = probes.layers
    if len(layers) < 2:
        return None  # without hidden units there is nothing to be told apart
    alike = [
        layer.weight
        for layer in layers[:-1]
        if probes.program.parameters[layer.weight].shape[1] > 1
        and np.ptp(probes.program.parameters[layer.weight], axis=1).max() == 0
    ]
    if not alike:
        return None
    value = float(probes.program.parameters[alike[0]].ravel()[0])
    return Suspicion(
        ", ".join(alike),
        f"all weights of a row of {alike[0]} are alike (the first is {value:g}), and so are its "
        "units: they get the same gradient and stay alike",
        "weights drawn at random, so that every unit learns something of its own",
        (fresh_start(probes),),
        is_definite=True,
    )


ILLNESS = Illness("zero_weights", "Weights that are all alike", _suspect)
