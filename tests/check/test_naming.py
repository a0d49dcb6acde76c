"""Each kind of mistake, planted in a network written by hand, is called by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_written import (
    PARAMETERS,
    Hook,
    M,
    T,
    X,
    backward,
    cross_entropy,
    sigmoid,
    squared_error,
)

from chainrule.check import kinds
from chainrule.check.gradients import check_gradients
from chainrule.check.kinds import Mistake

UP_TO_2 = ("W1", "b1", "W2", "b2")
ALL = (*UP_TO_2, "W3", "b3")


def mistakes(loss: Any, **hooks: Hook) -> tuple[Mistake, ...]:
    report = check_gradients(loss, PARAMETERS, backward(PARAMETERS, loss, **hooks))
    return tuple(report.mistakes)


CE, SE = cross_entropy, squared_error
CASES: list[tuple[str, Any, dict[str, Hook], tuple[str, ...]]] = [
    (kinds.MISSING_M, CE, {"dz3": lambda dz, v: dz * M}, ALL),
    (kinds.MISSING_M, CE, {"b2_": lambda db, v: db * M}, ("b2",)),
    (kinds.DOUBLED_M, CE, {"W2_": lambda dw, v: dw / M}, ("W2",)),
    (kinds.DOUBLED_M, CE, {"da2": lambda da, v: da / M}, UP_TO_2),
    (kinds.FACTOR_2, CE, {"dz3": lambda dz, v: 2 * dz}, ALL),
    (kinds.FACTOR_HALF, SE, {"da3": lambda da, v: da / 2}, ALL),
    (kinds.WRONG_SIGN, CE, {"dz3": lambda dz, v: -dz}, ALL),
    (kinds.WRONG_SIGN, SE, {"da1": lambda da, v: -da}, ("W1", "b1")),
    (kinds.TRANSPOSED, CE, {"W2_": lambda dw, v: dw.T}, ("W2",)),
    (kinds.NOT_SUMMED, CE, {"b2_": lambda db, v: v.dz2}, ("b2",)),
    (kinds.NOT_SUMMED, CE, {"b2_": lambda db, v: v.dz2[0]}, ("b2",)),
    (kinds.NOT_SUMMED, SE, {"b3_": lambda db, v: v.dz3[-1]}, ("b3",)),
    (kinds.NOT_SUMMED, CE, {"b1_": lambda db, v: v.dz1[2] * M}, ("b1",)),
    (kinds.NOT_SUMMED, CE, {"b1_": lambda db, v: v.dz1.sum(axis=1)}, ("b1",)),
    (kinds.AVERAGED, CE, {"b2_": lambda db, v: v.dz2.mean(axis=0)}, ("b2",)),
    (kinds.SUMMED_OVER_ALL, CE, {"b2_": lambda db, v: v.dz2.sum()}, ("b2",)),
    (kinds.SUMMED_OVER_ALL, SE, {"b3_": lambda db, v: np.full(4, v.dz3.mean())}, ("b3",)),
    (kinds.OTHER_BIAS, CE, {"b2_": lambda db, v: v.g["b3"]}, ("b2",)),
    (kinds.OTHER_INPUT, CE, {"W3_": lambda dw, v: v.a1.T @ v.dz3}, ("W3",)),
    (kinds.OTHER_INPUT, CE, {"W2_": lambda dw, v: X.T @ v.dz2}, ("W2",)),
    (kinds.OTHER_INPUT, CE, {"W3_": lambda dw, v: v.z2.T @ v.dz3}, ("W3",)),
    (kinds.OTHER_INPUT, CE, {"da1": lambda da, v: v.dz2 @ v.W3.T}, ("W1", "b1")),
    (kinds.DERIVATIVE_MISSING, CE, {"dz2": lambda dz, v: v.da2}, UP_TO_2),
    (kinds.DERIVATIVE_MISSING, CE, {"dz1": lambda dz, v: v.da1}, ("W1", "b1")),
    (kinds.WRONG_QUANTITY, CE, {"dz2": lambda dz, v: v.da2 * (1 - v.z2**2)}, UP_TO_2),
    (kinds.WRONG_QUANTITY, CE, {"dz2": lambda dz, v: v.da2 * (1 - np.tanh(v.a2) ** 2)}, UP_TO_2),
    (
        kinds.WRONG_QUANTITY,
        CE,
        {"dz1": lambda dz, v: v.da1 * sigmoid(v.a1) * (1 - sigmoid(v.a1))},
        ("W1", "b1"),
    ),
    (kinds.WRONG_QUANTITY, SE, {"dz1": lambda dz, v: v.da1 * v.a2 * (1 - v.a2)}, ("W1", "b1")),
    (kinds.OTHER_DERIVATIVE, CE, {"dz1": lambda dz, v: v.da1 * (1 - v.a1**2)}, ("W1", "b1")),
    (kinds.OTHER_DERIVATIVE, CE, {"dz2": lambda dz, v: v.da2 * (v.z2 > 0)}, UP_TO_2),
    (kinds.WEIGHT_NOT_TRANSPOSED, CE, {"da1": lambda da, v: v.dz2 @ v.W2}, ("W1", "b1")),
    (kinds.WRONG_PAIR, SE, {"dz3": lambda dz, v: (v.a3 - T) / M}, ALL),
    (
        kinds.WRONG_PAIR,
        CE,
        {"dz3": lambda dz, v: 2 * v.a3 * (dz - np.sum(dz * v.a3, axis=1, keepdims=True))},
        ALL,
    ),
    (kinds.COUNTED_TWICE, CE, {"dz3": lambda dz, v: dz * v.a3 * (1 - v.a3)}, ALL),
    (kinds.COUNTED_TWICE, SE, {"dz3": lambda dz, v: dz * v.a3 * (1 - v.a3)}, ALL),
    (kinds.PENALTY_ONLY_IN_GRADIENT, CE, {"W2_": lambda dw, v: dw + 0.1 * v.W2}, ("W2",)),
    (kinds.FROZEN, CE, {"W1_": lambda dw, v: np.zeros((4, 4))}, ("W1",)),
    (kinds.OVERWRITTEN, CE, {"dz3": lambda dz, v: dz * (np.arange(M) == M - 1)[:, None]}, ALL),
    (
        kinds.WRITTEN_INTO,
        CE,
        {"da1": lambda da, v: v.dz2 @ (v.W2 - 0.3 * v.g["W2"]).T},
        UP_TO_2[:2],
    ),
    (kinds.SCALED, CE, {"dz3": lambda dz, v: 0.37 * dz}, ALL),
]


@pytest.mark.parametrize(
    ("kind", "loss", "hooks", "hit"), CASES, ids=[f"{i} {c[0]}" for i, c in enumerate(CASES)]
)
def test_a_planted_mistake_is_named(
    kind: str, loss: Any, hooks: dict[str, Hook], hit: tuple[str, ...]
) -> None:
    found = mistakes(loss, **hooks)
    assert [mistake.kind for mistake in found] == [kind]
    assert set(found[0].parameters) == set(hit)
    assert found[0].what.endswith(".")


@pytest.mark.parametrize("loss", [CE, SE])
def test_nothing_is_named_where_all_is_right(loss: Any) -> None:
    assert mistakes(loss) == ()


def test_what_no_known_mistake_gives_is_not_named() -> None:
    noise = np.random.default_rng(0).normal(size=(4, 4))
    (found,) = mistakes(CE, W2_=lambda dw, v: dw + 0.01 * noise)
    assert found.kind == kinds.NOT_RECOGNISED
    assert found.parameters == ("W2",)
    assert found.what.startswith("W2: 0.99")
    assert "is left over" in found.what


def test_nearly_is_not_enough() -> None:
    """A mistake's numbers must come out to rounding: 1 part in 100,000 off is another cause."""
    (found,) = mistakes(CE, dz2=lambda dz, v: v.da2 * (1 + 1e-5 * v.a1))
    assert found.kind == kinds.NOT_RECOGNISED


def test_the_place_is_the_line_of_the_forward_pass() -> None:
    (found,) = mistakes(CE, dz2=lambda dz, v: v.da2)
    assert found.place.startswith("hand_written.py:")
    assert found.line == "v.a2 = np.tanh(v.z2)"
    assert found.repair == "dz = da * (1 - a**2)    # a = tanh(z)"


def test_the_repair_is_written_for_the_layout() -> None:
    (found,) = mistakes(CE, b2_=lambda db, v: v.dz2)
    assert found.repair == "db2 = dz.sum(axis=0)"
    (found,) = mistakes(CE, da1=lambda da, v: v.dz2 @ v.W2)
    assert found.repair == "da = dz @ W2.T"
    (found,) = mistakes(CE, W3_=lambda dw, v: v.a1.T @ v.dz3)
    assert found.repair == "dW3 = x.T @ dz    # x: its input"


# Several at once


def test_two_mistakes_on_one_way_are_both_named() -> None:
    found = mistakes(CE, dz2=lambda dz, v: v.da2, da1=lambda da, v: v.dz2 @ v.W2)
    assert {(m.kind, m.parameters) for m in found} == {
        (kinds.DERIVATIVE_MISSING, ("W2", "b2")),
        (kinds.WEIGHT_NOT_TRANSPOSED, ("W1", "b1")),
    }


def test_slips_in_separate_lines_are_named_apart() -> None:
    found = mistakes(CE, b1_=lambda db, v: v.dz1[0], b3_=lambda db, v: -db, W2_=lambda dw, v: dw.T)
    assert {(m.kind, m.parameters) for m in found} == {
        (kinds.NOT_SUMMED, ("b1",)),
        (kinds.WRONG_SIGN, ("b3",)),
        (kinds.TRANSPOSED, ("W2",)),
    }


def test_the_same_slip_in_every_layer_is_one_mistake() -> None:
    (found,) = mistakes(
        CE, b1_=lambda db, v: db / M, b2_=lambda db, v: db / M, b3_=lambda db, v: db / M
    )
    assert found.kind == kinds.AVERAGED
    assert found.parameters == ("b1", "b2", "b3")


def test_a_wrong_line_beside_a_wrong_way_back() -> None:
    found = mistakes(CE, dz3=lambda dz, v: M * dz, W1_=lambda dw, v: dw.T)
    assert {(m.kind, frozenset(m.parameters)) for m in found} == {
        (kinds.MISSING_M, frozenset(ALL) - {"W1"}),
        (kinds.TRANSPOSED, frozenset({"W1"})),
    }


# Rivals


def test_rivals_that_give_the_same_numbers_are_named_with_what_would_separate_them() -> None:
    (found,) = mistakes(CE, b2_=lambda db, v: db / M)
    assert found.kind == kinds.AVERAGED
    assert kinds.DOUBLED_M in [rival.kind for rival in found.rivals]
    assert "takes a mean" in found.tell_apart


def test_with_two_samples_a_missing_mean_and_a_factor_two_are_rivals() -> None:
    x, t, w = X[:2], T[:2], PARAMETERS["W1"]

    def loss(p: Any) -> Any:
        return np.sum((x @ p - t) ** 2) / 2

    (found,) = check_gradients(loss, w, 2 * x.T @ (x @ w - t)).mistakes
    named = {found.kind, *(rival.kind for rival in found.rivals)}
    assert {kinds.MISSING_M, kinds.FACTOR_2} <= named
    assert "another number of samples" in found.tell_apart


def test_a_sum_with_a_factor_of_two_is_no_missing_mean() -> None:
    x, t, w = X[:2], T[:2], PARAMETERS["W1"]

    def loss(p: Any) -> Any:
        return np.sum((x @ p - t) ** 2)

    (found,) = check_gradients(loss, w, 4 * x.T @ (x @ w - t)).mistakes
    assert found.kind == kinds.FACTOR_2
    assert kinds.MISSING_M not in [rival.kind for rival in found.rivals]


def test_one_formula_by_two_names() -> None:
    """Half a squared error: leaving the derivative out is taking a - t for a cross-entropy's."""

    def loss(p: Any) -> Any:
        return np.sum((sigmoid(X @ p) - T) ** 2) / (2 * M)

    w = PARAMETERS["W1"]
    (found,) = check_gradients(loss, w, X.T @ (sigmoid(X @ w) - T) / M).mistakes
    assert {found.kind, *(r.kind for r in found.rivals)} >= {
        kinds.DERIVATIVE_MISSING, kinds.WRONG_PAIR,
    }  # fmt: skip
