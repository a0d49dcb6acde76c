"""A learning rate that is far too large: the steps jump over the valley, or out of it.

Evidence: a run that fails or wanders, and success at a smaller rate. Look-alikes: ``missing_mean``,
which is a rate m times too large and which only the gradients tell from it; ``inputs_too_large``
and ``weights_too_large``, which their own repair cures at the same rate.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import another_rate
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rates import stated_rate

#: What the rate is multiplied by, one after the other until it learns.
SMALLER = (0.1, 0.03, 0.01, 0.003, 0.001)
#: A run that moves less than this part of what is to be learnt goes too slowly to tell more.
STANDS = 0.02


def _suspect(probes: Probes) -> Suspicion | None:
    own, now = probes.own, stated_rate(probes)
    shares = [row[1] for row in own.curve]
    if not own.failed and max(shares) - shares[0] < STANDS and shares[-1] > shares[0] - STANDS:
        return None
    seen = own.failed or f"the loss ends at {own.share:.3g} of a constant answer's"
    rate = "" if now is None else f", at a rate of {now:.3g}"
    return Suspicion(
        "the rate in step",
        f"{seen}{rate}",
        "a loss that falls: steps so small that the slope still holds where they end",
        tuple(another_rate(factor, now) for factor in SMALLER),
    )


ILLNESS = Illness("rate_too_large", "Learning rate too large", _suspect, is_specific=False)
