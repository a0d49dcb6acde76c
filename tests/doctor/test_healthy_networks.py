"""Healthy networks, odd ones on purpose: the doctor says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from doctor_programs import FULL, MOONS, XOR, curve, digits, for_digits, for_moons, for_xor

import chainrule as cr

SHORT: dict[str, Any] = {"epochs": 40, "optimizer": cr.Adam(0.02)}
RNG = np.random.default_rng(0)
X, Y = MOONS
CURVE = curve()
PLANE = (CURVE[0], CURVE[0] @ [[1.0], [-2.0]] + 0.05 * RNG.standard_normal((200, 1)))


def small(shape: Any, rng: Any) -> Any:
    return 0.1 * rng.normal(size=shape) / np.sqrt(shape[0])


def for_curve(*between: Any, units: int = 24, last: Any = None) -> cr.Sequential:
    return cr.Sequential(cr.Dense(units, "tanh"), *between, last or cr.Dense(1))


HEALTHY: dict[str, tuple[cr.Sequential, Any, Any, dict[str, Any]]] = {
    "a rate of 1 with sigmoid": (
        for_digits("sigmoid"), *digits(), {"epochs": 20, "optimizer": cr.SGD(1.0)},
    ),
    "small weights that still learn": (for_moons(weight_init=small), X, Y, SHORT),
    "deep": (
        cr.Sequential(*[cr.Dense(16, "tanh") for _ in range(6)], cr.Dense(1, "sigmoid")),
        X, Y, {"epochs": 40, "optimizer": cr.Adam(0.005)},
    ),
    "wide": (for_xor(256), X, Y, {"epochs": 30, "optimizer": cr.Adam(0.005)}),
    "imbalanced and weighted": (
        for_moons(), X[(Y == 0) | (np.arange(250) < 40)], Y[(Y == 0) | (np.arange(250) < 40)],
        {**SHORT, "epochs": 80, "class_weight": "balanced"},
    ),
    "a dozen rows": (for_moons(), X[:12], Y[:12], {**FULL, "epochs": 300}),
    "all rows in a step": (for_moons(), X, Y, {**FULL, "epochs": 300}),
    "targets in the hundreds": (
        for_curve(last=cr.Dense(1, weight_init=lambda shape, rng: 30 * rng.normal(size=shape))),
        CURVE[0], 100 * CURVE[1], {"epochs": 150, "optimizer": cr.Adam(0.05)},
    ),
    "a linear network for a plane": (
        cr.Sequential(cr.Dense(8), cr.Dense(1)), *PLANE, {"epochs": 60},
    ),
    "zeros without a hidden layer": (
        cr.Sequential(cr.Dense(10, "softmax", weight_init="zeros")), *digits(), {"epochs": 20},
    ),
    "label noise": (for_moons(), X, np.where(RNG.random(250) < 0.25, 1 - Y, Y), SHORT),
    "mostly noise": (
        for_curve(), CURVE[0], CURVE[1] + 2 * RNG.standard_normal((200, 1)), SHORT,
    ),
    "raw pixels": (for_digits(), digits()[0] * 16, digits()[1], {"epochs": 15}),
    "slow but learning": (for_digits(), *digits(), {"epochs": 15, "optimizer": cr.SGD(0.05)}),
    "rows in order that lie in none": (for_moons(), X, Y, {**SHORT, "shuffle": False}),
    "BatchNorm": (for_curve(cr.BatchNorm()), *CURVE, SHORT),
    "BatchNorm, one row too many": (
        for_curve(cr.BatchNorm()), CURVE[0][:121], CURVE[1][:121], SHORT,
    ),
    "Dropout": (
        cr.Sequential(cr.Dense(64, "relu"), cr.Dropout(0.5), cr.Dense(10, "softmax")), *digits(),
        {"epochs": 15},
    ),
    "mean absolute error": (for_curve(), *CURVE, {**SHORT, "loss": "mean_absolute_error"}),
    "a sum for a loss": (for_curve(), *CURVE, {**SHORT, "loss": "sum_squared_error"}),
    "L-BFGS": (for_xor(), *XOR, {"optimizer": "lbfgs", "batch_size": None, "epochs": 40}),
    "squared error of one-hot": (
        cr.Sequential(cr.Dense(24, "tanh"), cr.Dense(10, "sigmoid")), digits()[0],
        np.eye(10)[digits()[1]], {"epochs": 20, "loss": "mean_squared_error"},
    ),
    "several labels a row": (
        for_curve(last=cr.Dense(2, "sigmoid")), CURVE[0], (CURVE[0] > 0).astype(float), SHORT,
    ),
    "ReLU for targets that are never negative": (
        for_curve(last=cr.Dense(1, "relu")), CURVE[0], np.abs(CURVE[1]), SHORT,
    ),
    "float64": (
        cr.Sequential(cr.Dense(8, "tanh"), cr.Dense(1, "sigmoid"), dtype="float64"), *XOR, FULL,
    ),
    "with validation": (
        for_moons(), X, Y, {**SHORT, "validation": cr.data.moons(100, noise=0.15, seed=1)},
    ),
    "a share for validation": (for_moons(), X, Y, {**SHORT, "validation": 0.2}),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_it_is_left_in_peace(name: str) -> None:
    network, rows, targets, options = HEALTHY[name]
    told = cr.diagnose(network, rows, targets, **options)
    assert told.findings == (), str(told)
    assert told.verdict == "healthy"


def test_one_that_was_trained_before_is_healthy_too() -> None:
    net = for_moons()
    history = net.fit(X, Y, **SHORT)
    before = net.snapshot()
    told = cr.diagnose(net, X, Y, **SHORT, history=history)
    assert told.is_healthy
    assert all(np.array_equal(before[name], array) for name, array in net.snapshot().items())


@pytest.mark.parametrize("name", ["deep", "raw pixels", "BatchNorm", "label noise"])
def test_nothing_is_wrong_before_training_either(name: str) -> None:
    network, rows, targets, options = HEALTHY[name]
    told = cr.diagnose(network, rows, targets, **{**options, "epochs": 0})
    assert told.is_healthy
    assert told.not_judged == ("training (epochs=0)",)


def noisy(noise: float, seed: int) -> tuple[Any, Any]:
    """Classes that mostly chance decides, the rest a wave and a plane."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(300, 4))
    waves = np.sin(2 * rows[:, 0]) + 0.8 * rows[:, 1]
    return rows, (waves + noise * rng.logistic(size=300) > 0).astype(int)


@pytest.mark.parametrize(("seed", "rate"), [(0, 0.1), (1, 0.1), (3, 0.1)])
def test_what_learns_noise_by_heart_is_no_cure(seed: int, rate: float) -> None:
    net = cr.Sequential(cr.Dense(16, "relu"), cr.Dense(1, "sigmoid"))
    told = cr.diagnose(net, *noisy(1.0, seed), optimizer=cr.SGD(rate), epochs=60, seed=seed)
    assert told.findings == (), str(told)


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_a_plane_tells_a_little_are_not_unrelated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(300, 5))
    targets = 0.3 * rows[:, 0] + rng.normal(size=300)
    options: dict[str, Any] = {"optimizer": cr.SGD(0.01), "epochs": 50, "seed": seed}
    told = cr.diagnose(for_curve(units=8), rows, targets, **options)
    assert told.findings == (), str(told)
    mixed = cr.diagnose(for_curve(units=8), rows, rng.permutation(targets), **options)
    assert [finding.name for finding in mixed.findings] == ["labels_unrelated"]
