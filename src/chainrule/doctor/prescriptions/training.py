"""Prescriptions for training: the loss, the rate, the batches, the epochs."""

from __future__ import annotations

import copy
from dataclasses import replace

from chainrule.doctor.case import Case, copied
from chainrule.doctor.finding import Prescription
from chainrule.doctor.prescriptions.network import output_activation
from chainrule.nn.losses import NAMED


def another_rate(factor: float, now: float) -> Prescription:
    """The learning rate times ``factor``; it is ``now``."""

    def change(case: Case) -> Case:
        optimizer = copy.copy(case.optimizer)
        optimizer.learning_rate = case.optimizer.learning_rate * factor
        return replace(case, optimizer=optimizer)

    return Prescription(f"learning_rate={now * factor:.3g} instead of {now:.3g}", change)


def optimizer_with(**settings: float | None) -> Prescription:
    """The optimizer with other settings."""

    def change(case: Case) -> Case:
        optimizer = copy.copy(case.optimizer)
        for name, value in settings.items():
            setattr(optimizer, name, value)
        return replace(case, optimizer=optimizer)

    return Prescription(", ".join(f"{name}={value}" for name, value in settings.items()), change)


def standard_loss(name: str) -> Prescription:
    """The library's own loss ``name``."""

    def change(case: Case) -> Case:
        net = copied(case.network)
        net.loss = NAMED[name]
        return replace(case, network=net, loss=NAMED[name])

    return Prescription(f"loss={name!r}", change)


def standard_outputs(kind: str) -> Prescription:
    """The activation and the loss that belong to probabilities, or to classes."""
    activation, loss = {
        "classes": ("softmax", "cross_entropy"),
        "probability": ("sigmoid", "binary_cross_entropy"),
    }[kind]
    outputs, measured = output_activation(activation), standard_loss(loss)
    return Prescription(
        f"Dense(units, {activation!r}) as the last layer, and loss={loss!r}",
        lambda case: measured.change(outputs.change(case)),
    )


def shuffled_batches() -> Prescription:
    """Batches drawn anew in each epoch."""
    return Prescription(
        "shuffle the rows in every epoch (fit does it)", lambda case: replace(case, shuffle=True)
    )


def fewer_epochs(epochs: int) -> Prescription:
    """So many epochs and no more."""
    return Prescription(
        f"epochs={epochs}, or callbacks=[cr.EarlyStopping()], which keeps the best; more rows and "
        "fewer units help further",
        lambda case: replace(case, epochs=epochs),
    )


def more_epochs(times: int) -> Prescription:
    """So many times the epochs."""
    return Prescription(
        f"{times} times the epochs", lambda case: replace(case, epochs=case.epochs * times)
    )


def constant_rate() -> Prescription:
    """The same rate in all epochs."""
    return Prescription("leave out schedule=", lambda case: replace(case, schedule=None))
