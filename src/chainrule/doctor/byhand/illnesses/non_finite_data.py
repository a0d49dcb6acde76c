"""NaN or infinity in the data, before any computation.

Look-alike: an overflow in training, where the data are finite and NaN is born later.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import without_bad_rows
from chainrule.doctor.byhand.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    probes.note("the data")
    for name, array in zip("Xy", probes.program.data, strict=True):
        if array.dtype.kind != "f" or np.isfinite(array).all():
            continue
        bad = np.argwhere(~np.isfinite(array))
        place = ", ".join(map(str, bad[0]))
        return Suspicion(
            f"{name}[{place}]",
            f"{len(bad)} values of {name} are not finite; the first is {array[tuple(bad[0])]}",
            "finite numbers: one NaN in a batch makes every parameter NaN",
            (without_bad_rows(),),
            is_proven=True,
        )
    return None


ILLNESS = Illness("non_finite_data", "NaN or infinity in the data", _suspect)
