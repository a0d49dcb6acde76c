"""Chapter 9: right formulas that give wrong numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import BLUE, ORANGE, canvas, label, picture
from page import Chapter, Figure, Table
from wording import number

import chainrule as cr

SCORES = ((2.0, 1.0, 0.0), (1000.0, 0.0, -1000.0), (-1000.0, 0.0, 1000.0))
WANTED = 0


def naive_softmax(z: Any) -> Any:
    """The formula of the textbook, as it stands."""
    return np.exp(z) / np.exp(z).sum()


def naive_loss(z: Any) -> Any:
    """Binary cross-entropy for the answer 0: the textbook's formula, as it stands."""
    return -np.log(1 - 1 / (1 + np.exp(-z)))


def chapter() -> Chapter:
    """Softmax and cross-entropy where numbers are large."""
    rows = [row for scores in SCORES for row in _rows(np.array(scores))]
    figure, broken = _curves()
    with np.errstate(over="ignore"):
        overflow = np.exp(np.array(SCORES[1][0]))
    return Chapter(
        "Right formulas, wrong numbers",
        [
            "Softmax turns a network's scores z into probabilities: e to the power z, divided by "
            "the sum of all of these. On paper nothing can go wrong. In a computer, e to the power "
            f"{number(SCORES[1][0])} is {number(overflow)}, and infinity divided by infinity is "
            "not a number. Scores of that size are not exotic: one step that was too large is "
            "enough, and from then on every weight is nan.",
            Table(
                ("scores", "by", "softmax", "loss", "gradient of the loss"),
                rows,
                "Cross-entropy for three scores where the first class is the right one: the plain "
                "formula in NumPy beside chainrule. With small scores they agree. With large ones "
                "the plain formula has lost the answer, while the true one is simple: nothing to "
                "learn where the network is right, and a full-sized correction where it is wrong.",
            ),
            figure,
            f"The plain formula fails long before {number(SCORES[1][0])}: in this picture its "
            f"first infinity is at z\u00a0=\u00a0{number(broken)}, because 1 − p is rounded to 0 "
            "when p is within a rounding error of 1. The cure is to look at the whole "
            "expression. The log of a softmax is `z − max z − ln Σ exp(z − max z)`, where no "
            "power is above 1. chainrule sees in the graph that a log meets a softmax or a "
            "sigmoid and computes this form, so you may write the textbook's formula and get the "
            "right number.",
        ],
    )


def _rows(scores: Any) -> list[tuple[str, ...]]:
    shown = _listed(scores)
    with np.errstate(all="ignore"):
        p = naive_softmax(scores)
        plain = -np.log(p[WANTED])
        slope = p - np.eye(len(scores))[WANTED]
    z = cr.tensor(scores[np.newaxis], name="z")
    stable = cr.softmax(z)
    loss = cr.cross_entropy(stable, np.array([WANTED]))
    loss.backward()
    assert z.grad is not None
    return [
        (shown, "plain formula", _listed(p), number(plain), _listed(slope)),
        (shown, "chainrule", _listed(stable.value[0]), number(loss.value), _listed(z.grad[0])),
    ]


def _listed(values: Any) -> str:
    return ", ".join(number(round(value, 3) + 0.0) for value in values)


def _curves() -> tuple[Figure, float]:
    z = np.arange(2800, 4400, 2) / 100
    with np.errstate(all="ignore"):
        plain = naive_loss(z)
    ours = np.array(
        [cr.binary_cross_entropy(cr.sigmoid(cr.tensor([a])), np.zeros(1)).value for a in z]
    )
    finite = np.isfinite(plain)
    broken = float(z[~finite][0])
    drawing, ax = canvas(height=3.9)
    ax.plot(z, ours, color=BLUE, linewidth=5, alpha=0.45, label="chainrule")
    ax.plot(z[finite], plain[finite], color=ORANGE, linewidth=1.6, label="plain formula")
    last = int(np.flatnonzero(finite)[-1])
    ax.plot(z[last], plain[last], "X", color=ORANGE, markersize=9, label="infinite from here on")
    label(ax, "Loss of a wrong answer, the surer the worse", "score z", "loss where 0 was wanted")
    return (
        picture(
            drawing,
            f"Two curves of the loss against the score: they coincide up to z near {broken:g}, "
            "where the plain formula becomes ragged and ends; chainrule's goes on as a straight "
            "line.",
            "The network says yes ever more firmly where no was right. The loss should grow along "
            "with z, and chainrule's does. The plain formula turns ragged, as 1 − p keeps fewer "
            "and fewer digits, and then it is infinite.",
        ),
        broken,
    )
