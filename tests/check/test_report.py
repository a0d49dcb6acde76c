"""The printed report: a table, a paragraph for each mistake, notes, and how it was found out."""

from __future__ import annotations

import dataclasses

import pytest

from chainrule.check import GradientReport, Mistake, Verdict
from chainrule.check.report import HEAD, Worst
from chainrule.errors import GradientError

RIGHT = Verdict("W1", True, 1.0, 1e-16, Worst((0, 0), 0.5, 0.5), (2, 3))
WRONG = Verdict("b1", False, 4.0, 2.5e-16, Worst((1,), 0.4, 0.1), (3,))
SHAPED = Verdict("W2", False, None, None, None, (3, 1), "it has shape (1, 3)")
MISTAKE = Mistake(
    "missing 1/m",
    ("b1",),
    "network.py:12",
    "    db1 = d1.sum(axis=0)",
    "Theirs is 4 times the true one, and there are 4 samples.",
    "db1 = d1.mean(axis=0)",
    (Mistake("scaled", ("b1",), what="A factor of 4.", repair="db1 = db1 / 4"),),
    "Five samples instead of four would tell them apart.",
)


def report(*verdicts: Verdict, mistakes: tuple[Mistake, ...] = ()) -> GradientReport:
    named = {verdict.name: verdict for verdict in verdicts}
    return GradientReport(named, mistakes, ("a kink was met.",), "every entry was compared.")


def test_all_right() -> None:
    told = report(RIGHT)
    assert told.ok
    told.raise_if_wrong()
    assert str(told) == (
        "All 1 gradients are right\n\n"
        "parameter  shape   verdict\n"
        "─────────  ──────  ───────\n"
        "W1         (2, 3)  right\n\n"
        "Note: a kink was met.\n\n"
        "How: every entry was compared."
    )


def test_what_is_wrong_is_told_with_its_line_and_repair() -> None:
    told = report(RIGHT, WRONG, mistakes=(MISTAKE,))
    assert not told.ok
    lines = str(told).splitlines()
    assert lines[0] == "1 of 2 gradients is wrong: b1"
    assert lines[2].split() == [
        "parameter",
        "shape",
        "verdict",
        "slope",
        "rest",
        "worst",
        "entry",
        "theirs",
        "true",
    ]
    assert lines[5] == "b1         (3,)    wrong    4      2.5e-16  [1]          0.4     0.1"
    assert lines[7:14] == [
        "Mistake: missing 1/m in b1 (network.py:12)",
        "    db1 = d1.sum(axis=0)",
        "  Theirs is 4 times the true one, and there are 4 samples.",
        "  Write: db1 = d1.mean(axis=0)",
        "  Fits as well: scaled. A factor of 4.",
        "    Then write: db1 = db1 / 4",
        "  Five samples instead of four would tell them apart.",
    ]
    with pytest.raises(GradientError, match=r"(?s)1 of 2 gradients is wrong: b1.*missing 1/m"):
        told.raise_if_wrong()


def test_another_shape_has_no_numbers() -> None:
    told = report(RIGHT, SHAPED)
    assert "W2         (3, 1)  wrong: it has shape (1, 3)" in str(told)
    assert told.table()[0] == HEAD[:3]


def test_a_mistake_besides_right_gradients_is_not_ok() -> None:
    told = report(RIGHT, mistakes=(Mistake("argument written into", ("W1",)),))
    assert not told.ok
    assert told.headline() == "All 1 gradients are right, but something else is wrong"


def test_what_was_not_judged_is_not_called_wrong() -> None:
    told = report(dataclasses.replace(WRONG, judged=False))
    assert not told.ok
    assert told.headline() == "The gradients cannot be judged"
    assert told.table()[1][2] == "cannot be judged"


def test_updates_are_called_updates() -> None:
    told = dataclasses.replace(report(RIGHT, WRONG), of="updates")
    assert told.headline() == "1 of 2 updates is wrong: b1"


def test_long_sentences_are_broken() -> None:
    told = dataclasses.replace(report(RIGHT), how="word " * 60)
    assert max(map(len, str(told).splitlines())) <= 100
