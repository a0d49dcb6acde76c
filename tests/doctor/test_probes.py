"""Probes: each tells what it is to tell of networks and losses that are right, and that are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from doctor_programs import MOONS, curve, digits, for_digits, for_moons

import chainrule as cr
from chainrule.doctor import case_of
from chainrule.doctor.experiment import portions, train
from chainrule.doctor.probes import Probes
from chainrule.doctor.probes.answers import mixes_rows, perfect_loss
from chainrule.doctor.probes.forward import curvature, leak
from chainrule.doctor.probes.layers import starts, units
from chainrule.doctor.probes.statics import columns, non_finite, variety_in_batches
from chainrule.nn.losses import loss

RNG = np.random.default_rng(0)
X, Y = MOONS


def probes(net: cr.Sequential, *data: Any, **options: Any) -> Probes:
    return Probes(case_of(net, *data, **options), lambda line: None)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("activation", "is_linear"),
    [(None, True), ("relu", False), ("tanh", False), ("sigmoid", False)],
)
def test_curvature_tells_a_linear_network(activation: Any, is_linear: bool, dtype: str) -> None:
    net = cr.Sequential(cr.Dense(8, activation), cr.Dense(3, "softmax"), dtype=dtype).build(5)
    assert (curvature(net) < 1e-4) == is_linear


def test_curvature_asks_the_network_started_afresh() -> None:
    """Tiny weights make tanh all but linear."""
    net = for_moons(weight_init=lambda shape, rng: 1e-4 * rng.normal(size=shape))
    assert probes(net, X, Y, epochs=1).curvature > 0.05


def test_leak_tells_rows_that_depend_on_each_other() -> None:
    def over_all(z: Any) -> Any:
        return cr.exp(z) / cr.sum(cr.exp(z))

    rows = RNG.standard_normal((20, 4)).astype(np.float32)
    right = cr.Sequential(cr.Dense(3, "softmax")).build(4)
    wrong = cr.Sequential(cr.Dense(3, over_all)).build(4)
    assert leak(right, rows) is None
    found = leak(wrong, rows)
    assert found is not None
    assert found.total == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("spread", [0.001, 1.0, 30.0])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_starts_are_measured_beside_the_usual_one(spread: float, activation: str) -> None:
    usual = cr.Sequential(cr.Dense(200, activation), cr.Dense(100)).build(300, 1)
    for array in usual.parameters.values():
        array *= np.float32(spread)
    assert [start.ratio for start in starts(usual)] == pytest.approx([spread] * 2, rel=0.05)


def test_units_that_are_dead_alike_or_saturated() -> None:
    rows = RNG.standard_normal((50, 4)).astype(np.float32)
    shut = cr.Sequential(cr.Dense(6, "relu", bias_init=-99.0), cr.Dense(1)).build(4)
    alike = cr.Sequential(cr.Dense(6, "tanh", weight_init=0.3), cr.Dense(1)).build(4)
    flat = cr.Sequential(cr.Dense(6, "tanh", bias_init=9.0), cr.Dense(1)).build(4)
    usual = cr.Sequential(cr.Dense(6, "tanh"), cr.Dense(1)).build(4)
    assert units(shut, rows)[0].dead == 1
    assert units(alike, rows)[0].duplicates == pytest.approx(5 / 6)
    assert units(flat, rows)[0].saturated > 0.99
    hidden, last = units(usual, rows)
    assert (hidden.dead, hidden.duplicates, hidden.is_hidden) == (0, 0, True)
    assert not last.is_hidden


def test_perfect_loss_finds_a_second_softmax() -> None:
    t = np.eye(10)[RNG.integers(0, 10, 40)]
    twice = loss(lambda p, t: -cr.mean(cr.sum(t * cr.log_softmax(p), axis=1)))
    assert perfect_loss(twice, t, "classes") == pytest.approx(1.461, abs=1e-3)
    right = perfect_loss(loss("cross_entropy"), t, "classes")
    assert right == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("own", "mixes"),
    [
        (lambda p, t: cr.mean((p[:, 0] - t) ** 2), True),
        (lambda p, t: cr.mean(cr.abs(p[:, 0] - t)), True),
        (lambda p, t: cr.mean((p - t) ** 2), False),
        (lambda p, t: -cr.mean(t * cr.log(p) + (1 - t) * cr.log(1 - p)), False),
        (lambda p, t: cr.mean(p * 0.0), False),
    ],
)
@pytest.mark.parametrize("rows", [4, 7, 50])
def test_a_loss_that_mixes_rows(own: Any, mixes: bool, rows: int) -> None:
    t = np.resize([0.0, 1.0, 1.0, 0.0], rows).reshape(-1, 1)
    assert mixes_rows(loss(own), t) == mixes


def test_variety_is_one_for_shuffled_rows_and_small_for_sorted_ones() -> None:
    y = np.arange(600) // 60
    assert variety_in_batches(y, 30) == pytest.approx(0, abs=1e-12)
    mixed = [variety_in_batches(RNG.permutation(y), 30) for _ in range(20)]
    assert np.mean(mixed) == pytest.approx(1, abs=0.02)
    assert variety_in_batches(y, 600) == 1
    values = np.sort(RNG.standard_normal((600, 1)), axis=0)
    assert variety_in_batches(values, 30) < 0.1


def test_columns_and_the_first_gap() -> None:
    table = np.array([[1.0, 10.0], [3.0, 30.0]])
    found = columns(table)
    assert found.size == pytest.approx(np.sqrt((1 + 100 + 9 + 900) / 4))
    assert found.typical_spread == pytest.approx(np.sqrt((1 + 100) / 2))
    assert non_finite("X", table) is None
    table[1, 0] = np.inf
    assert non_finite("X", table) == ("X, row 1, column 0", 1)


def test_a_well_made_network_knows_what_can_be_known() -> None:
    told = probes(for_moons(), X, Y, epochs=5).knowable
    assert told.share < 0.3
    assert told.is_something
    mixed = probes(for_moons(), X, RNG.permutation(Y), epochs=5).knowable
    assert mixed.share > 0.9
    assert not mixed.is_something


def test_the_reference_is_measured_by_the_losses_of_the_case() -> None:
    rows, values = curve()
    for name in ("mean_squared_error", "sum_squared_error", "mean_absolute_error", "huber"):
        net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1))
        found = probes(net, rows, 100 * values + 7, loss=name, epochs=5).reference
        assert 0 < found.held_share < 0.5, name


def test_all_rows_are_the_very_training_that_fit_makes() -> None:
    data = digits()
    options: dict[str, Any] = {"epochs": 3, "optimizer": cr.SGD(0.2), "seed": 4}
    case = case_of(for_digits(), *data, **options)
    trial = train(case, data=portions(case, hold=False))
    net = for_digits()
    net.fit(*data, **options)
    for name, array in net.parameters.items():
        np.testing.assert_array_equal(trial.network.parameters[name], array)
