"""Weights that are all alike: every hidden unit computes, and learns, the same.

Look-alikes: ``dead_biases`` (weights differ, biases are far off); a network without a hidden layer,
for which zeros are a fine start, because its loss is convex.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import fresh_starts
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    hidden = [start for start in probes.starts[:-1] if start.is_zero or start.is_constant]
    if not hidden:
        return None
    first = hidden[0]
    alike = next((u.duplicates for u in probes.first_units if u.place == first.place), 0.0)
    kind = "0" if first.is_zero else "one and the same number"
    return Suspicion(
        f"{first.name}, layer {first.place + 1}",
        f"all weights start as {kind}, so {alike:.0%} of the layer's units repeat another one",
        "weights that differ: units that start alike get the same gradient and stay alike",
        fresh_starts(probes.case),
        is_strong=True,
        is_definite=True,
    )


ILLNESS = Illness("zero_weights", "All weights start alike", _suspect)
