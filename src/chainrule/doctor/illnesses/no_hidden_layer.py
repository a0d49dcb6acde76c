"""No hidden layer, and a task that no plane solves.

Look-alike: a linear task, which a hidden layer does not better: only the experiment tells.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import with_hidden_layer
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    if len(probes.starts) != 1:
        return None
    return Suspicion(
        "the network",
        f"a single layer, whose best plane leaves the loss at {probes.own.loss:.4g}",
        "a hidden layer, where classes are not to be parted by a plane",
        (with_hidden_layer(16), with_hidden_layer(48)),
    )


ILLNESS = Illness("no_hidden_layer", "A hidden layer is missing", _suspect)
