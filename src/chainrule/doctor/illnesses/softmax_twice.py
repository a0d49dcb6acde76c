"""Softmax twice: the network gives probabilities, and they go through softmax again.

Then no probability is above e / (e + K - 1), and the loss has a floor of ln(1 + (K - 1) / e).
Look-alike: ``rate_too_small``, whose probabilities grow past that in the end.
"""

from __future__ import annotations

import math

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import output_activation, output_activations, standard_loss
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    case = probes.case
    chain = output_activations(case.network.layers)
    classes = case.network.output_shape[-1]
    floor, most = math.log(1 + (classes - 1) / math.e), math.e / (math.e + classes - 1)
    bounds = f"no probability above {most:.3f}, and no loss below {floor:.3f} ({classes} classes)"
    if chain.count("softmax") >= 2:
        return Suspicion(
            "the last layers",
            f"the outputs go through softmax {chain.count('softmax')} times: {bounds}",
            "softmax once",
            (output_activation("softmax"),),
            is_proven=True,
        )
    perfect = probes.perfect_loss
    if chain[-1:] != ["softmax"] or perfect is None or classes < 2:
        return None
    if abs(perfect - floor) > 1e-3 * floor:
        return None
    return Suspicion(
        f"the loss {case.loss.name}",
        f"it applies softmax to outputs that are probabilities already: {bounds}, and so it gives "
        f"{perfect:.3f} to a perfect answer",
        "0 for a perfect answer",
        (standard_loss("cross_entropy"),),
        is_proven=True,
    )


ILLNESS = Illness("softmax_twice", "Softmax twice", _suspect)
