"""No hidden layer, and a task that no plane solves.

Look-alikes: a linear task, which a hidden layer does not better, and a single layer that is trained
too little (``rate_too_small``, ``too_few_epochs``): the same layer, trained well, tells.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import with_hidden_layer
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    if len(probes.starts) != 1 or probes.a_plane_suffices:
        return None
    best = probes.best_plane.share * probes.data.level
    return Suspicion(
        "the network",
        f"a single layer; trained as well as can be it leaves the loss at {best:.4g}",
        "a hidden layer, where classes are not to be parted by a plane",
        (with_hidden_layer(16), with_hidden_layer(48)),
    )


ILLNESS = Illness("no_hidden_layer", "A hidden layer is missing", _suspect, goes_further=True)
