"""NaN or Inf in the data, before any operation.

Look-alike: ``log_of_zero`` and ``rate_too_large``, where the data are finite and NaN is born later.
"""

from __future__ import annotations

from chainrule.doctor.case import Case
from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import finite_rows
from chainrule.doctor.probes.statics import non_finite


def suspect(case: Case) -> Suspicion | None:
    """Asked of the case itself: no probe can compute with such data."""
    named = {"X": case.X, "y": case.y}
    if case.validation is not None:
        named |= {"X of validation": case.validation[0], "y of validation": case.validation[1]}
    for name, array in named.items():
        found = non_finite(name, array)
        if found is not None:
            where, count = found
            return Suspicion(
                where,
                f"{count} value{'s' if count > 1 else ''} of {name} "
                f"{'are' if count > 1 else 'is'} NaN or infinite",
                "numbers: one NaN in a batch makes every parameter NaN in one step",
                (finite_rows(),),
                is_proven=True,
            )
    return None


ILLNESS = Illness("non_finite_data", "NaN or infinity in the data", lambda probes: None)
