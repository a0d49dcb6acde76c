"""Answers: what the loss says of answers whose worth is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.graph.op import Array
from chainrule.nn.losses import NAMED, Loss

#: What a user's own loss may raise when it is handed arrays that it was not written for.
_REFUSALS = (ChainruleError, ArithmeticError, AttributeError, IndexError, TypeError, ValueError)


def kind_of_targets(loss: Loss, t: Array) -> str:
    """What the targets are: "classes", "probability" or "values", whatever the loss says."""
    if loss.kind != "values":
        return loss.kind
    if not np.isin(t, (0, 1)).all():
        return "values"
    if t.ndim == 2 and t.shape[1] > 1:
        return "classes" if (t.sum(axis=1) == 1).all() else "probability"
    return "probability"


def perfect_loss(loss: Loss, t: Array, kind: str) -> float | None:
    """The loss of outputs that give each row's target the probability 1 (less a hair)."""
    if kind not in ("classes", "probability"):
        return None
    if t.ndim == 1:
        t_rows = (t[:, None] == np.arange(int(t.max()) + 1)).astype(np.float64)
    else:
        t_rows = t.astype(np.float64)
    return value_of(loss, np.clip(t_rows, 1e-9, 1 - 1e-9), t)


def mixes_rows(loss: Loss, t: Array) -> bool:
    """Whether a user's own loss does not notice that the targets are shuffled among the rows."""
    if loss.name in NAMED or len(t) < 3 or np.ptp(t) == 0:
        return False
    t = t[:64]
    if np.array_equal(t, np.roll(t, 1, axis=0)):
        return False  # targets that are alike when rolled say nothing
    rng = np.random.default_rng(0)
    shape = t.shape if t.ndim > 1 else (len(t), int(t.max()) + 1)
    # Probabilities first, for a loss with a logarithm; some losses are the same for all of them.
    for answers in (rng.uniform(0.1, 0.9, (2, *shape)), rng.standard_normal((2, *shape))):
        p, others = answers
        told = [value_of(loss, p, targets) for targets in (t, np.roll(t, 1, axis=0), t[::-1])]
        other = value_of(loss, others, t)
        if other is None or any(value is None for value in told):
            return False
        if not np.isclose(float(told[0] or 0.0), other, rtol=1e-6):
            return bool(np.ptp(np.array(told, float)) <= 1e-9 * abs(other))
    return False  # it does not notice the outputs either


def ignores_targets(loss: Loss, t: Array, outputs: tuple[int, ...]) -> bool:
    """Whether a user's own loss is the same for other targets: those it is given are a filler."""
    if loss.name in NAMED:
        return False
    p = np.random.default_rng(0).uniform(0.1, 0.9, (len(t), *outputs))
    told = [value_of(loss, p, targets) for targets in (t, t + 1)]
    return told[0] is not None and told[0] == told[1]


def value_of(loss: Loss, p: Array, t: Array) -> float | None:
    """The loss of outputs ``p``; None where it has no number for them."""
    try:
        with np.errstate(all="ignore"):
            given: Any = t.astype(np.float64) if t.dtype.kind == "f" else t
            value = float(np.asarray(loss(p, given)))
    except _REFUSALS:
        return None
    return value if np.isfinite(value) else None
