"""A local minimum: nothing is wrong but this start, and other starts succeed.

Small networks have many: XOR with two hidden units ends in one about every second time. Not a
mistake, and the verdict is "unlucky". Look-alike: ``too_few_units``, where no start succeeds.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import another_start
from chainrule.doctor.probes import Probes

#: Other starts that are tried.
STARTS = 8


def _suspect(probes: Probes) -> Suspicion | None:
    if len(probes.starts) < 2:
        return None  # without a hidden layer the loss is convex
    seed = probes.case.seed
    return Suspicion(
        f"the start, seed {seed}",
        f"the loss stays at {probes.own.loss:.4g} from this start",
        "another start from the same initializers gets further",
        tuple(another_start(seed + i) for i in range(1, STARTS + 1)),
    )


ILLNESS = Illness(
    "local_minimum", "An unlucky start", _suspect, is_specific=False, goes_further=True
)
