"""Others: how a training does on rows that it was not trained on, row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import LOOKS, MOST_ROWS, Portions, parted, stops, train
from chainrule.errors import ChainruleError
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential

#: Parts of a cross-validation, and rows from where on one part is enough.
PARTS, MANY_ROWS = 4, 1000
#: A row counts at most as so many constant answers: one that is badly wrong is not all that counts.
MOST_OF_A_ROW = 10.0
#: Standard errors from where on a difference is clear: 0.6 % of those that are none come so far.
CLEAR = 2.5


def is_whole_table(X: Array) -> bool:
    """Whether the rows are all that their columns' values allow, as of a gate."""
    flat, cases = np.asarray(X).reshape(len(X), -1), 1
    for column in flat.T:
        cases *= len(np.unique(column))
        if cases > len(flat):
            return False
    return len(np.unique(flat, axis=0)) == cases


@dataclass(frozen=True, eq=False)
class OnOthers:
    """The share of the constant answer's loss that is left on rows not trained on.

    Attributes:
        left: (looks, rows): of each row, at each look on the way.
        own: (looks,): on the rows trained on. start: the same before training.
    """

    left: Array
    own: Array
    start: float

    @property
    def best(self) -> Array:
        """Of each row, at the look that is best for all rows together."""
        best: Array = self.left[int(self.left.mean(axis=1).argmin())]
        return best

    @property
    def end(self) -> Array:
        """Of each row, at the end."""
        end: Array = self.left[-3:][_without_a_last_jump(self.left.mean(axis=1))]
        return end

    @property
    def gained(self) -> float:
        """What it gained of its own rows at its best; a bad start made good is no gain."""
        return min(1.0, self.start) - float(self.own.min())

    @property
    def own_end(self) -> float:
        """On the rows trained on, at the end."""
        return float(self.own[-3:][_without_a_last_jump(self.own)])


def _without_a_last_jump(shares: Array) -> int:
    """Which of the last three looks is the end: a jump up in the last one does not count."""
    last = shares[-3:]
    if len(last) < 3:
        return -1
    return 2 if last[2] <= np.median(last) else int(np.argsort(last)[1])


@dataclass(frozen=True)
class Difference:
    """By how much one of two leaves more than the other, on the mean of the same rows.

    ``error`` is the standard error of that mean.
    """

    mean: float
    error: float

    @property
    def is_clear(self) -> bool:
        """Whether chance hardly makes so much."""
        return self.mean > CLEAR * self.error


def difference(before: Array, after: Array) -> Difference:
    """What ``before`` leaves more than ``after``, row by row."""
    each = before - after
    error = float(each.std(ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else math.inf
    return Difference(float(each.mean()), error)


def on_others(case: Case) -> OnOthers:
    """Cross-validate a case's training: each row is judged once, by a network that did not see it.

    Of many rows one part is judged.
    """
    return together([judged(case, parted(case, *at)) for at in folds(case)])


def folds(case: Case) -> Iterator[tuple[Array, Array]]:
    """The places of rows to train on and to judge, the same for all that are compared."""
    rows = np.random.default_rng(case.seed + 1).permutation(len(case.X))[:MOST_ROWS]
    is_of = np.arange(len(rows)) % PARTS
    for number in range(PARTS if len(rows) <= MANY_ROWS else 1):
        yield np.sort(rows[is_of != number]), np.sort(rows[is_of == number])


def together(parts: list[OnOthers]) -> OnOthers:
    """The parts of a cross-validation as one."""
    left = np.concatenate([part.left for part in parts], axis=1)
    own = np.mean([part.own for part in parts], axis=0)
    return OnOthers(left, own, float(np.mean([part.start for part in parts])))


def judged(case: Case, data: Portions, epochs: int | None = None) -> OnOthers:
    """Train on one portion, and judge the rows of the other on the way."""
    held = data.held
    assert held is not None
    seen: list[Array] = []
    trial = train(
        case, epochs, data,
        look=lambda net: seen.append(_shares(net, case.loss, held, data.held_level)),
    )  # fmt: skip
    lost = np.full(len(seen[0]) if seen else len(held["x"]), MOST_OF_A_ROW)
    every = stops(trial.epochs)
    places = [every.index(math.ceil(trial.epochs * (i / LOOKS) ** 2)) for i in range(1, LOOKS + 1)]
    own = [row[1] for row in trial.curve[1:]]
    return OnOthers(
        np.array([seen[at] if at < len(seen) else lost for at in places]),
        np.array([own[at] if at < len(own) else MOST_OF_A_ROW for at in places]),
        trial.curve[0][1],
    )


def _shares(net: Sequential, loss: Loss, part: dict[str, Array], level: float) -> Array:
    """The loss of each row beside that of the constant answer.

    A user's own loss that is one number for all rows counts for each of them.
    """
    with np.errstate(all="ignore"):
        p = net.predict(part["x"]).astype(np.float64)
        if loss.kind != "values":
            p = np.where((p >= 0) & (p <= 1), np.clip(p, 1e-7, 1 - 1e-7), p)
        try:
            entries = np.asarray(loss.entries(p, part["t"]), np.float64)
        except ChainruleError:
            entries = np.asarray(np.nan)
        if entries.ndim == 0 or len(entries) != len(p):
            whole = float(np.asarray(loss(p, part["t"], part.get("w"))))
            rows = np.full(len(p), whole)
        else:
            flat = entries.reshape(len(p), -1)
            rows = flat.sum(axis=1) * loss.scale * len(p) if loss.total else flat.mean(axis=1)
            if "w" in part:
                w = part["w"].astype(np.float64)
                rows = rows * w * (1 if loss.total else len(p) / max(float(w.sum()), 1e-300))
    shares: Array = np.nan_to_num(rows / level, nan=MOST_OF_A_ROW, posinf=MOST_OF_A_ROW)
    return np.minimum(shares, MOST_OF_A_ROW)
