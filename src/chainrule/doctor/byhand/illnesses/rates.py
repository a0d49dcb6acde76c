"""A learning rate that is far too large or far too small: other rates decide.

Look-alikes: ``missing_mean``, which is a rate m times too large and which only the gradients tell
from it; a start from which no rate helps.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import another_rate, rate_of
from chainrule.doctor.byhand.probes import Probes

SMALLER = (0.1, 0.03, 0.01, 0.003, 0.001)
LARGER = (10.0, 100.0, 1000.0, 10000.0)
#: A rate is far too small where less than half is learnt in the end; others are a matter of taste.
HALF = 0.5
#: A run that moves less than this part of what is to be learnt goes too slowly to tell more.
STANDS = 0.02


def _large(probes: Probes) -> Suspicion | None:
    own, now = probes.own, rate_of(probes)
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


def _small(probes: Probes) -> Suspicion | None:
    own, now = probes.own, rate_of(probes)
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


TOO_LARGE = Illness("rate_too_large", "Learning rate too large", _large, is_specific=False)
TOO_SMALL = Illness("rate_too_small", "Learning rate too small", _small, is_specific=False)
