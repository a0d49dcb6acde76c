"""A learning rate that is far too small: the loss falls, but by a hair in each epoch.

Evidence: less than half is learnt in the end, and success at a larger rate. Look-alikes:
``weights_too_small``, a start from which no rate helps; ``inputs_too_small``, which its own repair
cures at the same rate; ``too_few_epochs``, where three times as long is enough.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import another_rate
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rates import stated_rate

#: What the rate is multiplied by, one after the other until it learns.
LARGER = (10.0, 100.0, 1000.0, 10_000.0, 100_000.0)
#: A rate is far too small where less than half is learnt in the end; others are a matter of taste.
HALF = 0.5


def _suspect(probes: Probes) -> Suspicion | None:
    own, now = probes.own, stated_rate(probes)
    if own.failed or own.share < HALF:
        return None
    rate = "" if now is None else f" at a rate of {now:.3g}"
    return Suspicion(
        "the rate in step",
        f"in {own.steps} steps{rate} the loss goes from {own.curve[0][1]:.4g} to "
        f"{own.curve[-1][1]:.4g} of a constant answer's",
        "a fall that ends: larger steps fall faster in proportion",
        tuple(another_rate(factor, now) for factor in LARGER),
    )


ILLNESS = Illness("rate_too_small", "Learning rate too small", _suspect, is_specific=False)
