"""NaN or infinity in the data, before any computation.

Look-alike: an overflow in training, where the data are finite and NaN is born later.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import without_bad_columns, without_bad_rows
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.running import FEWEST_GOOD, good_rows
from chainrule.doctor.finding import Prescription


def _suspect(probes: Probes) -> Suspicion | None:
    probes.note("the data")
    for name, array in zip("Xy", probes.program.data, strict=True):
        if array.dtype.kind != "f" or np.isfinite(array).all():
            continue
        bad = np.argwhere(~np.isfinite(array))
        place = ", ".join(map(str, bad[0]))
        told, repairs = _repairs(probes)
        return Suspicion(
            f"{name}[{place}]",
            f"{len(bad)} value{'s' * (len(bad) > 1)} of {name} {'are' if len(bad) > 1 else 'is'} "
            "not finite; the first is "
            f"{array[tuple(bad[0])]}",
            f"finite numbers: one NaN in a batch makes every parameter NaN{told}",
            repairs,
            is_proven=True,
        )
    return None


def _repairs(probes: Probes) -> tuple[str, tuple[Prescription, ...]]:
    """What leaves something to learn from, and a word on what does not."""
    X, y = probes.program.data
    if good_rows(X, y).sum() >= FEWEST_GOOD:
        return "", (without_bad_rows(probes.program),)
    if good_rows(y, y).all():
        return "; hardly a row is without", (without_bad_columns(),)
    return "; hardly a row is without: look at how the data are read", ()


ILLNESS = Illness("non_finite_data", "NaN or infinity in the data", _suspect)
