"""Targets in a form that the program does not take: numbers for one-hot rows, or the reverse.

Look-alike: ``targets_broadcast``, where n numbers meet n numbers in another shape.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import other_targets
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import CLASSES, VALUES
from chainrule.doctor.byhand.treating import lack, learns
from chainrule.doctor.finding import Prescription


def _suspect(probes: Probes) -> Suspicion | None:
    y, columns, targets = probes.program.data[1], probes.columns, probes.targets
    given = y.size // len(y)
    if probes.outputs is None or targets.kind == VALUES or given == columns:
        return None
    if learns(probes, probes.own):
        return None
    for repair in _forms(probes):
        found = probes.repaired(repair)
        if found is None or found.raised or lack(probes, found) > 0.8 * lack(probes, probes.own):
            continue
        seen = probes.own.failed or f"the loss stays at {probes.own.share:.2f} of a constant's"
        return Suspicion(
            "y",
            f"a row has {columns} outputs and {given} numbers as target (y is {y.shape}); {seen}",
            f"{columns} numbers a row, as the outputs have",
            (repair,),
            is_proven=True,
        )
    return None


def _forms(probes: Probes) -> Iterator[Prescription]:
    columns, classes = probes.columns, max(2, probes.targets.classes)
    if probes.targets.kind == CLASSES and columns > 1:
        yield other_targets(
            f"y = np.eye({classes})[y.ravel().astype(int)]   # one-hot rows",
            lambda y: np.eye(classes)[np.asarray(y).ravel().astype(int)],
        )
    elif columns == 1:
        yield other_targets(
            "y = y[:, 1:]   # one column: 1 for the second class, 0 for the first",
            lambda y: np.asarray(y).reshape(len(y), -1)[:, 1:2],
        )


ILLNESS = Illness("wrong_target_form", "Targets in another form than the outputs", _suspect)
