"""No activation in the hidden layers: however many there are, the network is one linear map.

For the sums z before the last activation, z(a + b) - z(a) - z(b) + z(0) is 0 only then. Doubling
an input is no test: a ReLU network without biases passes it. Look-alikes: ``too_few_units`` and
``local_minimum``, where the map is not linear; a task for which a linear map is enough, where this
is no illness, and nothing is said.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import logits
from chainrule.doctor.byhand.rebuilt import rewritten

#: What rounding leaves of a 0 (relative to the sums themselves).
ROUNDING = 1e-6


def additivity(probes: Probes) -> float | None:
    """The size of z(a + b) - z(a) - z(b) + z(0) over that of z(a) + z(b) - 2 z(0)."""
    point, n = probes.point, len(probes.point.X) // 2
    a, b = point.X[:n], point.X[n : 2 * n]
    found = []
    for X in (a + b, a, b, np.zeros_like(a)):
        out = probes.answered(point.parameters, X)
        if out is None:
            return None
        with np.errstate(all="ignore"):
            found.append(logits(out, probes.targets))
    both, first, second, nothing = found
    if not all(np.isfinite(z).all() for z in found):
        return None
    usual = float(np.abs(first + second - 2 * nothing).max())
    return float(np.abs(both - first - second + nothing).max()) / usual if usual > 0 else None


def _suspect(probes: Probes) -> Suspicion | None:
    if len(probes.layers) < 2:
        return None
    found = additivity(probes)
    probes.note("whether the network is more than a linear map")
    if found is None or found > ROUNDING:
        return None
    repair = rewritten(probes, "h = np.tanh(x @ W + b) in the hidden layers")
    return Suspicion(
        "the hidden layers in forward",
        f"z(a + b) - z(a) - z(b) + z(0) is {found:.1g} of z: {len(probes.layers)} layers that make "
        "one linear map",
        "0.05 to 0.6 of z with tanh, ReLU or sigmoid in between",
        () if repair is None else (repair,),
    )


ILLNESS = Illness(
    "no_hidden_activation", "No activation in the hidden layers", _suspect,
    advice="h = np.tanh(x @ W + b) in every hidden layer, and its slope (1 - h**2) in the backward "
    "pass",
)  # fmt: skip
