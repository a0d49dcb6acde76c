"""A score that is computed wrongly: argmax along the wrong axis, or shapes that broadcast.

The score is asked about the program's own answers as targets. Then every target that is made
wrong must move it in one and the same direction: accuracy down, an error or a loss up. Look-alike:
``labels_permuted``, where the score is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import VALUES, chosen
from chainrule.graph.op import Array

#: Rows of which one target is made wrong, and how many of them a right score must feel alike.
ASKED, ALIKE = 16, 0.75


def _suspect(probes: Probes) -> Suspicion | None:
    program, own = probes.program, probes.own
    if program.metric is None or probes.targets.kind == VALUES or own.failed:
        return None
    X, y = probes.parts.X, probes.parts.y
    p = own.parameters
    out = probes.answered(p, X)
    if out is None or probes.targets.kind == VALUES:
        return None
    answers = chosen(out)
    if len(np.unique(answers)) < 2:
        return None  # of one class every axis says the same
    probes.note("the score, recomputed")
    theirs, ideal = _score(probes, p, X, y), _score(probes, p, X, _as_given(y, answers))
    if theirs is None or ideal is None:
        return None
    down, up = _moves(probes, p, X, y, answers, ideal)
    if max(down, up) >= ALIKE:
        return None
    true = float(np.mean(answers == probes.parts.targets.meant))
    return Suspicion(
        "metric",
        f"the score is {theirs:.4g}, where {true:.4g} of the rows are answered rightly. With the "
        f"program's own answers as targets it is {ideal:.4g}, and of targets that are made wrong "
        f"one by one it goes down for {down:.0%}, up for {up:.0%}",
        "a score that gets worse with every target that is made wrong",
        is_proven=True,
    )


def _moves(
    probes: Probes, p: Any, X: Array, y: Array, answers: Array, ideal: float
) -> tuple[float, float]:
    """The shares of some rows whose target, made wrong, moves the score down and up."""
    rows = np.random.default_rng(probes.program.seed).permutation(len(X))[:ASKED]
    kinds, found = np.unique(answers), []
    for row in rows:
        changed = answers.copy()
        changed[row] = kinds[(np.searchsorted(kinds, answers[row]) + 1) % len(kinds)]
        score = _score(probes, p, X, _as_given(y, changed))
        found.append(0.0 if score is None else float(np.sign(score - ideal)))
    return found.count(-1.0) / len(found), found.count(1.0) / len(found)


def _score(probes: Probes, p: Any, X: Array, y: Array) -> float | None:
    metric = probes.program.metric
    assert metric is not None
    try:
        with probes.program.undisturbed():
            return float(metric({k: a.copy() for k, a in p.items()}, X, y))
    except Exception:  # a score that raises has told by itself that it is wrong
        return None


def _as_given(y: Array, answers: Array) -> Array:
    """The answers as targets, arranged as the program's own are."""
    if y.ndim == 2 and y.shape[1] > 1:
        return np.asarray(np.eye(y.shape[1])[answers], y.dtype)
    numbers = np.unique(y)
    if len(numbers) == 2:
        return np.asarray(numbers[answers].reshape(y.shape), y.dtype)
    return np.asarray(answers.reshape(y.shape), y.dtype)


ILLNESS = Illness(
    "wrong_axis", "The score is computed wrongly", _suspect,
    advice="np.mean(np.argmax(q, axis=1) == np.argmax(y, axis=1)) for one-hot rows; "
    "np.mean((q > 0.5) == (y > 0.5)) where q and y have the same shape",
)  # fmt: skip
