"""ReLU units of programs by hand: found in any spelling, counted, and told when they die."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_programs import given, names

import chainrule as cr
from chainrule.doctor.byhand.given import program_of
from chainrule.doctor.byhand.prescriptions import fresh_start
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rectified import rectified

SLOPE = ("return g * (1 - self.h**2)", "return g * (self.h > 0)")
RELU = (("self.h = np.tanh(a)", "self.h = np.maximum(0, a)"), SLOPE)
TOO_FAST = ("0.3 * g", "6.0 * g")
WAYS = {
    "maximum": "np.maximum(0, a)",
    "where": "np.where(a > 0, a, 0)",
    "times a mask": "a * (a > 0)",
    "half of the sum": "(a + np.abs(a)) / 2",
    "clip": "np.clip(a, 0, None)",
}


def relu(way: str) -> tuple[tuple[str, str], ...]:
    return ("self.h = np.tanh(a)", f"self.h = {way}"), SLOPE


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_units_are_found_however_they_are_written(way: str) -> None:
    program = program_of(**given(*relu(way)))
    probes = Probes(program, lambda line: None)
    before, after = dict(program.parameters), dict(program.parameters)
    # Of the first layer 3 units of 10 are shut at the start, and 8 at the end.
    before["b1"], after["b1"] = np.zeros(10), np.zeros(10)
    before["b1"][:3], after["b1"][:8] = -99.0, -99.0
    X = program.data[0]
    found = rectified(program, probes.point.parameters, X, before, after)
    assert [(layer.weight, layer.units) for layer in found] == [("W1", 10), ("W2", 10)]
    assert (found[0].before, found[0].after) == (0.3, 0.8)
    h = np.maximum(0, X @ before["W1"] + before["b1"])
    second = np.maximum(0, h @ before["W2"] + before["b2"])
    assert found[1].before == np.mean((second == 0).all(axis=0))


@pytest.mark.parametrize(
    ("edits", "is_judged"),
    [
        ((), True),
        (relu("np.where(a > 0, a, 0.1 * a)"), True),
        (relu("np.array(a.tolist())"), False),
    ],
    ids=["tanh", "leaky", "not recorded"],
)
def test_where_there_are_none_none_are_found(edits: Any, is_judged: bool) -> None:
    probes = Probes(program_of(**given(*edits, epochs=1)), lambda line: None)
    assert probes.rectified == ()
    assert ("hidden units before and after training" in probes.examined) == is_judged
    assert any(told.startswith("hidden units (") for told in probes.not_judged) != is_judged


@pytest.mark.parametrize("way", ["np.maximum(0, a)", "np.where(a > 0, a, 0)"])
def test_units_that_die_in_training_are_named_and_revived(way: str) -> None:
    finding = cr.diagnose(**given(*relu(way), TOO_FAST)).findings[0]
    assert finding.name == "dying_relu"
    assert finding.where.startswith("the units after W")
    assert "of 10 units are 0 for every row after training" in finding.observed
    assert "at a rate of 6" in finding.observed
    assert finding.rivals == ("rate_too_large",)
    assert finding.experiment is not None
    assert finding.experiment.after < 0.5 * finding.experiment.before


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        (RELU, []),
        # Dead before the first step.
        ((*RELU, ("np.zeros(10)", "np.full(10, -8.0)")), ["dead_biases"]),
        # Units that cannot die, and as large a rate.
        ((TOO_FAST,), ["rate_too_large"]),
        # A rate of which a thirtieth is still too large.
        ((*RELU, ("0.3 * g", "100.0 * g")), ["rate_too_large"]),
    ],
    ids=["healthy", "dead at the start", "tanh", "far too fast"],
)
def test_what_looks_like_it_is_not(edits: Any, told: list[str]) -> None:
    found = names(*edits)
    assert found[:1] == told
    assert "dying_relu" not in found


MANY = (
    ("size=(2, 10)", "size=(2, 400)"), ("size=(10, 10)", "size=(400, 400)"),
    ("size=(10, 3)", "size=(400, 3)"), ("np.zeros(10)", "np.zeros(400)"),
)  # fmt: skip


def test_a_fresh_start_is_wider_before_relu() -> None:
    for edits, gains in ((RELU, (2.0, 2.0, 1.0)), ((), (1.0, 1.0, 1.0))):
        probes = Probes(program_of(**given(*edits, *MANY, epochs=1)), lambda line: None)
        repair: Any = fresh_start(probes)
        drawn = repair.apply(probes.program).parameters
        for name, gain in zip(("W1", "W2", "W3"), gains, strict=True):
            spread = drawn[name].std() * np.sqrt(drawn[name].shape[0])
            assert spread == pytest.approx(np.sqrt(gain), rel=0.1)
        assert ("before a ReLU" in repair.text) == (gains[0] == 2.0)
