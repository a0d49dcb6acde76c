"""The judge of hand-written gradients, marked on programs with and without planted mistakes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.check import check_gradients
from mutants.backward import OTHER
from mutants.programs import Program, write_program
from mutants.recipes import draw_recipe
from mutants.scoring import (
    KINDS,
    Judge,
    Mark,
    Tally,
    difference,
    mark,
    misses_report,
    outcome_of,
    table,
    tally,
)
from mutants.test_programs import SMALL, with_slip
from mutants.text import written

# A sample; the whole scoreboard is printed by benchmarks/marking.py.
EACH, RIGHT, SEED = 4, 60, 3


@dataclasses.dataclass(frozen=True)
class Named:
    """A mistake as far as the marking looks at it."""

    kind: str
    rivals: tuple[Named, ...] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """A report as far as the marking looks at it."""

    ok: bool
    mistakes: tuple[Any, ...] = ()


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Tally:
    """The library's judge on a sample of every kind."""
    return tally(check_gradients, KINDS, EACH, RIGHT, SEED, tmp_path_factory.mktemp("programs"))


def test_nearly_every_mistake_is_named(marked: Tally) -> None:
    assert marked.whole >= 0.95, misses_report(marked, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_overlooked(kind: str, marked: Tally) -> None:
    assert marked.planted(kind) == EACH
    named = marked.count(kind, "right", "twin")
    assert named >= EACH - 1, misses_report(marked, EACH)


def test_every_planted_mistake_is_seen_even_if_not_named(marked: Tally) -> None:
    assert [str(m.program.slip) for m in marked.misses() if m.outcome == "missed"] == []


def test_what_is_of_no_kind_gets_no_name(tmp_path: Path) -> None:
    found = tally(check_gradients, [OTHER], 6, 0, SEED, tmp_path)
    assert found.count(OTHER, "right") >= 5, misses_report(found, 6)


def test_there_are_no_false_alarms(marked: Tally) -> None:
    alarms = [m for m in marked.misses() if m.outcome == "false alarm"]
    assert [m.program.source + m.said for m in alarms] == []
    assert marked.count(None, "right") == RIGHT


# Judges that are broken on purpose: the marking must notice each of them


def says_nothing(*asked: Any) -> Report:
    """Everything is right, always."""
    return Report(True)


def returns_nothing(*asked: Any) -> None:
    """No report at all."""


def too_wide(*asked: Any) -> Any:
    """Half a unit more or less passes, however small the gradient is."""
    report = check_gradients(*asked)
    near = [
        v.right or (v.worst is not None and abs(v.worst.theirs - v.worst.true) < 0.5)
        for v in report.parameters.values()
    ]
    return Report(True) if near and all(near) else report


def with_ones(*asked: Any) -> Any:
    """Compares the sum over each gradient's entries: a cotangent of ones, and not a random one."""
    report = check_gradients(*asked)
    if len(asked) == 2:
        return report
    loss, parameters, gradients = asked
    theirs = gradients(parameters) if callable(gradients) else gradients
    keys: Sequence[Any] = list(parameters) if isinstance(parameters, dict) else range(len(theirs))
    h = 1e-6
    for key in keys:
        ends = []
        for step in (h, -h):
            moved = parameters.copy()
            moved[key] = moved[key] + step
            ends.append(float(loss(moved)))
        along = (ends[0] - ends[1]) / (2 * h)
        if abs(along - np.sum(theirs[key])) > 1e-4 * (1 + abs(along)):
            return report
    return Report(True)


def always_alarmed(*asked: Any) -> Report:
    """Something is wrong, always."""
    return Report(False, (Named("wrong sign"),))


@pytest.mark.parametrize(
    ("judge", "kind"),
    [
        (says_nothing, "wrong sign"),
        (too_wide, "activation derivative missing"),
        (with_ones, "transposed"),
    ],
)
def test_a_judge_that_overlooks_is_noticed(judge: Judge, kind: str, tmp_path: Path) -> None:
    found = tally(judge, [kind], EACH, 2, SEED, tmp_path)
    assert found.count(kind, "missed") > 0
    assert any(complaint.startswith(kind) for complaint in found.complaints())


def test_a_judge_that_returns_nothing_is_noticed(tmp_path: Path) -> None:
    found = tally(returns_nothing, ["wrong sign"], 2, 2, SEED, tmp_path)
    assert found.count("wrong sign", "right", "twin", "rival") == 0
    assert found.count(None, "right") == 0


def test_a_judge_that_always_says_the_same_is_noticed(tmp_path: Path) -> None:
    found = tally(always_alarmed, ["wrong sign", "transposed"], 2, 2, SEED, tmp_path)
    assert found.complaints() == [
        "50.0% named rightly over all, wanted 95%",
        "transposed: 0% named rightly, wanted 80%",
        "2 false alarms on 2 programs without a mistake",
    ]


def test_a_judge_that_breaks_down_has_not_named_anything(tmp_path: Path) -> None:
    def breaks(*asked: Any) -> Any:
        raise ZeroDivisionError("in the judge")

    found = tally(breaks, ["wrong sign"], 2, 2, SEED, tmp_path)
    assert found.count("wrong sign", "wrong") == 2
    assert found.count(None, "false alarm") == 2
    assert "ZeroDivisionError: in the judge" in misses_report(found, 1)
    assert found.complaints() == [
        "0.0% named rightly over all, wanted 95%",
        "wrong sign: 0% named rightly, wanted 80%",
        "2 false alarms on 2 programs without a mistake",
    ]


# The marks


def outcome(mistakes: Sequence[Named], program: Program, folder: Path) -> str:
    found = mark(lambda *asked: Report(False, tuple(mistakes)), program, folder)
    assert found.outcome == outcome_of(mistakes, program, folder)
    return found.outcome


def test_what_counts_as_named_rightly(tmp_path: Path) -> None:
    program = with_slip(SMALL, "missing 1/m", "everywhere")
    right, other = Named("missing 1/m"), Named("transposed")
    unknown = Named("not recognised")
    assert outcome([right], program, tmp_path) == "right"
    assert outcome([right, right], program, tmp_path) == "right"
    assert outcome([unknown], program, tmp_path) == "unrecognised"
    assert outcome([], program, tmp_path) == "unrecognised"
    assert outcome([other], program, tmp_path) == "wrong"
    assert outcome([right, other], program, tmp_path) == "wrong"
    assert outcome([Named("transposed", (right,))], program, tmp_path) == "rival"
    assert mark(says_nothing, program, tmp_path).outcome == "missed"


def test_beside_a_twin_counts_as_named_rightly(tmp_path: Path) -> None:
    two = with_slip(dataclasses.replace(SMALL, m=2), "missing 1/m", "everywhere")
    beside = Named("factor 2", (Named("missing 1/m"),))
    assert outcome([beside], two, tmp_path) == "twin"
    # Only if it is there: a twin alone has not said what is wrong.
    assert outcome([Named("factor 2")], two, tmp_path) == "wrong"
    three = with_slip(dataclasses.replace(SMALL, m=3), "missing 1/m", "everywhere")
    assert outcome([beside], three, tmp_path) == "rival"


def test_the_scoreboard() -> None:
    program = with_slip(SMALL, "transposed")
    found = Tally()
    for result in ("right", "twin", "rival", "unrecognised", "wrong", "missed", "right", "right"):
        found.add(Mark(program, result, "said"))
    recipe = draw_recipe(0)
    fine = Program(recipe, None, written(write_program(recipe)))
    found.add(Mark(fine, "right", ""))
    found.add(Mark(fine, "false alarm", "all is wrong"))
    text = table(found)
    assert "| transposed | 8 | 4 | 1 | 1 | 1 | 1 | 1 |" in text
    assert "| **all** | 8 | 4 | 1 | 1 | 1 | 1 | 1 |" in text
    assert "none of these kinds" not in text
    assert "Named rightly: 50.0%. False alarms: 1 on 2 programs without a mistake." in text
    found.add(Mark(with_slip(SMALL, OTHER), "right", ""))
    assert "| none of these kinds | 1 | – | – | – | 1 | 0 | 0 |" in table(found)
    report = misses_report(found, 1)
    assert report.count("## ") == 5  # four kinds of misses and a false alarm
    assert difference(program) in report
    assert "## false alarm: planted no mistake (program 0)" in report
