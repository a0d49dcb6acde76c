"""Each illness: a network that suffers from it is told so, and its repair cures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from doctor_programs import FULL, MOONS, XOR, curve, digits, for_digits, for_moons, for_xor

import chainrule as cr
from chainrule.doctor import case_of, diagnose_case
from chainrule.doctor.experiment import train

RNG = np.random.default_rng(0)
SHORT: dict[str, Any] = {"epochs": 40, "optimizer": cr.Adam(0.02)}
CURVE = curve()


@dataclass
class Program:
    """A program that suffers, and what its diagnosis is to say."""

    network: cr.Sequential
    X: Any
    y: Any
    options: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    cures: bool = True


def linear(units: int = 1, activation: Any = "sigmoid") -> cr.Sequential:
    return cr.Sequential(cr.Dense(units, activation))


def sequential(*hidden: Any, last: Any = None) -> cr.Sequential:
    return cr.Sequential(*hidden, last if last is not None else cr.Dense(1, "sigmoid"))


def normal(spread: float) -> Callable[[Any, Any], Any]:
    return lambda shape, rng: spread * rng.normal(size=shape) / np.sqrt(shape[0])


def broadcast(p: Any, t: Any) -> Any:
    return cr.mean((p[:, 0] - t) ** 2)


def of_probabilities(p: Any, t: Any) -> Any:
    return -cr.mean(cr.sum(t * cr.log_softmax(p), axis=1))


def own_cross_entropy(p: Any, t: Any) -> Any:
    return -cr.mean(cr.sum(t * cr.log(p + 1e-7), axis=1))


def over_everything(z: Any) -> Any:
    e = cr.exp(z - cr.max(z))
    return e / cr.sum(e)


def over_batch(z: Any) -> Any:
    e = cr.exp(z - cr.max(z, axis=0, keepdims=True))
    return e / cr.sum(e, axis=0, keepdims=True)


def hard(z: Any) -> Any:
    return cr.clip(0.2 * z + 0.5, 0.0, 1.0)


def naive(p: Any, t: Any) -> Any:
    return -cr.mean(t * cr.log(p) + (1 - t) * cr.log(1 - p))


def two_classes(last: Any) -> cr.Sequential:
    return cr.Sequential(cr.Dense(16, "tanh"), last)


def with_gap(X: Any) -> Any:
    X = np.array(X)
    X[3, 1] = np.nan
    return X


def validated(change: Any, labels: Any = None) -> dict[str, Any]:
    X, y = cr.data.moons(100, noise=0.15, seed=1)
    return {**SHORT, "validation": (change(X), y if labels is None else labels(y))}


def in_order() -> tuple[Any, Any]:
    X, y = digits()
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


def wrong_axis(p: Any, t: Any) -> float:
    return float(np.mean((p > 0.5) == np.asarray(t).ravel()))


M, L = MOONS
ONE_HOT = np.eye(2)[L]
SUFFERING: dict[str, Program] = {
    "non_finite_data": Program(
        for_moons(), with_gap(M), L, SHORT, "1 value of X is NaN or infinite"
    ),
    "wrong_target_form": Program(for_moons(), M, 2 * L - 1, SHORT, "values -1 and 1"),
    "inputs_constant": Program(for_moons(), M * 0 + 3, L, SHORT, "all 2 columns", cures=False),
    "targets_constant": Program(
        for_moons(), M, L * 0, SHORT, "all 250 rows have the same target, 0", cures=False
    ),
    "targets_broadcast": Program(
        for_moons(), M, L, {**SHORT, "loss": broadcast}, "outputs (n,) against targets (n, 1)"
    ),
    "softmax_of_one": Program(
        two_classes(cr.Dense(1, "softmax")), M, L, {**SHORT, "loss": "binary_cross_entropy"},
        "gives 1 for every row",
    ),
    "softmax_twice": Program(
        cr.Sequential(cr.Dense(16, "tanh"), cr.Dense(2, "softmax"), cr.Activation("softmax")),
        M, L, SHORT, "no probability above 0.731, and no loss below 0.313 (2 classes)",
    ),
    "softmax_over_everything": Program(
        two_classes(cr.Dense(2, over_everything)), M, ONE_HOT,
        {**SHORT, "loss": own_cross_entropy}, "all outputs of a batch of 8 rows add up to 1",
    ),
    "softmax_over_batch": Program(
        two_classes(cr.Dense(2, over_batch)), M, ONE_HOT, {**SHORT, "loss": own_cross_entropy},
        "each class's outputs add up to 1",
    ),
    "inputs_too_large": Program(
        for_moons(), M * 255, L, {**SHORT, "optimizer": cr.SGD(0.4)}, "inputs of size"
    ),
    "inputs_too_small": Program(for_moons(), M / 1000, L, SHORT, "the inputs differ from row"),
    "targets_too_large": Program(
        sequential(cr.Dense(16, "tanh"), last=cr.Dense(1)), CURVE[0], 1e4 * CURVE[1], SHORT,
        "targets of size 9.95e+03",
    ),
    "targets_out_of_reach": Program(
        sequential(cr.Dense(16, "tanh")), CURVE[0], 3 * CURVE[1] + 5,
        {**SHORT, "loss": "mean_squared_error"}, "of the targets lie outside 0 to 1",
    ),
    "zero_weights": Program(
        for_moons(weight_init="zeros"), M, L, SHORT, "repeat another one"
    ),
    "weights_too_large": Program(
        for_digits("tanh", weight_init=normal(30.0)), *digits(), {"epochs": 10}, "times the usual"
    ),
    "weights_too_small": Program(
        for_digits("tanh", weight_init=normal(1e-3)), *digits(),
        {"epochs": 10, "optimizer": cr.SGD(0.2)}, "of the usual",
    ),
    "dead_biases": Program(
        cr.Sequential(cr.Dense(16, "relu", bias_init=-8.0), cr.Dense(1, "sigmoid")), M, L, SHORT,
        "100% of the layer's outputs are 0 for every row",
    ),
    "no_hidden_layer": Program(linear(), *XOR, FULL, "a single layer"),
    "no_hidden_activation": Program(for_xor(activation=None), *XOR, FULL, "they compute is linear"),
    "activation_on_logits": Program(
        sequential(cr.Dense(16, "tanh"), last=cr.Dense(1, "relu")), *CURVE,
        {**SHORT, "loss": "mean_squared_error"}, "its sums go through relu",
    ),
    "log_of_zero": Program(
        two_classes(cr.Dense(1, hard)), M, L, {**SHORT, "loss": naive, "epochs": 80},
        "in the op log",
    ),
    "weight_decay_too_large": Program(
        for_moons(), M, L, {"epochs": 40, "optimizer": cr.Adam(0.02, weight_decay=1.0)},
        "weight_decay=1",
    ),
    "clipping_too_tight": Program(
        for_moons(), M, L, {"epochs": 40, "optimizer": cr.SGD(0.4, clip_norm=1e-5)},
        "clip_norm=1e-05",
    ),
    "dropout_too_large": Program(
        cr.Sequential(cr.Dense(24, "relu"), cr.Dropout(0.97), cr.Dense(10, "softmax")), *digits(),
        {"epochs": 10}, "drop up to 97%",
    ),
    "too_few_epochs": Program(
        for_digits(), *digits(), {"epochs": 1, "optimizer": cr.SGD(0.05)}, "stops after 1 epochs"
    ),
    "schedule_too_steep": Program(
        for_digits(), *digits(),
        {"epochs": 15, "optimizer": cr.SGD(0.2), "schedule": lambda e, n: 0.02**e},
        "the schedule changes",
    ),
    "sorted_batches": Program(
        for_digits("tanh"), *in_order(),
        {"epochs": 10, "optimizer": cr.SGD(0.3), "shuffle": False},
        "of what they would in a batch drawn at random",
    ),
    "dying_relu": Program(
        for_digits("relu"), *digits(), {"epochs": 10, "optimizer": cr.SGD(5.0)},
        "of its units are 0 for every row after training",
    ),
    "rate_too_large": Program(
        for_moons(), M, L, {"epochs": 40, "optimizer": cr.SGD(200.0)}, "with the rate 200"
    ),
    "rate_too_small": Program(
        for_moons(), M, L, {"epochs": 40, "optimizer": cr.Adam(1e-5)}, "with the rate 1e-05"
    ),
    "vanishing_gradient": Program(
        cr.Sequential(*[cr.Dense(16, "sigmoid") for _ in range(5)], cr.Dense(10, "softmax")),
        *digits(), {"epochs": 10, "optimizer": cr.SGD(0.2)}, "of that of the last layer's",
    ),
    "too_few_units": Program(
        cr.Sequential(cr.Dense(1, "tanh"), cr.Dense(10, "softmax")), *digits(), {"epochs": 20},
        "the narrowest has 1 unit",
    ),
    "validation_in_training": Program(
        for_moons(), M, L, {**SHORT, "validation": (M[:60], L[:60])}, "60 of its 60 rows",
        cures=False,
    ),
    "validation_scaled_differently": Program(
        for_moons(), M, L, validated(lambda X: X * 16), "its columns spread 1"
    ),
    "labels_permuted": Program(
        for_moons(), M, L, validated(lambda X: X, lambda y: 1 - y), "numbered anew (0 is 1, 1 is 0)"
    ),
    "wrong_axis": Program(
        for_moons(), M, L, {**SHORT, "metric": wrong_axis}, "answers that are all wrong",
        cures=False,
    ),
    "overfitting": Program(
        cr.Sequential(cr.Dense(64, "tanh"), cr.Dense(1, "sigmoid")), M[:40],
        np.where(RNG.random(40) < 0.2, 1 - L[:40], L[:40]),
        {**validated(lambda X: X), "epochs": 400, "batch_size": None},
        "the loss of validation turns",
        cures=False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SUFFERING)
def test_it_is_named_first_and_its_repair_cures(name: str) -> None:
    program = SUFFERING[name]
    case = case_of(program.network, program.X, program.y, **program.options)
    told = diagnose_case(case)
    assert told.verdict == "ill"
    first = told.findings[0]
    assert first.name == name
    assert program.says in first.observed
    assert name in str(told)
    if program.cures:
        assert first.experiment is not None
        assert first.experiment.after < first.experiment.before
        assert train(first.apply(case)).share < 0.5


def test_a_rate_too_small_is_told_of_a_loss_that_falls_as_it_began() -> None:
    def told(rate: float) -> Any:
        return cr.diagnose(for_digits("tanh"), *digits(), optimizer=cr.SGD(rate), epochs=15)

    slow = told(0.025)
    assert [finding.name for finding in slow.findings] == ["rate_too_small"]
    assert slow.findings[0].experiment.after < 0.3 * slow.findings[0].experiment.before
    # Twice as fast, it slows down as it should, and learns most of it.
    assert told(0.05).verdict == "healthy"


def test_every_illness_has_its_sufferer() -> None:
    from chainrule.doctor import illnesses as known

    named = {
        illness.name
        for group in (known.OF_MEANING, known.OF_LEARNING, known.OF_EVALUATION)
        for illness in group
    }
    named |= {module.ILLNESS.name for module in known.OF_DATA}
    assert named == set(SUFFERING)


def a_plane(columns: int, seed: int) -> tuple[Any, Any]:
    """Rows, and a sum of their columns: what a single layer learns without rest."""
    X = np.random.default_rng(seed).normal(size=(300, columns))
    return X, X @ [2.0, -1.0, 1.0, 0.5, 0.0][:columns]


@pytest.mark.parametrize(("seed", "rate"), [(0, 0.003), (1, 0.001)])
def test_no_hidden_layer_is_missing_where_a_plane_would_do(seed: int, rate: float) -> None:
    X, y = a_plane(5, seed)
    told = cr.diagnose(linear(), X, y > 0, optimizer=cr.SGD(rate), epochs=100, seed=seed)
    assert [finding.name for finding in told.findings] == ["rate_too_small"]
    values = cr.diagnose(
        linear(activation=None), X, y, optimizer=cr.SGD(rate / 100), epochs=100, seed=seed
    )
    assert [finding.name for finding in values.findings] == ["rate_too_small"]


def test_nor_an_activation_between_layers_that_are_trained_too_little() -> None:
    X, y = a_plane(5, 0)
    net = cr.Sequential(cr.Dense(8), cr.Dense(1))
    told = cr.diagnose(net, X, y, optimizer=cr.SGD(1e-5), epochs=100)
    assert [finding.name for finding in told.findings] == ["rate_too_small"]


def test_what_is_said_of_the_best_plane_is_the_loss_of_the_best_plane() -> None:
    told = cr.diagnose(linear(), *XOR, **FULL)
    assert told.findings[0].name == "no_hidden_layer"
    assert "trained as well as can be it leaves the loss at 0.69" in told.findings[0].observed


@pytest.mark.parametrize("rate", [1e-12, 1e-6])
def test_a_start_that_happens_to_be_good_is_no_learning(rate: float) -> None:
    X = np.random.default_rng(0).normal(size=(300, 4))
    y = X @ [1.0, 2.0, -1.0, 0.5]
    # From seed 1 the untrained network leaves 0.39 of what a constant answer does.
    told = cr.diagnose(linear(activation=None), X, y, optimizer=cr.SGD(rate), epochs=100, seed=1)
    first = told.findings[0]
    assert first.name == "rate_too_small"
    assert first.experiment is not None
    assert first.experiment.after < 0.01 * first.experiment.before


@pytest.mark.parametrize("rate", [1e-6, 1e-12])
def test_a_rate_too_small_is_told_however_small_it_is(rate: float) -> None:
    X, y = cr.data.moons(200, seed=0)
    told = cr.diagnose(for_xor(), X, y, optimizer=cr.SGD(rate), epochs=50)
    assert [finding.name for finding in told.findings] == ["rate_too_small"]
