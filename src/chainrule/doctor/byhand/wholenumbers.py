"""Parameters that are whole numbers: which they are, whether the gradients mind, and what to do."""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.chain import WIDE, spreads
from chainrule.doctor.byhand.prescriptions import floats, fresh_start
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.finding import Prescription

#: Gradients by a formula are the same for 2 and 2.0 but for rounding.
SAME = 1e-6


def whole(probes: Probes) -> list[str]:
    """The names of the parameters that are whole numbers."""
    probes.note("the parameters")
    return [n for n, array in probes.program.parameters.items() if array.dtype.kind in "iub"]


def gradients_differ(probes: Probes) -> bool:
    """Whether the program's gradients are others for the same numbers as floats."""
    program = probes.program
    if program.gradients is None:
        return False
    X, y = program.data[0][:20], program.data[1][:20]
    found = []
    for held in (program, probes.with_floats()):
        try:
            with program.undisturbed():
                p = {name: array.copy() for name, array in held.parameters.items()}
                result = program.gradients(p, X, y)
                found.append({name: np.asarray(result[name], np.float64) for name in p})
        except Exception:  # gradients that raise are told by the run
            return False
    return any(
        not np.allclose(found[0][name], found[1][name], rtol=SAME, atol=SAME) for name in found[0]
    )


def repairs(probes: Probes) -> tuple[Prescription, ...]:
    """The same numbers as floats; drawn anew first where whole numbers are far too wide a start.

    Among many inputs the smallest whole number is: as a float it would only be another illness.
    """
    sizes = spreads(probes.program.parameters, probes.layers)
    fresh = fresh_start(probes)
    is_wide = any(spread.times > WIDE for spread in sizes)
    return (fresh, floats()) if is_wide else (floats(), fresh)
