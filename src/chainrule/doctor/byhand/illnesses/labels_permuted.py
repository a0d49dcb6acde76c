"""Classes numbered in one way for training and in another for validation.

Then validation is worse than chance, and one renaming of the classes brings it all back.
Look-alikes: ``validation_scaled_differently`` and ``wrong_axis``, which no renaming cures.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import training_targets
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import VALUES, chosen, targets_of
from chainrule.graph.op import Array

#: What renaming must bring: most of what the training rows have.
BROUGHT_BACK = 0.75


def _suspect(probes: Probes) -> Suspicion | None:
    program, own, targets = probes.program, probes.own, probes.targets
    if program.validation is None or own.failed or targets.kind == VALUES:
        return None
    held = targets_of(program.validation[1], probes.columns)
    out = probes.answered(own.parameters, program.validation[0])
    on_train = probes.answered(own.parameters, probes.parts.X)
    if out is None or on_train is None or held.kind != targets.kind or len(held.meant) < 8:
        return None
    probes.note("validation labels beside answers")
    classes = max(2, targets.classes)
    counts = np.zeros((classes, classes))
    np.add.at(counts, (held.meant, chosen(out)), 1)
    right = float(np.trace(counts) / counts.sum())
    known = float(np.mean(chosen(on_train) == probes.parts.targets.meant))
    names = _best_renaming(counts)
    renamed = float(counts[names, np.arange(classes)].sum() / counts.sum())
    if right > 0.7 / classes or renamed < BROUGHT_BACK * known or known < 1.3 / classes:
        return None

    def change(y: Array) -> Array:
        if y.ndim == 2 and y.shape[1] > 1:
            return np.asarray(y[:, np.argsort(names)])
        numbers = np.unique(y)
        labels = names[np.searchsorted(numbers, y)]
        return np.asarray(numbers[labels] if len(numbers) == classes else labels, y.dtype)

    shown = ", ".join(f"{k} is {names[k]}" for k in range(classes) if names[k] != k)
    return Suspicion(
        "y of training beside y of validation",
        f"{right:.1%} of the validation rows are right, {known:.1%} of the training rows; with the "
        f"classes renamed ({shown}) {renamed:.1%} are",
        f"as many as of the training rows, and never less than chance ({1 / classes:.1%})",
        (training_targets(f"number the classes alike in both parts: {shown}", change),),
        is_proven=True,
    )


def _best_renaming(counts: Array) -> Array:
    """For each answer the label that it stands for, the surest first."""
    left = counts.astype(np.float64).copy()
    names = np.arange(len(left))
    for _ in range(len(left)):
        label, answer = np.unravel_index(int(left.argmax()), left.shape)
        names[answer] = label
        left[label, :], left[:, answer] = -1, -1
    return names


ILLNESS = Illness("labels_permuted", "Classes numbered in two ways", _suspect)
