"""Too few hidden units for what is to be learnt: more of them cure it, from any start.

Look-alikes: ``local_minimum``, where other starts of the same network succeed; weights that start
too small, where as many units with a fresh start do.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import more_units
from chainrule.doctor.byhand.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    layers = probes.layers
    if len(layers) < 2:
        return None
    units = [probes.program.parameters[layer.weight].shape[1] for layer in layers[:-1]]
    shown = ", ".join(map(str, units))
    return Suspicion(
        "the hidden layers",
        f"hidden layers of {shown} units, which end at {probes.own.share:.3g} of a constant "
        "answer's loss",
        f"{probes.reference.share:.3g} of it, as a network of 32 units reaches on the same rows",
        (more_units(probes),),
    )


ILLNESS = Illness("too_few_units", "Too few hidden units", _suspect, is_specific=False)
