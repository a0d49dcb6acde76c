"""A local minimum: nothing is wrong but this start, and others succeed. Not a mistake.

Look-alike: ``too_few_units``, where no start succeeds.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import other_start
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.treating import succeeds
from chainrule.doctor.finding import Prescription

#: Other starts that are tried. One that succeeds shows that the network is large enough; with two
#: rectified units about every eighth does on XOR.
STARTS = 24
#: So many good ones are proof enough.
ENOUGH = 4
#: With more numbers than these a bad start is not what fails.
MOST_NUMBERS = 60


def _suspect(probes: Probes) -> Suspicion | None:
    if sum(array.size for array in probes.program.parameters.values()) > MOST_NUMBERS:
        return None
    good: list[Prescription] = []
    for seed in range(1, STARTS + 1):
        if len(good) == ENOUGH:
            break
        start = other_start(probes.program.seed + seed)
        found = probes.repaired(start)
        if found is not None and succeeds(probes, found):
            good.append(start)
    if not good:
        return None
    return Suspicion(
        "the start",
        f"from {len(good)} of {seed if len(good) == ENOUGH else STARTS} other starts the same "
        "program succeeds",
        "most small networks succeed from some starts only: XOR with two hidden units from about "
        "every second",
        tuple(good[:1]),
    )


ILLNESS = Illness("local_minimum", "A local minimum", _suspect)
