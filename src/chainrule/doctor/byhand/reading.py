"""Reading outputs: what the targets mean, and how good outputs are, whatever the program's loss.

Quality is a share: the loss over that of the best constant answer, so that 1 is nothing learnt and
0 is all. Labels are judged by cross-entropy, values by the squared error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.doctor.standardising import are_alike
from chainrule.graph.op import Array

BINARY, CLASSES, VALUES = "binary", "classes", "values"
#: Probabilities nearer to 0 count as this one.
LEAST = 1e-7


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets as the judge reads them.

    Attributes:
        kind: "binary" (one output says which of two), "classes" (one output a class) or "values".
        meant: (n,) class numbers, or (n, columns) values.
        classes: how many; 0 for values.
    """

    kind: str
    meant: Array
    classes: int

    def rows(self, at: Any) -> Targets:
        """Those of some rows."""
        return Targets(self.kind, self.meant[at], self.classes)

    def one_hot(self) -> Array:
        """Labels as rows with a single 1."""
        return np.eye(max(2, self.classes))[self.meant]


def targets_of(y: Any, columns: int) -> Targets:
    """What targets mean beside outputs of so many columns."""
    array = np.asarray(y)
    flat = array.reshape(len(array), -1)
    lost = ~np.isfinite(flat).all(axis=1)
    if lost.any() and not lost.all():
        # Rows without a target do not change what the others mean; they are told as a finding.
        flat = np.where(lost[:, None], flat[~lost][0], flat)
    whole = flat.dtype.kind in "iub" or bool(np.all(flat == np.round(flat)))
    if not whole or flat.dtype.kind not in "iufb":
        return Targets(VALUES, flat.astype(np.float64), 0)
    is_one_hot = flat.shape[1] > 1 and bool(
        np.isin(flat, (0, 1)).all() and (flat.sum(axis=1) == 1).all()
    )
    if is_one_hot:
        labels = flat.argmax(axis=1)
        return Targets(CLASSES if columns > 1 else BINARY, labels, flat.shape[1])
    numbers = np.unique(flat)
    if flat.shape[1] == 1 and columns > 1 and numbers.min() >= 0 and numbers.max() <= columns:
        labels = flat[:, 0].astype(int)
        return Targets(CLASSES, labels if labels.max() < columns else labels - 1, columns)
    if flat.shape[1] == 1 and columns == 1 and len(numbers) == 2:
        return Targets(BINARY, (flat[:, 0] == numbers[1]).astype(int), 2)
    return Targets(VALUES, flat.astype(np.float64), 0)


def losses(outputs: Any, targets: Targets) -> Array:
    """The judge's loss of each row; infinite where outputs cannot be read."""
    p = np.asarray(outputs, np.float64)
    n = len(targets.meant)
    if p.ndim == 0 or len(p) != n or not np.isfinite(p).all():
        return np.full(n, np.inf)
    p = p.reshape(n, -1)
    if targets.kind == VALUES:
        if p.shape != targets.meant.shape:
            return np.full(n, np.inf)
        return np.asarray(np.mean((p - targets.meant) ** 2, axis=1))
    if p.shape[1] == 1:
        q = p if p.min() >= 0 and p.max() <= 1 else 1 / (1 + np.exp(-np.clip(p, -500, 500)))
        p = np.hstack([1 - q, q])
    elif p.min() < 0 or p.max() > 1:
        p = np.exp(p - p.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
    if p.shape[1] <= targets.meant.max(initial=0):
        return np.full(n, np.inf)
    found: Array = -np.log(np.clip(p[np.arange(n), targets.meant], LEAST, 1.0))
    return found


def constant_answer(targets: Targets) -> float:
    """The loss of the best constant answer: exactly 0 where all targets are alike."""
    if are_alike(targets.meant):
        return 0.0
    if targets.kind == VALUES:
        return float(np.mean(targets.meant.var(axis=0)))
    shares = np.bincount(targets.meant) / len(targets.meant)
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log(shares)))


def constant(targets: Targets) -> float:
    """The same, to divide by: 1 where it is 0."""
    return constant_answer(targets) or 1.0


def share(outputs: Any, targets: Targets, level: float | None = None) -> float:
    """The mean loss over ``level``, by default that of the best constant answer."""
    return float(np.mean(losses(outputs, targets))) / (level or constant(targets))


def chosen(outputs: Any) -> Array:
    """The class that outputs say for each row."""
    p = np.asarray(outputs, np.float64)
    p = p.reshape(len(p), -1)
    if p.shape[1] > 1:
        return np.asarray(p.argmax(axis=1))
    middle = 0.5 if p.min() >= 0 and p.max() <= 1 else 0.0
    return (p[:, 0] > middle).astype(int)


def logits(outputs: Any, targets: Targets) -> Array:
    """What went into the last sigmoid or softmax, up to what softmax cannot see."""
    p = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    if targets.kind == VALUES or p.min() < 0 or p.max() > 1:
        return p
    if p.shape[1] == 1:
        return np.log(p) - np.log1p(-p)
    logs = np.log(p)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
