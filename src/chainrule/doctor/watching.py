"""Doctor: a callback that watches a training and speaks once, when it is sure."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.doctor.illnesses.overfitting import AND_MORE, HIGHER
from chainrule.doctor.probes.layers import units
from chainrule.errors import TrainingWarning
from chainrule.graph.op import Array
from chainrule.train.advice import NO_LESS, ROWS, STEPS, WHERE_TO_ASK, level_outside
from chainrule.train.callbacks import Callback
from chainrule.train.restarts import constant_loss

if TYPE_CHECKING:
    from chainrule.train.loop import Training

#: What looking may cost, in parts of the time that the training has taken so far.
COST = 0.03
#: From one look to the next the epochs grow by this factor.
APART = 1.3
#: Epochs in a row after the best one, in which validation must have been worse.
PATIENCE = 10
#: So much above both its first epoch and a constant answer, a loss is out of hand.
WILD = 3.0
#: The share of a layer's units, from where on it is said that they are dead, alike or saturated.
MOST = 0.9


class Doctor(Callback):
    """Watch a training: ``fit(..., callbacks=[cr.Doctor()])``.

    It looks at the history and at some 256 rows now and then, at less than a twentieth of the
    training's time, and says once, as a ``TrainingWarning``, what is surely wrong: nothing is
    learnt, the loss is out of hand, or validation has turned. ``said`` is what it said, or None.
    """

    every_epoch = False

    def __init__(self) -> None:
        self.said: str | None = None

    def on_start(self, training: Training) -> None:
        self.said = None
        self._began, self._spent, self._next = time.perf_counter(), 0.0, 2
        self._level: float | None = None

    def on_epoch(self, training: Training) -> None:
        began = time.perf_counter()
        if training.epoch >= self._next and self._spent <= COST * (began - self._began):
            self._next = max(training.epoch + 1, int(APART * training.epoch))
            self._look(training)
            self._spent += time.perf_counter() - began

    def on_end(self, training: Training) -> None:
        self._look(training)

    def _look(self, training: Training) -> None:
        data = getattr(training, "data", None)  # L-BFGS keeps its own
        if self.said or data is None or not len(training.history):
            return
        found = self._found(training, data)
        if found:
            self.said = found
            warnings.warn(
                f"epoch {training.epoch}: {found}. {WHERE_TO_ASK}",
                TrainingWarning,
                stacklevel=level_outside(),
            )

    def _found(self, training: Training, data: dict[str, Array]) -> str | None:
        if self._level is None:
            self._level = constant_loss(training.net, data)
        losses = training.history["loss"]
        if not np.isfinite(self._level) or not np.isfinite(losses).all():
            return None
        return (
            _turned(training.history, self._level)
            or _wild(losses, self._level)
            or _still(training, data, losses, self._level)
        )


def _turned(history: Any, level: float) -> str | None:
    """Validation has risen for good."""
    if "validation_loss" not in history:
        return None
    held = history["validation_loss"]
    best = int(np.argmin(held))
    since = held[best + 1 :]
    bound = max(HIGHER * held[best], held[best] + AND_MORE * level)
    if len(since) < max(PATIENCE, best) or np.median(since[-PATIENCE:]) < bound:
        return None
    return (
        f"the loss of validation was best in epoch {best + 1} with {held[best]:.4g} and is "
        f"{held[-1]:.4g} now: overfitting. cr.EarlyStopping() keeps the best"
    )


def _wild(losses: list[float], level: float) -> str | None:
    """The loss is far above everything that it should be, and stays there."""
    if len(losses) < PATIENCE or min(losses[-PATIENCE:]) < WILD * max(level, losses[0]):
        return None
    return (
        f"the loss has risen from {losses[0]:.4g} to {losses[-1]:.4g}, where a constant answer has "
        f"{level:.4g}: the learning rate is too large for these data"
    )


def _still(
    training: Training, data: dict[str, Array], losses: list[float], level: float
) -> str | None:
    """Nothing is learnt after steps enough, and the predictions are the same for all rows."""
    steps = training.epoch * training.steps_per_epoch
    if steps < STEPS or min(losses) < NO_LESS * level or not np.ptp(data["t"]):
        return None
    x = data["x"][:ROWS]
    outputs = training.net.predict(x).astype(np.float64)
    if outputs.std(axis=0).max() > 1e-3 * max(float(np.abs(outputs).max()), 1e-12):
        return None
    return (
        f"nothing is learnt: after {steps} steps the loss is {losses[-1]:.4g}, a constant answer "
        f"has {level:.4g}, and the predictions are the same for all rows{_why(training, x)}"
    )


def _why(training: Training, x: Array) -> str:
    """What the hidden units do, if that explains it."""
    for layer in units(training.net, x):
        if not layer.is_hidden:
            continue
        for share, does in (
            (layer.dead, "are 0 for all of them"),
            (layer.duplicates, "repeat another unit"),
            (layer.saturated, "are at the flat end of their range"),
        ):
            if share >= MOST:
                return f"; {share:.0%} of the units of layer {layer.place + 1} {does}"
    return ""
