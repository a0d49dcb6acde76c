"""Doctor, the callback: it speaks once, of what is sure, and is silent about the healthy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from doctor_programs import MOONS, XOR, digits, for_digits, for_xor

import chainrule as cr
from chainrule.errors import TrainingWarning


def watched(net: cr.Sequential, *data: Any, **options: Any) -> tuple[cr.Doctor, list[str]]:
    doctor = cr.Doctor()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(*data, callbacks=doctor, **options)
    assert all(warning.category is TrainingWarning for warning in caught)
    return doctor, [str(warning.message) for warning in caught]


def test_units_that_do_nothing_are_told_while_training() -> None:
    doctor, told = watched(for_xor(weight_init="zeros"), *XOR, epochs=4000, batch_size=None)
    assert doctor.said is not None
    assert doctor.said.startswith("nothing is learnt: after ")
    assert "100% of the units of layer 1 are 0 for all of them" in doctor.said
    assert len(told) == 1, "fit adds no advice of its own"


def test_dead_units_are_told() -> None:
    net = for_digits(bias_init=-20.0)
    doctor, _ = watched(net, *digits(), epochs=100)
    assert "100% of the units of layer 1 are 0 for all of them" in str(doctor.said)


def test_a_loss_out_of_hand_is_told() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    net = cr.Sequential(cr.Dense(16, "tanh"), cr.Dense(1))
    doctor, _ = watched(net, X, X[:, :1] ** 2, optimizer=cr.SGD(3.0, clip_norm=10.0), epochs=300)
    assert "the learning rate is too large" in str(doctor.said)


def test_validation_that_turned_is_told() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 10))
    y = rng.integers(0, 2, 30)
    held = rng.normal(size=(100, 10)), rng.integers(0, 2, 100)
    net = cr.Sequential(cr.Dense(64, "tanh"), cr.Dense(1, "sigmoid"))
    doctor, _ = watched(net, X, y, validation=held, epochs=300)
    assert "overfitting" in str(doctor.said)


@pytest.mark.parametrize(
    ("net", "data", "options"),
    [
        (for_xor(), XOR, {}),
        (for_xor(16), MOONS, {"validation": 0.2}),
        (for_digits(), digits(), {"validation": 0.2}),
        (for_digits("sigmoid"), digits(), {"optimizer": cr.SGD(1.0)}),
        (for_xor(), XOR, {"optimizer": "lbfgs", "batch_size": None, "epochs": 30}),
    ],
)
def test_the_healthy_are_left_in_peace(net: Any, data: Any, options: dict[str, Any]) -> None:
    doctor, told = watched(net, *data, **options)
    assert doctor.said is None
    assert told == []


def test_watching_changes_nothing() -> None:
    nets = [for_digits(), for_digits()]
    histories = [
        net.fit(*digits(), epochs=8, callbacks=c)
        for net, c in zip(nets, ([cr.Doctor()], []), strict=True)
    ]
    assert histories[0]["loss"] == histories[1]["loss"]
