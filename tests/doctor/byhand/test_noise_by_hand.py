"""Noise in programs by hand: what it hides is not named, and what is wrong beneath it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr


def program(X: Any, t: Any, rate: float, *, units: int = 8, **options: Any) -> dict[str, Any]:
    """A loop with one hidden layer and a sigmoid, samples in columns."""
    rng = np.random.default_rng(3)
    parameters = {
        "W1": rng.normal(size=(units, len(X))) / len(X) ** 0.5,
        "b1": np.zeros((units, 1)),
        "W2": rng.normal(size=(1, units)) / units**0.5,
        "b2": np.zeros((1, 1)),
    }

    def forward(p: Any, X: Any) -> Any:
        return 1 / (1 + np.exp(-(p["W2"] @ np.tanh(p["W1"] @ X + p["b1"]) + p["b2"])))

    def loss(p: Any, X: Any, t: Any) -> Any:
        y = forward(p, X)
        return -np.mean(t * np.log(y) + (1 - t) * np.log(1 - y))

    def gradients(p: Any, X: Any, t: Any) -> Any:
        h = np.tanh(p["W1"] @ X + p["b1"])
        d2 = (forward(p, X) - t) / X.shape[1]
        d1 = (p["W2"].T @ d2) * (1 - h**2)
        sums = [d.sum(axis=1, keepdims=True) for d in (d1, d2)]
        return {"W1": d1 @ X.T, "b1": sums[0], "W2": d2 @ h.T, "b2": sums[1]}

    def step(p: Any, X: Any, t: Any) -> None:
        for name, g in gradients(p, X, t).items():
            p[name] -= rate * g

    def batches(X: Any, t: Any) -> Any:
        order = rng.permutation(X.shape[1])
        for i in range(0, len(order), 32):
            yield X[:, order[i : i + 32]], t[:, order[i : i + 32]]

    made = {"step": step, "forward": forward, "loss": loss, "gradients": gradients}
    given = {"parameters": parameters, "data": (X, t), "batches": batches, "epochs": 60}
    return {**made, **given, **options}


def noisy(seed: int, rows: int = 300, columns: int = 4, noise: float = 1.0) -> Any:
    """Classes that a wave, a plane and chance decide; a sample in each column."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(columns, rows))
    waves = np.sin(2 * X[0]) + 0.8 * X[1]
    return X, (waves + noise * rng.logistic(size=rows) > 0).astype(float)[None]


def named(given: dict[str, Any]) -> Any:
    told = cr.diagnose(**given)
    return [finding.name for finding in told.findings], told


@pytest.mark.parametrize("seed", range(3))
def test_as_many_rows_as_inputs_tell_nothing_of_the_labels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 60))
    t = (X[0] - X[1] + rng.logistic(size=60) > 0).astype(float)[None]
    found, told = named(program(X, t, 0.5, epochs=300))
    assert found == [], str(told)


@pytest.mark.parametrize("units", [2, 4])
def test_a_rate_far_too_small_is_no_bad_luck(units: int) -> None:
    found, told = named(program(*noisy(3), 3e-5, units=units))
    assert told.verdict != "unlucky", str(told)
    assert found[:1] in (["rate_too_small"], []), str(told)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_epoch_of_a_noisy_task_is_too_few(seed: int) -> None:
    found, told = named(program(*noisy(seed, noise=0.5), 0.1, epochs=1))
    assert found[:1] == ["too_few_epochs"], str(told)
    assert "steps the loss fell from" in told.findings[0].observed


def test_shuffled_labels_are_unrelated() -> None:
    X, t = noisy(0)
    found, told = named(program(X, np.random.default_rng(9).permutation(t[0])[None], 0.3))
    assert found == ["labels_unrelated"], str(told)
    assert all(0 < finding.sure <= 1 for finding in told.findings)
