"""Starts from which nothing is learnt: weights all alike, too large, too small, biases far off.

What tells them apart is in the numbers: a spread of 0; of many times 1/√inputs; of a small part of
it; or weights as they should be and biases far from 0. Fresh ones decide.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.chain import spreads
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import fresh_start, zero_biases
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.finding import Prescription

#: In units of 1/√inputs, usual starts have 0.6 (uniform, LeCun) to 1.4 (He et al. 2015).
LARGE, SMALL = 2.5, 0.35
#: Biases this far off, where inputs and units are about 1, leave a unit no way back.
FAR = 2.0


def _zero(probes: Probes) -> Suspicion | None:
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
        _fresh(probes),
    )


def _fresh(probes: Probes) -> tuple[Prescription, ...]:
    return tuple(fresh_start(probes.program.seed + i) for i in range(2))


def _spread(probes: Probes, is_off: bool, name: str, found: float) -> Suspicion | None:
    if not is_off:
        return None
    return Suspicion(
        name,
        f"the weights of {name} have {found:.3g} times the spread of 1/√inputs",
        "1 to 1.4 times: then signals keep their size from layer to layer",
        _fresh(probes),
    )


def _large(probes: Probes) -> Suspicion | None:
    found = spreads(probes.program.parameters, probes.layers)
    if not found:
        return None
    name = max(found, key=lambda key: found[key])
    return _spread(probes, found[name] > LARGE, name, found[name])


def _small(probes: Probes) -> Suspicion | None:
    found = {k: v for k, v in spreads(probes.program.parameters, probes.layers).items() if v > 0}
    if not found:
        return None
    name = min(found, key=lambda key: found[key])
    return _spread(probes, found[name] < SMALL, name, found[name])


def _biases(probes: Probes) -> Suspicion | None:
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
        (zero_biases(),),
    )


ZERO_WEIGHTS = Illness("zero_weights", "Weights that are all alike", _zero)
WEIGHTS_TOO_LARGE = Illness("weights_too_large", "Weights start too large", _large)
WEIGHTS_TOO_SMALL = Illness("weights_too_small", "Weights start too small", _small)
DEAD_BIASES = Illness("dead_biases", "Biases start far off", _biases)
