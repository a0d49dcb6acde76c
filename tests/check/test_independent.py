"""The independent gradient: its error is what it says, kinks are seen, a broken one is noticed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_layers import TwoLayers

from chainrule.check import check_gradients, gradients, independent, judgement, recorded, truth
from chainrule.check.calls import Calls
from chainrule.check.independent import Independent, ladder
from chainrule.check.recorded import evaluated, gradient_graph, rounding
from chainrule.check.subjects import of_functions
from chainrule.check.ties import ties, tilted
from chainrule.check.truth import Seeker
from chainrule.graph import trace

EPS = float(np.finfo(np.float64).eps)


def around(loss: Any, w: Any) -> Independent:
    calls = Calls(of_functions(loss, np.asarray(w, float), np.asarray(w, float), None))
    return Independent(calls, {"w": np.asarray(w, float)}, calls.loss({"w": np.asarray(w, float)}))


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-3, 3), scale=st.floats(1e-3, 1e3), offset=st.floats(-1e4, 1e4),
    f=st.sampled_from([(math.sin, math.cos), (math.exp, math.exp), (math.cosh, math.sinh)]),
)  # fmt: skip
def test_the_error_of_a_ladder_is_what_it_says(
    x: float, scale: float, offset: float, f: Any
) -> None:
    value, derivative = f
    phi = lambda s: scale * value(x + s) + offset  # noqa: E731
    slope = ladder(phi, phi(0.0), max(1.0, abs(x)), EPS)
    assert slope is not None
    assert not slope.is_kink
    assert abs(slope.value - scale * derivative(x)) <= 4 * slope.error
    assert slope.error <= 1e-7 * (abs(scale) + abs(offset))


@pytest.mark.parametrize("slopes", [(0.0, 1.0), (-1.0, 1.0), (0.01, 1.0), (2.0, 2.1)])
@pytest.mark.parametrize("distance", [0.0, 1e-7, -1e-6])
def test_a_kink_is_seen_with_the_slopes_to_both_sides(
    slopes: tuple[float, float], distance: float
) -> None:
    left, right = slopes

    def phi(s: float) -> float:
        s = s + distance
        return 5 + math.sin(s) + (right if s > 0 else left) * s

    slope = ladder(phi, phi(0.0), 1.0, EPS)
    assert slope is not None
    assert slope.is_kink
    for inside in (left + 1, right + 1, (left + right) / 2 + 1):
        assert slope.allows(inside, 4e-3)
    assert not slope.allows(right + 1.5, 2e-3)


def test_strong_curvature_is_no_kink() -> None:
    for curvature in (1e2, 1e4, 1e6):
        slope = ladder(lambda s, c=curvature: s + c * s * s, 0.0, 1.0, EPS)
        assert slope is not None
        assert not slope.is_kink
        assert slope.value == pytest.approx(1.0, abs=1e-8)


def test_where_the_loss_ends_there_is_no_slope() -> None:
    assert ladder(lambda s: math.nan if s > 0 else 1.0, 1.0, 1.0, EPS) is None


def test_the_complex_step_is_exact_and_notices_what_bears_no_complex_numbers() -> None:
    w = np.array([0.3, -1.2])
    direction = np.array([1.0, 0.0])
    exact = around(lambda w: np.sum(np.exp(np.array(w))), w).complex_step("w", direction)
    assert exact == pytest.approx(math.exp(0.3), rel=1e-15)
    assert around(lambda w: np.sum(np.abs(w)), w).complex_step("w", direction) is None
    assert around(lambda w: float(w[0]), w).complex_step("w", direction) is None


def test_a_complex_step_that_lies_is_not_used() -> None:
    # abs of a complex number drops its imaginary part; beside another term that goes unseen.
    w = np.array([0.3, -1.2])
    report = check_gradients(
        lambda w: np.sum(np.abs(np.array(w)) + np.array(w) ** 2), w, np.sign(w) + 2 * w
    )
    assert report.ok
    assert "central differences" in report.how


def test_a_recording_that_says_something_else_is_not_used() -> None:
    def two_faced(w: Any) -> Any:
        return np.sum(w**2) if isinstance(w, np.ndarray) else np.sum(w**2 + 0 * w) + 0.1

    report = check_gradients(two_faced, np.ones(3), 2 * np.ones(3))
    assert report.ok
    assert "recorded" not in report.how


def test_a_recorded_gradient_that_the_calls_deny_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = TwoLayers()
    real = truth.evaluated
    monkeypatch.setattr(truth, "evaluated", lambda *a: {n: g * 1.01 for n, g in real(*a).items()})
    report = check_gradients(net.loss, net.parameters, net.gradients)
    assert "recorded" not in report.how
    assert report.ok


def test_rounding_is_measured_where_a_difference_cancels() -> None:
    big = np.array([1e6, 1e6 + 1])
    graph = gradient_graph(trace(lambda w: np.sum((w[1] - w[0]) ** 2), big))
    units = rounding(graph, {"w": big}, np.random.default_rng(0))
    assert evaluated(graph, {"w": big})["w"].tolist() == [-2, 2]
    assert units["w"] > 0  # the entries themselves are exact, what is computed with them is not
    smooth = gradient_graph(trace(lambda w: np.sum(w**2), big))
    assert rounding(smooth, {"w": big}, np.random.default_rng(0))["w"] < 1e8


def test_ties_are_found_and_decided() -> None:
    x, b = np.array([[0.0, 1.0]]), np.zeros(2)
    graph = trace(lambda b: np.sum(np.maximum(x + b, 0) + np.where(b > 0, b, 0.1 * b)), b)
    found = ties(graph, {"b": b})
    assert [tie.node.op.name for tie in found] == ["maximum", "greater"]  # type: ignore[union-attr]
    for side, wanted in ((1, [2.0, 2.0]), (-1, [0.1, 1.1])):
        gradient = evaluated(gradient_graph(tilted(graph, found, side)), {"b": b})["b"]
        np.testing.assert_allclose(gradient, wanted)
    assert ties(graph, {"b": b + 1}) == []


# A judge that is broken on purpose


def sound() -> bool:
    """Whether the judge calls right what is right and wrong what is wrong, in a few cases."""
    net = TwoLayers()
    right = net.gradients(net.parameters)
    ways = [net.loss, net.real_only, net.unrecordable]
    if not all(check_gradients(loss, net.parameters, right).ok for loss in ways):
        return False
    slips = [("W1", 2.0), ("b2", -1.0), ("W2", 1.001), ("b1", 1 / 12)]
    for name, factor in slips:
        given = right | {name: factor * right[name]}
        for loss in ways:
            report = check_gradients(loss, net.parameters, given)
            if [n for n, v in report.parameters.items() if not v.right] != [name]:
                return False
    given = {name: g.copy() for name, g in right.items()}
    given["W1"][3, 4] += 0.01
    return not any(check_gradients(loss, net.parameters, given).ok for loss in ways)


@pytest.fixture
def unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only verdicts are wanted here; naming takes its time."""
    monkeypatch.setattr(gradients, "name_mistakes", lambda evidence: ())


def test_the_judge_is_sound(unnamed: None) -> None:
    assert sound()


@pytest.mark.parametrize(
    "mistake",
    ["ones as cotangent", "too wide", "too narrow", "returns nothing", "all right", "one step",
     "first entry", "half"],
)  # fmt: skip
def test_a_broken_judge_is_noticed(
    mistake: str, unnamed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_verdict, real_entries = judgement.verdict, Seeker._entries
    if mistake == "ones as cotangent":
        # The derivative of the sum of all outputs: every direction is taken for all ones.
        monkeypatch.setattr(
            Independent, "unit", lambda self, name, index: np.ones(self.point[name].shape)
        )
    elif mistake == "too wide":
        monkeypatch.setattr(truth, "FLOOR", 1e-1)
    elif mistake == "too narrow":
        for name in ("FLOOR", "FLOOR_UNSEEN", "SLACK", "COARSE", "UNITS"):
            monkeypatch.setattr(truth, name, 0.0)
        monkeypatch.setattr(truth, "TINY", 0.0)
    elif mistake == "returns nothing":
        monkeypatch.setattr(
            Seeker, "_entries",
            lambda self, name, places, c: real_entries(self, name, places[:0], c),
        )  # fmt: skip
        monkeypatch.setattr(Seeker, "_directions", lambda *a: ())
    elif mistake == "all right":
        monkeypatch.setattr(
            judgement, "verdict", lambda n, t, truth: real_verdict(n, truth.gradient, truth)
        )
    elif mistake == "one step":
        monkeypatch.setattr(independent, "LADDER", (0.3, 0.2, 0.1))
        monkeypatch.setattr(Independent, "complex_step", lambda *a: None)
    elif mistake == "first entry":
        monkeypatch.setattr(
            Seeker, "_entries",
            lambda self, name, places, c: real_entries(self, name, places[:1], c),
        )  # fmt: skip
        monkeypatch.setattr(Seeker, "_directions", lambda *a: ())
    else:
        real = recorded.evaluated
        monkeypatch.setattr(truth, "evaluated", lambda *a: {n: g / 2 for n, g in real(*a).items()})
        monkeypatch.setattr(Seeker, "_confirmed", lambda *a: (True, ""))
    assert not sound()
