"""Training and validation number their classes in different ways.

Look-alikes: ``validation_scaled_differently`` (the columns' statistics differ), ``wrong_axis`` (an
independent score disagrees with the program's).
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import renumbered_classes
from chainrule.doctor.probes import Probes
from chainrule.nn.labels import class_pair
from chainrule.nn.metrics import confusion_matrix

#: Another numbering must lift the accuracy by so much, to at least this part of that in training.
LIFT, NEARLY = 0.3, 0.75


def _suspect(probes: Probes) -> Suspicion | None:
    trial = probes.with_validation
    if trial is None or trial.portions.held is None or probes.kind_of_targets == "values":
        return None
    net, data, held = trial.network, trial.portions.train, trial.portions.held
    counts = confusion_matrix(net.predict(held["x"]), held["t"])
    found, right, _ = class_pair(net.predict(data["x"]), data["t"])
    of_training = float(np.mean(found == right))
    order = _best_numbering(counts)
    rows = counts.sum()
    now = float(np.trace(counts) / rows)
    then = float(sum(counts[true, guess] for true, guess in enumerate(order)) / rows)
    if then - now < LIFT or then < NEARLY * of_training:
        return None
    pairs = ", ".join(f"{a} is {b}" for a, b in enumerate(order) if a != b)
    return Suspicion(
        "y of validation",
        f"accuracy {now:.3g} on the validation rows and {of_training:.3g} on the training rows; "
        f"with the classes of validation numbered anew ({pairs}) it is {then:.3g}",
        "one numbering: a class must have the same number wherever it appears",
        (renumbered_classes(_inverse(order)),),
        is_proven=True,
    )


def _inverse(order: list[int]) -> tuple[int, ...]:
    return tuple(order.index(number) for number in range(len(order)))


def _best_numbering(counts: np.ndarray) -> list[int]:
    """For each true class, the predicted one that it is: the largest counts first, each once."""
    left = counts.astype(np.float64)
    order = [0] * len(left)
    for _ in order:
        true, guess = np.unravel_index(int(np.argmax(left)), left.shape)
        order[int(true)] = int(guess)
        left[true, :], left[:, guess] = -1, -1
    return order


ILLNESS = Illness("labels_permuted", "Two numberings of the classes", _suspect)
