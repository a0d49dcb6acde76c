"""fit_many: every network of a population is what fit makes of it alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.train.populations.population import Population

Array = np.ndarray[Any, Any]
EPOCHS = 300

MOONS_X, MOONS_Y = cr.data.moons(24, noise=0.1, seed=1)
XOR_X, XOR_Y = cr.data.gate("xor")
RNG = np.random.default_rng(8)
CLASS_X = RNG.standard_normal((18, 3))
CLASS_Y = np.argmax(CLASS_X @ RNG.standard_normal((3, 3)), axis=1)


def binary() -> cr.Sequential:
    return cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"), dtype="float64")


def classes() -> cr.Sequential:
    return cr.Sequential(cr.Dense(5, "relu"), cr.Dense(3, "softmax"), dtype="float64")


def noisy() -> cr.Sequential:
    return cr.Sequential(
        cr.Dense(6, "gelu"),
        cr.Dropout(0.3),
        cr.BatchNorm(),
        cr.Dense(1, "sigmoid"),
        dtype="float64",
    )


def values() -> cr.Sequential:
    return cr.Sequential(
        cr.Dense(5, "elu"), cr.LayerNorm(), cr.Dense(4, "silu"), cr.Dense(2), dtype="float64"
    )


Case = tuple[Callable[[], cr.Sequential], Array, Array, dict[str, Any]]
FULL = {"batch_size": None}
CASES: dict[str, Case] = {
    "XOR, all rows": (binary, XOR_X, XOR_Y, {**FULL, "optimizer": cr.SGD(0.5)}),
    "momentum": (binary, XOR_X, XOR_Y, {**FULL, "optimizer": cr.SGD(0.2, momentum=0.9)}),
    "batches": (binary, MOONS_X, MOONS_Y, {"batch_size": 7, "optimizer": cr.Adam(0.02)}),
    "a share held back": (binary, MOONS_X, MOONS_Y, {**FULL, "validation": 0.25}),
    "a share and batches": (binary, MOONS_X, MOONS_Y, {"batch_size": 5, "validation": 0.25}),
    "a pair held back": (binary, MOONS_X, MOONS_Y, {**FULL, "validation": (XOR_X, XOR_Y)}),
    "classes": (classes, CLASS_X, CLASS_Y, {**FULL, "optimizer": "rmsprop", "validation": 0.3}),
    "classes in batches": (classes, CLASS_X, CLASS_Y, {"batch_size": 4, "validation": 0.3}),
    "soft labels": (classes, CLASS_X, np.full((18, 3), 1 / 3), {**FULL, "optimizer": "adagrad"}),
    "dropout and norm": (noisy, MOONS_X, MOONS_Y, {**FULL, "optimizer": cr.SGD(0.1)}),
    "dropout in batches": (noisy, MOONS_X, MOONS_Y, {"batch_size": 6, "validation": 0.25}),
    "values, a schedule": (values, CLASS_X, CLASS_X[:, :2], {"schedule": "cosine", **FULL}),
    "weights": (
        binary, MOONS_X, MOONS_Y,
        {"sample_weight": np.linspace(0.1, 2, 24), "batch_size": 5, "validation": 0.25},
    ),
    "a total": (binary, MOONS_X, MOONS_Y, {"loss": "sum_squared_error", "optimizer": cr.SGD(0.01)}),
    "clipped": (binary, XOR_X, XOR_Y, {**FULL, "optimizer": cr.AdamW(0.01, clip_norm=0.1)}),
}  # fmt: skip


def assert_same(
    population: Population, i: int, net: cr.Sequential, history: cr.History, tolerance: float
) -> None:
    np.testing.assert_allclose(population.losses[i], history["loss"], rtol=tolerance)
    for name, array in net.snapshot().items():
        found = population.networks[i].snapshot()[name]
        np.testing.assert_allclose(found, array, rtol=1e-4, atol=1e-6)
    if "validation_loss" in history:
        assert population.validation_losses is not None
        np.testing.assert_allclose(
            population.validation_losses[i], history["validation_loss"], rtol=10 * tolerance
        )


#: Enough networks that the engine puts their axis last, where that is quicker.
SEEDS = [4, 0, 9, *range(100, 129)]


@pytest.mark.parametrize("name", CASES)
def test_each_network_is_what_fit_makes_of_it(name: str) -> None:
    build, X, y, options = CASES[name]
    options = {"epochs": EPOCHS, **options}
    population = cr.fit_many(build, X, y, seeds=SEEDS, **options)
    for i in (0, 31):
        net = build()
        history = net.fit(X, y, seed=SEEDS[i], **options)
        assert_same(population, i, net, history, 1e-6)


@pytest.mark.parametrize("name", CASES)
def test_the_reference_engine_says_the_same(name: str) -> None:
    build, X, y, options = CASES[name]
    options = {"epochs": 8, "seeds": 20, **options}
    quick = cr.fit_many(build, X, y, **options)
    defined = cr.fit_many(build, X, y, engine="reference", **options)
    np.testing.assert_allclose(quick.losses, defined.losses, rtol=1e-9)


@pytest.mark.parametrize("name", ["batches", "dropout and norm"])
def test_float32_goes_the_same_way(name: str) -> None:
    build, X, y, options = CASES[name]

    def half() -> cr.Sequential:
        return cr.Sequential(*build().layers)

    options = {"epochs": 5, **options}
    population = cr.fit_many(half, X, y, seeds=SEEDS, **options)
    net = half()
    history = net.fit(X, y, seed=4, **options)
    np.testing.assert_allclose(population.losses[0], history["loss"], rtol=1e-4)
    assert population.networks[0].parameters["W1"].dtype == np.float32


def test_the_same_again_gives_the_same_bits() -> None:
    build, X, y, options = CASES["dropout in batches"]
    first, second = (cr.fit_many(build, X, y, seeds=20, epochs=6, **options) for _ in range(2))
    np.testing.assert_array_equal(first.losses, second.losses)
    for a, b in zip(first.networks, second.networks, strict=True):
        np.testing.assert_array_equal(a.parameters["W1"], b.parameters["W1"])


# What is asked for


def test_every_combination_has_a_row() -> None:
    population = cr.fit_many(
        lambda hidden, activation: cr.Sequential(
            cr.Dense(hidden, activation), cr.Dense(1, "sigmoid"), dtype="float64"
        ),
        XOR_X, XOR_Y, seeds=2, learning_rate=[0.1, 0.2], initial_scale=[1, 2],
        grid={"hidden": [2, 3], "activation": ["tanh", "relu"]}, epochs=2, batch_size=None,
    )  # fmt: skip
    names = ("hidden", "activation", "learning_rate", "initial_scale", "seed")
    rows = [tuple(row[name] for name in names) for row in population]
    assert rows == list(itertools.product([2, 3], ["tanh", "relu"], [0.1, 0.2], [1.0, 2.0], [0, 1]))
    assert [row["network"] for row in population.table] == list(range(32))
    for row, net in zip(population.table, population.networks, strict=True):
        assert net.parameters["W1"].shape == (2, row["hidden"])
        assert net.layers[0].settings()["activation"] == row["activation"]


def test_rates_and_grids_are_each_as_fit_would() -> None:
    def build(hidden: int) -> cr.Sequential:
        return cr.Sequential(cr.Dense(hidden, "tanh"), cr.Dense(1, "sigmoid"), dtype="float64")

    population = cr.fit_many(
        build, XOR_X, XOR_Y, seeds=4, learning_rate=[0.1, 0.5], grid={"hidden": [2, 4]},
        optimizer="sgd", epochs=EPOCHS, batch_size=None,
    )  # fmt: skip
    for i in (1, 6, 15):
        row = population.table[i]
        net = build(row["hidden"])
        options = {"optimizer": cr.SGD(row["learning_rate"]), "seed": row["seed"]}
        history = net.fit(XOR_X, XOR_Y, epochs=EPOCHS, batch_size=None, **options)
        assert_same(population, i, net, history, 1e-6)


def test_starts_that_draw_more_or_fewer_numbers_get_the_orders_that_fit_would_give() -> None:
    def build(start: Any) -> cr.Sequential:
        first = cr.Dense(3, "tanh", weight_init=start)
        return cr.Sequential(first, cr.Dense(1, "sigmoid"), dtype="float64")

    starts = [0.5, "normal"]
    options: dict[str, Any] = {"epochs": 20, "batch_size": 5, "optimizer": cr.SGD(0.1)}
    population = cr.fit_many(build, MOONS_X, MOONS_Y, seeds=[3], grid={"start": starts}, **options)
    for i, start in enumerate(starts):
        net = build(start)
        assert_same(population, i, net, net.fit(MOONS_X, MOONS_Y, seed=3, **options), 1e-6)


@pytest.mark.parametrize(
    "optimizer", [cr.SGD(0.3), cr.SGD(0.1, momentum=0.5), cr.Adam(0.03), cr.AdamW(0.03)], ids=repr
)
def test_each_decay_is_as_fit_would(optimizer: Any) -> None:
    decays = [0.0, 0.01, 0.3]
    population = cr.fit_many(
        binary, XOR_X, XOR_Y, seeds=[5], weight_decay=decays, optimizer=optimizer, epochs=EPOCHS
    )
    for i, decay in enumerate(decays):
        net = binary()
        own = replace(optimizer, weight_decay=decay)
        history = net.fit(XOR_X, XOR_Y, optimizer=own, epochs=EPOCHS, seed=5)
        assert_same(population, i, net, history, 1e-6)
        assert population.table[i]["weight_decay"] == decay


def test_one_decay_is_the_optimizers() -> None:
    one = cr.fit_many(binary, XOR_X, XOR_Y, seeds=3, weight_decay=0.1, optimizer="sgd", epochs=9)
    own = cr.fit_many(binary, XOR_X, XOR_Y, seeds=3, optimizer=cr.SGD(weight_decay=0.1), epochs=9)
    np.testing.assert_array_equal(one.losses, own.losses)
    assert own.table[0]["weight_decay"] == 0.1


def test_initial_scales_multiply_the_first_weights() -> None:
    population = cr.fit_many(
        lambda: cr.Sequential(cr.Dense(3, "tanh", bias_init=0.5), cr.Dense(1), dtype="float64"),
        CLASS_X, CLASS_X[:, 0], seeds=[7], initial_scale=[1.0, 3.0], learning_rate=1e-12, epochs=1,
    )  # fmt: skip
    one, three = (net.parameters for net in population.networks)
    np.testing.assert_allclose(three["W1"], 3 * one["W1"], rtol=1e-9)
    np.testing.assert_allclose(three["b1"], one["b1"], rtol=1e-9)


def test_a_network_serves_as_its_own_recipe() -> None:
    net = binary()
    population = cr.fit_many(net, XOR_X, XOR_Y, seeds=2, epochs=2)
    assert not net.is_built
    assert population.networks[0].layers == net.layers


def test_one_seed_at_several_rates_shares_its_batches() -> None:
    options: dict[str, Any] = {"epochs": 30, "batch_size": 5, "validation": 0.25}
    population = cr.fit_many(
        binary, MOONS_X, MOONS_Y, seeds=[6], learning_rate=[0.01, 0.1], optimizer="sgd", **options
    )
    for i, rate in enumerate((0.01, 0.1)):
        net = binary()
        history = net.fit(MOONS_X, MOONS_Y, seed=6, optimizer=cr.SGD(rate), **options)
        assert_same(population, i, net, history, 1e-6)


def test_seeds_may_be_listed() -> None:
    population = cr.fit_many(binary, XOR_X, XOR_Y, seeds=np.array([3, 8]), epochs=1)
    assert [row["seed"] for row in population] == [3, 8]
    assert len(cr.fit_many(binary, XOR_X, XOR_Y, seeds=3, epochs=1)) == 3


def test_large_populations_are_parted_and_stay_in_order() -> None:
    small = cr.fit_many(binary, XOR_X, XOR_Y, seeds=[300, 2], epochs=5, batch_size=None)
    large = cr.fit_many(binary, XOR_X, XOR_Y, seeds=301, epochs=5, batch_size=None)
    np.testing.assert_allclose(large.losses[[300, 2]], small.losses, rtol=1e-12)


def test_without_epochs_it_trains_as_long_as_fit() -> None:
    population = cr.fit_many(binary, MOONS_X, MOONS_Y, seeds=1, batch_size=1)
    net = binary()
    assert population.losses.shape == (1, len(net.fit(MOONS_X, MOONS_Y, batch_size=1)))
