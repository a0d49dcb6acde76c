"""diagnose: it concludes, it proves, it leaves everything as it was."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
from doctor_programs import FULL, MOONS, XOR, digits, for_digits, for_xor

import chainrule as cr


def test_a_training_that_succeeds_is_healthy_at_once() -> None:
    told = cr.diagnose(for_xor(), *XOR, **FULL)
    assert told.verdict == "healthy"
    assert told.findings == ()
    assert told.summary.startswith("Nothing wrong found. The training ends at loss ")
    assert str(told).startswith("HEALTHY. Nothing wrong found")


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_zero_weights(activation: str) -> None:
    told = cr.diagnose(for_digits(activation, weight_init="zeros"), *digits(), epochs=10)
    assert told.verdict == "ill"
    first = told.findings[0]
    assert (first.name, first.where) == ("zero_weights", "W1, layer 1")
    assert first.experiment is not None
    assert first.experiment.after < 0.1 * first.experiment.before
    assert "leave out weight_init=" in first.repair


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_inputs_too_large(activation: str) -> None:
    X, y = digits()
    told = cr.diagnose(for_digits(activation), X * 255, y, epochs=10, optimizer=cr.SGD(0.2))
    assert told.findings[0].name == "inputs_too_large"
    assert "up to 255" in told.findings[0].observed


@pytest.mark.parametrize("optimizer", [cr.SGD(20.0), cr.Adam(1.0)])
def test_rate_too_large(optimizer: Any) -> None:
    told = cr.diagnose(for_digits("tanh"), *digits(), epochs=10, optimizer=optimizer)
    assert told.findings[0].name == "rate_too_large"
    assert f"instead of {optimizer.learning_rate:.3g}" in told.findings[0].repair


@pytest.mark.parametrize("epochs", [10, 150])
def test_labels_unrelated_also_where_they_are_learnt_by_heart(epochs: int) -> None:
    X, y = digits()
    mixed = np.random.default_rng(0).permutation(y)
    told = cr.diagnose(for_digits("tanh"), X, mixed, epochs=epochs)
    assert told.findings[0].name == "labels_unrelated"
    assert "no better than a constant answer" in told.findings[0].observed


def test_a_stuck_xor_is_unlucky_and_not_ill() -> None:
    stuck = []
    for seed in range(4):
        told = cr.diagnose(for_xor(2), *XOR, **FULL, seed=seed)
        assert told.verdict in ("healthy", "unlucky")
        if told.verdict == "unlucky":
            stuck.append(seed)
            assert [finding.name for finding in told.findings] == ["local_minimum"]
    assert stuck


def test_the_repair_can_be_applied_and_cures() -> None:
    from chainrule.doctor import case_of, diagnose_case
    from chainrule.doctor.experiment import train

    case = case_of(for_digits("tanh"), digits()[0] * 255, digits()[1], epochs=10)
    first = diagnose_case(case).findings[0]
    assert train(first.apply(case)).share < 0.1 < train(case).share


def test_everything_is_left_as_it_was() -> None:
    net = for_digits("tanh", weight_init=cr.nn.initializers.Normal(0, 3.0)).build(64, 5)
    X, y = digits()
    X = np.array(X * 255)
    optimizer = cr.SGD(0.3, momentum=0.9)
    before = [net.snapshot(), X.copy(), y.copy(), copy.copy(optimizer), np.random.get_state()[1]]
    parameters = dict(net.parameters)
    cr.diagnose(net, X, y, epochs=5, optimizer=optimizer)
    assert net.loss is None
    assert all(net.parameters[name] is array for name, array in parameters.items())
    for name, array in before[0].items():
        np.testing.assert_array_equal(net.parameters[name], array)
    np.testing.assert_array_equal(X, before[1])
    np.testing.assert_array_equal(y, before[2])
    assert optimizer == before[3]
    np.testing.assert_array_equal(np.random.get_state()[1], before[4])


def test_a_network_without_sizes_stays_without_them() -> None:
    net = for_xor()
    cr.diagnose(net, *XOR, **FULL)
    assert not net.is_built
    assert net.loss is None


def test_the_same_seed_gives_the_same_diagnosis() -> None:
    options: dict[str, Any] = {"epochs": 5, "optimizer": cr.SGD(20.0)}
    first, second = (cr.diagnose(for_digits(), *digits(), **options) for _ in range(2))
    assert [str(f) for f in first.findings] == [str(f) for f in second.findings]


def test_progress_is_told_line_by_line() -> None:
    lines: list[str] = []
    cr.diagnose(for_digits(), *digits(), epochs=5, optimizer=cr.SGD(20.0), progress=lines.append)
    assert "training a well-made network on the same rows" in lines


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(cr.errors.OptionError, match=r"diagnose takes a network, cr.Sequential"):
        cr.diagnose(3, *MOONS)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ((for_xor(), *XOR), {"lr": 0.1}, "diagnose's option 'lr' is not known"),
        ((for_xor(), *XOR), {"epoch": 3}, "Did you mean 'epochs'?"),
        ((for_xor(),), {}, "diagnose needs the data too"),
        ((for_xor(), [1.0, 2.0], [0, 1]), {}, "rows are samples, so it needs two axes"),
        ((for_xor(), [[1.0], [1.0, 2.0]], [0, 1]), {}, "X is not a regular array"),
        ((for_xor(), XOR[0], ["a", "b", "a", "b"]), {}, "Encode it first"),
        ((for_xor(), XOR[0], 1), {}, "a target for each row of X, of which there are 4; it has sh"),
        ((for_xor(), XOR[0], []), {}, "it has shape (0,)"),
        ((for_xor(), *XOR), {"validation": 2}, "validation is a share of the rows or a pair"),
        ((for_xor(), *XOR), {"history": [0.7, 0.6]}, "history is what fit returned, got list"),
        ((for_xor(), *XOR), {"seed": -1}, "seed is a whole number of 0 or more"),
        ((for_xor(), *XOR), {"optimizer": "adm"}, "Did you mean 'adam'?"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    given: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(cr.errors.ChainruleError, match=re.escape(message)):
        cr.diagnose(*given, **options)


def test_the_start_alone_is_judged_without_training() -> None:
    X, y = digits()
    told = cr.diagnose(for_digits(weight_init="zeros"), X * 255, y, epochs=0)
    assert told.verdict == "ill"
    assert [finding.name for finding in told.findings] == ["zero_weights", "inputs_too_large"]
    assert all(finding.experiment is None for finding in told.findings)
    unusual = cr.diagnose(for_digits(), X * 255, y, epochs=0)
    assert unusual.verdict == "cannot tell"
    assert "only training tells" in unusual.summary


def test_a_number_that_is_not_finite_is_traced_to_its_op() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = X.sum(axis=1)
    net = cr.Sequential(cr.Dense(4), cr.Dense(1))
    told = cr.diagnose(net, X, y, optimizer=cr.SGD(50.0), epochs=20)
    assert "the first value that is not finite was born in step" in told.summary
    assert "in the op" in told.summary


def test_a_history_with_validation_is_enough_to_see_overfitting() -> None:
    history = cr.train.History()
    for epoch in range(1, 41):
        held = 0.3 + 0.02 * abs(epoch - 10)
        history.add({"epoch": [epoch], "loss": [0.5 / epoch], "validation_loss": [held]})
    told = cr.diagnose(for_xor(16), *MOONS, optimizer=cr.Adam(0.02), history=history)
    assert told.findings[0].name == "overfitting"
    assert told.findings[0].where == "after epoch 10"


def test_a_trained_network_that_another_seed_would_not_have_is_unlucky() -> None:
    net = for_xor(2)
    net.fit(*XOR, **FULL, seed=1)
    assert net.evaluate(*XOR)["loss"] > 0.3
    told = cr.diagnose(net, *XOR, **FULL)
    assert told.verdict == "unlucky"
    assert told.summary.startswith("The network as it was given has loss 0.4")


def test_two_illnesses_at_a_time_are_both_named() -> None:
    X, y = digits()
    net = for_digits("tanh", weight_init="zeros")
    told = cr.diagnose(net, X * 255, y, epochs=10, optimizer=cr.SGD(0.2))
    assert {finding.name for finding in told.findings[:2]} == {"inputs_too_large", "zero_weights"}
    told = cr.diagnose(net, X, y, epochs=10, optimizer=cr.SGD(100.0))
    assert {finding.name for finding in told.findings[:2]} == {"zero_weights", "rate_too_large"}
    assert "Two things are wrong together" in told.summary
    assert "; and " in told.findings[0].experiment.changed  # type: ignore[union-attr]


def test_a_network_that_knows_its_rows_is_not_stuck() -> None:
    """Few rows of the rare class: what is known of other rows is no matter of rate or start."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 20))
    rng.normal(size=500)
    y = (X[:, 0] + X[:, 1] > 2.2).astype(int)
    net = cr.Sequential(cr.Dense(16, "relu"), cr.Dense(1, "sigmoid"))
    found = cr.diagnose(net, X, y, class_weight="balanced")
    assert found.verdict == "healthy"
    assert "It knows these rows by heart" in found.summary
