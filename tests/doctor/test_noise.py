"""Noise: what it hides is not named, and what is wrong beneath it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

Table = tuple[Any, Any]


def classes(noise: float, seed: int, rows: int = 300) -> Table:
    """Classes that a wave, a plane and much chance decide."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    waves = np.sin(2 * X[:, 0]) + 0.8 * X[:, 1]
    return X, (waves + noise * rng.logistic(size=rows) > 0).astype(int)


def values(explained: float, seed: int, rows: int = 300) -> Table:
    """Values of spread 1, of whose variance so much lies along a wave and a plane."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    waves = np.sin(2 * X[:, 0]) + 0.8 * X[:, 1]
    y = waves / waves.std() * explained**0.5 + rng.normal(size=rows) * (1 - explained) ** 0.5
    return X, y[:, None]


def flipped_xor(share: float, seed: int, rows: int = 400) -> Table:
    """XOR of signs, and so many labels turned round."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (rows, 2))
    y = (X[:, 0] > 0) ^ (X[:, 1] > 0) ^ (rng.random(rows) < share)
    return X, y.astype(int)


def named(data: Table, optimizer: Any, *, units: int = 16, seed: int = 0, **options: Any) -> Any:
    """What the doctor finds in the training of a network with one hidden layer."""
    X, y = data
    init = options.pop("weight_init", None)
    last = cr.Dense(1, "sigmoid" if y.ndim == 1 else None, weight_init=init)
    net = cr.Sequential(cr.Dense(units, "tanh", weight_init=init), last)
    told = cr.diagnose(net, X, y, optimizer=optimizer, seed=seed, **{"epochs": 40, **options})
    return [finding.name for finding in told.findings], told


SANE = {
    "classes, half of it noise": (classes(1.0, 1), cr.SGD(0.1)),
    "classes, a small rate": (classes(1.0, 4), cr.SGD(0.02)),
    "classes, mostly noise": (classes(2.0, 3), cr.Adam(0.01)),
    "values, a tenth explained": (values(0.1, 0), cr.SGD(0.02)),
    "values, a fifth explained": (values(0.2, 1), cr.Adam(0.003)),
    "values, hardly anything explained": (values(0.05, 0), cr.SGD(0.02, momentum=0.9)),
    "XOR, a fifth turned round": (flipped_xor(0.2, 0), cr.Adam(0.01)),
}


@pytest.mark.parametrize("name", SANE)
def test_a_sane_training_of_a_noisy_task_is_left_in_peace(name: str) -> None:
    found, told = named(*SANE[name])
    assert found == [], str(told)


ILL: dict[str, tuple[str, Table, Any, dict[str, Any]]] = {
    "no steps to speak of": ("rate_too_small", classes(1.0, 1), cr.Adam(1e-6), {}),
    "the same for values": ("rate_too_small", values(0.2, 1), cr.SGD(1e-6), {}),
    "zeros": ("zero_weights", classes(1.0, 1), cr.Adam(0.01), {"weight_init": "zeros"}),
    "leaps": ("rate_too_large", values(0.2, 0), cr.SGD(30.0), {}),
    "an epoch": ("too_few_epochs", classes(0.5, 0), cr.Adam(0.001), {"epochs": 1}),
    "a unit for XOR": ("too_few_units", flipped_xor(0.2, 0), cr.Adam(0.02), {"units": 1}),
}


@pytest.mark.parametrize("name", ILL)
def test_what_is_wrong_with_a_noisy_task_is_named(name: str) -> None:
    right, data, optimizer, options = ILL[name]
    found, told = named(data, optimizer, **options)
    assert found[:1] == [right], str(told)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("data", [classes(2.0, 0), values(0.1, 1)], ids=["classes", "values"])
def test_labels_of_which_little_is_known_are_unrelated_only_when_shuffled(
    data: Table, seed: int
) -> None:
    X, y = data
    assert "labels_unrelated" not in named(data, cr.Adam(0.01), seed=seed)[0]
    mixed = np.random.default_rng(seed + 10).permutation(y)
    found, told = named((X, mixed), cr.Adam(0.01), seed=seed)
    assert found == ["labels_unrelated"], str(told)
    assert "of targets shuffled on purpose" in told.findings[0].observed


def test_rows_too_few_to_tell_are_said_to_be() -> None:
    """Of targets that hardly depend on X, a network that stands still can be said nothing of."""
    X, y = values(0.05, 7, rows=120)
    found, told = named((X, y), cr.SGD(1e-7))
    assert found in ([], ["labels_unrelated"])
    found, told = named((X[:60], y[:60]), cr.SGD(1e-7))
    assert told.verdict == "cannot tell"
    assert "these 60 rows do not show" in told.summary


def test_noise_that_is_left_is_said_to_be_noise() -> None:
    told = named(*SANE["classes, half of it noise"])[1]
    assert told.verdict == "healthy"
    assert "it learns their noise" in told.summary or "Nothing wrong found" in told.summary


def few_rows(seed: int, noise: float = 1.0) -> Table:
    """Forty rows of two classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 3))
    return X, (X[:, 0] + X[:, 1] + noise * rng.logistic(size=40) > 0).astype(int)


@pytest.mark.parametrize("seed", range(3))
def test_forty_rows_need_not_be_learnt_by_heart(seed: int) -> None:
    found, told = named(few_rows(seed), cr.SGD(0.1), epochs=60, seed=seed)
    assert found == [], str(told)


def test_what_is_wrong_with_forty_rows_is_named() -> None:
    found, told = named(few_rows(0, 0.1), cr.SGD(0.1), epochs=60, weight_init="zeros")
    assert found[:1] == ["zero_weights"], str(told)


@pytest.mark.parametrize("seed", [0, 5, 13])
def test_inputs_far_from_1_are_told_beneath_noise(seed: int) -> None:
    X, y = classes(1.0, seed)
    found, told = named((X * 1e4 + 3e4, y), cr.Adam(0.01), epochs=60, seed=seed)
    assert found[:1] == ["inputs_too_large"], str(told)
