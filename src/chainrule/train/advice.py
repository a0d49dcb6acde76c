"""Advice: one line after a training that plainly failed, which points to the doctor."""

from __future__ import annotations

import sys
import warnings

import numpy as np

from chainrule.errors import TrainingWarning
from chainrule.graph.op import Array
from chainrule.nn.sequential import Sequential
from chainrule.train.history import History
from chainrule.train.restarts import constant_loss

#: Fewer steps have had no chance, so that nothing is said about them.
STEPS = 1000
#: Nothing learnt has who ends above this part of what the best constant answer costs, and whose
#: predictions differ from row to row by less than this part of what the targets do.
NO_LESS, CONSTANT = 0.98, 0.01
#: Rows that are looked at.
ROWS = 256

WHERE_TO_ASK = "cr.diagnose(net, X, y, ...), with the options of this fit, says why."


def advise(net: Sequential, data: dict[str, Array], history: History, steps: int) -> None:
    """Warn, once, if a training of so many ``steps`` has learnt nothing at all.

    Silent where it was interrupted, or short, or where any progress is seen.
    """
    if history.stopped or not len(history) or steps < STEPS:
        return
    last, first = history["loss"][-1], history["loss"][0]
    level = constant_loss(net, data)
    if not last >= NO_LESS * level or not np.ptp(data["t"]):
        return
    if _spread(net.predict(data["x"][:ROWS])) > CONSTANT * _spread(_numbers(data["t"][:ROWS])):
        return
    what = (
        f"nothing was learnt in {len(history)} epochs: the loss went from {first:.4g} to "
        f"{last:.4g}, a constant answer has {level:.4g}, and the predictions are the same for all "
        f"rows."
    )
    warnings.warn(TrainingWarning(what, WHERE_TO_ASK), stacklevel=level_outside())


def advise_of_tries(history: History, restarts: int) -> None:
    """Warn if no start of a training with ``restarts`` got anywhere."""
    # A training whose loss was not finite has warned by itself.
    if len(history.tries) > restarts and "not finite" not in history.tries[-1]:
        what = (
            f"all {restarts + 1} tries got stuck, the last: {history.tries[-1]}. The best of them "
            "is kept. Give more restarts, more hidden units, or another learning rate."
        )
        warnings.warn(TrainingWarning(what, WHERE_TO_ASK), stacklevel=level_outside())


def level_outside() -> int:
    """The ``stacklevel`` that makes a warning of the caller's name the line outside chainrule."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and str(frame.f_globals.get("__name__")).split(".")[0] == "chainrule":
        frame, level = frame.f_back, level + 1
    return level


def _numbers(t: Array) -> Array:
    """Targets as outputs are: class indices one-hot."""
    return np.eye(int(t.max()) + 1)[t] if t.ndim == 1 else t


def _spread(rows: Array) -> float:
    """How much the rows differ: the root mean square of the columns' spreads."""
    wide = rows.astype(np.float64).reshape(len(rows), -1)
    return float(np.sqrt(np.mean(wide.std(axis=0) ** 2)))
