"""Losses that do not ask what they are handed are recorded all the same, and nothing stays lent."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.gradients import check_gradients
from chainrule.check.report import GradientReport

RNG = np.random.default_rng(2)
X = RNG.normal(size=(6, 3))
T = RNG.normal(size=(6, 2))
DATA = {"x": X, "rows": [X, T]}
W = {"w": RNG.normal(size=(3, 2))}
RIGHT = {"w": 2 * X.T @ (X @ W["w"] - T) / 6}


def is_recorded(report: GradientReport) -> bool:
    return report.how.startswith("the loss was recorded as a graph")


def by_method(p: Any) -> Any:
    return np.sum(np.square(X.dot(p["w"]) - T)) / 6


def as_a_float(p: Any) -> Any:
    return float(np.squeeze(np.sum((X @ p["w"] - T) ** 2) / 6))


def rounded(p: Any) -> Any:
    return round(float(np.sum((X.T.T.dot(p["w"]).astype(float) - T) ** 2) / 6), 15)


def from_containers(p: Any) -> Any:
    x, (again, t) = DATA["x"], DATA["rows"]
    return np.sum((x.dot(p["w"]) - t) ** 2) / 12 + np.sum((again.dot(p["w"]) - t) ** 2) / 12


def test_dot_and_float_are_recorded() -> None:
    for loss in (by_method, as_a_float, rounded, from_containers):
        report = check_gradients(loss, W, RIGHT)
        assert is_recorded(report), loss.__name__
        assert report.ok, loss.__name__


def test_a_mistake_in_such_a_program_is_named() -> None:
    (found,) = check_gradients(by_method, W, {"w": -RIGHT["w"]}).mistakes
    assert found.kind == kinds.WRONG_SIGN
    assert found.line == 'return np.sum(np.square(X.dot(p["w"]) - T)) / 6'


def test_nothing_stays_lent() -> None:
    def inside(p: Any, held: Any = (X, T)) -> Any:
        return float(np.sum((closed_over.dot(p["w"]) - held[1]) ** 2) / 6)

    closed_over = X
    for loss in (by_method, rounded, from_containers, inside):
        check_gradients(loss, W, RIGHT)
    for array in (X, T, DATA["x"], *DATA["rows"], closed_over):
        assert type(array) is np.ndarray
    assert "float" not in globals()
    assert "round" not in globals()
    assert from_containers.__globals__["X"] is X


class Network:
    """One layer, its data handed to its methods."""

    def __init__(self) -> None:
        self.w = W["w"].copy()

    def loss(self, x: Any, t: Any) -> Any:
        self.y = x.dot(self.w)
        return float(np.sum((self.y - t) ** 2) / 6)

    def backward(self, x: Any, t: Any) -> Any:
        return {"w": 2 * x.T.dot(self.y - t) / 6}


def test_data_that_is_handed_over_with_an_object_is_lent_too() -> None:
    network = Network()
    report = check_gradients(network, (X, T))
    assert report.ok
    assert is_recorded(report)
    assert type(network.w) is np.ndarray


def test_what_cannot_be_recorded_even_so_is_judged_by_calls() -> None:
    def decides(p: Any) -> Any:
        y = X.dot(p["w"]) - T
        return float(np.sum(y * y) / 6) if np.max(y) > -1e9 else 0.0

    report = check_gradients(decides, W, RIGHT)
    assert report.ok
    assert not is_recorded(report)
