"""ReLU units that die while training: large steps push them below 0 for every row, for good.

Evidence: hidden units that are 0 for every row after the program's own run and were not before it,
many of them, and success with smaller steps, or with units that cannot die. Look-alikes:
``dead_biases``, where they are dead before the first step; ``rate_too_large``, where numbers are
lost or the loss wanders while the units live. A smaller rate cures both: what the units do decides
the name.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import another_rate
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rates import stated_rate
from chainrule.doctor.byhand.rebuilt import rewritten
from chainrule.doctor.illnesses.dying_relu import FEWEST, GREW, MANY

#: What the rate is multiplied by, one after the other until it learns.
SMALLER = (0.1, 0.03, 0.3)
LEAKY = "np.where(a > 0, a, 0.01 * a)"


def _suspect(probes: Probes) -> Suspicion | None:
    if probes.own.failed:
        return None
    for layer in probes.rectified:
        if layer.units < FEWEST or layer.after < MANY or layer.after - layer.before < GREW:
            continue
        now = stated_rate(probes)
        rate = "" if now is None else f", at a rate of {now:.3g}"
        leaky = rewritten(probes, f"h = {LEAKY} in the hidden layers", LEAKY)
        return Suspicion(
            f"the units after {layer.weight}" if layer.weight else "the hidden units",
            f"{layer.after:.0%} of {layer.units} units are 0 for every row after training, "
            f"{layer.before:.0%} before{rate}",
            "well below half: a unit that is 0 everywhere gets no gradient and stays so",
            (
                *(another_rate(factor, now) for factor in SMALLER),
                *(() if leaky is None else (leaky,)),
            ),
            rivals=("rate_too_large",),
        )
    return None


ILLNESS = Illness("dying_relu", "ReLU units die", _suspect)
