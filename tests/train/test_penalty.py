"""The penalty on weights: α/2 ΣW² in the loss and in the gradient, biases left free."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import OptionError

RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 3))
Y = X @ RNG.normal(size=(3, 2)) + 5 + RNG.normal(size=(40, 2))
W = RNG.integers(0, 4, 40).astype(float)


def ridge(alpha: float, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The minimum of Σ w (y - XA - b)² / K + α/2 ΣA², by the normal equations, as (A, b)."""
    centre = lambda a: a - np.average(a, axis=0, weights=w)  # noqa: E731
    x, y = centre(X), centre(Y)
    left = x.T @ (w[:, None] * x) / Y.shape[1] + alpha / 2 * np.eye(3)
    A = np.linalg.solve(left, x.T @ (w[:, None] * y) / Y.shape[1])
    return A, np.average(Y - X @ A, axis=0, weights=w)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_line_becomes_ridge_regression(weighted: bool) -> None:
    net = cr.Sequential(cr.Dense(2), dtype="float64")
    w = W if weighted else None
    history = net.fit(
        X, Y, optimizer=cr.LBFGS(tolerance=1e-12), epochs=200, penalty=9.0, sample_weight=w
    )
    A, b = ridge(9.0, W if weighted else np.ones(40))
    np.testing.assert_allclose(net.parameters["W1"], A, rtol=1e-8)
    np.testing.assert_allclose(net.parameters["b1"], b, rtol=1e-8)
    without = net.evaluate(X, Y, sample_weight=w)["loss"]
    extra = 4.5 * (A**2).sum() / (W.sum() if weighted else 40)
    assert history["loss"][-1] == pytest.approx(without + extra)


@pytest.mark.parametrize("engine", ["numpy", "reference"])
@pytest.mark.parametrize("loss", ["mean_squared_error", "half_sum_squared_error"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_follows_the_gradient_of_what_is_reported(
    loss: str, weighted: bool, engine: str
) -> None:
    """By central differences, each parameter by itself: two layers, a batch of half the rows."""
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2), dtype="float64").build(3, seed=1)
    w = W if weighted else None
    options: dict[str, Any] = {
        "loss": loss, "penalty": 3.0, "epochs": 1, "shuffle": False, "sample_weight": w,
        "batch_size": None, "engine": engine,
    }  # fmt: skip
    rate, h = 1e-4, 1e-6
    before = net.snapshot()

    def reported() -> float:
        return net.fit(X, Y, optimizer=cr.SGD(1e-300), **options)["loss"][0]

    slopes = {}
    for name in before:
        slopes[name] = np.empty_like(before[name])
        for place in np.ndindex(before[name].shape):
            found = []
            for sign in (1, -1):
                net.restore(before)
                net.parameters[name][place] += sign * h
                found.append(reported())
            slopes[name][place] = (found[0] - found[1]) / (2 * h)
    net.restore(before)
    net.fit(X, Y, optimizer=cr.SGD(rate), **options)
    for name, slope in slopes.items():
        moved = (before[name] - net.parameters[name]) / rate
        np.testing.assert_allclose(moved, slope, rtol=1e-5, atol=1e-6)


def test_each_batch_divides_by_its_own_rows() -> None:
    """With inputs and targets of 0 only the penalty moves the weight: by 1 - ηα/n in a batch."""
    net = cr.Sequential(cr.Dense(1, weight_init=1.0), dtype="float64")
    zeros = np.zeros((10, 1))
    net.fit(zeros, zeros, optimizer=cr.SGD(0.1), penalty=2.0, epochs=1, batch_size=4)
    expected = (1 - 0.2 / 4) ** 2 * (1 - 0.2 / 2)
    assert net.parameters["W1"].item() == pytest.approx(expected)


def test_only_weights_are_penalised() -> None:
    net = cr.Sequential(cr.Dense(3, "relu"), cr.BatchNorm(), cr.LayerNorm(), cr.Dense(1)).build(2)
    assert net.weight_names == ["W1", "W4"]
    losses = [
        cr.Sequential(cr.LayerNorm(), dtype="float64").fit(X, X, penalty=p, epochs=2)["loss"]
        for p in (0.0, 5.0)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"penalty": -1.0}, "penalty is a number of 0 or more, got -1.0."),
        ({"penalty": "l2"}, "penalty is a number of 0 or more, got 'l2'."),
        ({"shuffle": 3}, "shuffle is True or False, got 3."),
        ({"alpha": 1e-4}, "The penalty on weights is penalty=0.0001."),
    ],
)
def test_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(OptionError, match=re.escape(told)):
        cr.Sequential(cr.Dense(2)).fit(X, Y, **options)


def test_lbfgs_ends_by_its_gain_or_its_evaluations() -> None:
    def ends(**options: Any) -> tuple[int, str]:
        net = cr.Sequential(cr.Dense(8, "tanh"), cr.Dense(2), dtype="float64")
        history = net.fit(X, Y, optimizer=cr.LBFGS(**options), epochs=300)
        return len(history), str(history.stopped)

    assert "RELATIVE REDUCTION" in ends(least_gain=1e-3)[1]
    epochs, stopped = ends(evaluations=10)
    assert epochs <= 10
    assert "EXCEEDS LIMIT" in stopped


@pytest.mark.parametrize("batch_size", [None, 16])
def test_the_xla_engine_has_the_penalty_and_the_order_too(batch_size: int | None) -> None:
    found = []
    for engine in ("numpy", "xla"):
        net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2), dtype="float64").build(3, seed=1)
        history = net.fit(
            X, Y, penalty=3.0, epochs=3, shuffle=batch_size is None, batch_size=batch_size,
            engine=engine,
        )  # fmt: skip
        found.append((history["loss"], net.parameters["W1"]))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-9)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-9)
