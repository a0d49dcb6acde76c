"""An activation before the one that belongs to the outputs: ReLU, and then softmax.

What the first cuts off, the second never sees. Look-alikes: ``softmax_twice``; dead hidden units,
which clamp no output.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import last_dense, output_activation, output_activations
from chainrule.doctor.probes import Probes

FINAL = ("softmax", "sigmoid", "log_softmax")


def _suspect(probes: Probes) -> Suspicion | None:
    layers = probes.case.network.layers
    chain = output_activations(layers)
    final = chain[-1] if chain and chain[-1] in FINAL else None
    before = chain[:-1] if final else chain
    if last_dense(layers) < 0 or not before or "softmax" in before:
        return None
    then = f" and then {final}" if final else ""
    return Suspicion(
        f"the last layer: {' and then '.join(before)}{then}",
        f"its sums go through {before[0]}{then}",
        f"the sums as they are{then}: what {before[0]} cuts off can never be an output",
        (output_activation(final),),
        is_strong=True,
        is_definite=True,
    )


ILLNESS = Illness("activation_on_logits", "An activation on the logits", _suspect)
