"""A score that is computed wrongly: argmax along the wrong axis, or shapes that broadcast.

The score is asked about the program's own answers: if the targets are what the program says, it
must be as good as a score can be. Look-alike: ``labels_permuted``, where the score is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.reading import VALUES, chosen
from chainrule.graph.op import Array

#: Two scores that differ by less are the same.
SAME = 0.005


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
    theirs = _score(probes, p, X, y)
    true = float(np.mean(answers == probes.parts.targets.meant))
    ideal = _score(probes, p, X, _as_given(y, answers))
    if theirs is None or ideal is None or _is_known(theirs, true, len(X)):
        return None
    # Accuracy, error, percent, counts and losses all say of right answers: all, or nothing wrong.
    if any(abs(ideal - best) < SAME for best in (0.0, 1.0, 100.0, float(len(X)))):
        return None
    return Suspicion(
        "metric",
        f"the score is {theirs:.4g}, and {ideal:.4g} if the targets are exactly what the program "
        f"answers; {true:.4g} of the rows are answered rightly",
        "a score of 1 for targets that are what the program answers",
        is_proven=True,
    )


def _is_known(score: float, accuracy: float, rows: int) -> bool:
    known = (accuracy, 1 - accuracy, 100 * accuracy, 100 * (1 - accuracy), rows * accuracy)
    return any(abs(score - value) < SAME * max(1.0, abs(value)) for value in known)


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
