"""Hidden layers with a row for each unit: the same numbers in fewer calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import Program, ReferenceProgram, plan
from chainrule.engine.bias_rows import SMALL
from chainrule.engine.faster import faster
from chainrule.engine.features_first import features_first
from chainrule.train.step import Step, flat, training_step

LAYERS: dict[str, list[Any]] = {
    "tanh": [cr.Dense(4, "tanh")],
    "two layers": [cr.Dense(4, "tanh"), cr.Dense(5, "sigmoid")],
    "as many units as rows": [cr.Dense(6, "relu"), cr.Dense(6, "tanh")],
    "one unit": [cr.Dense(1, "relu"), cr.Dense(3, "elu")],
    "dropout": [cr.Dense(4, "tanh"), cr.Dropout(0.3)],
    "batch norm": [cr.Dense(4), cr.BatchNorm(), cr.Activation("tanh")],
    "layer norm": [cr.Dense(4, "tanh"), cr.LayerNorm()],
}
OPTIMIZERS = {"plain": cr.SGD(0.1), "adam": cr.Adam(0.01)}


def traced(case: str, dtype: str, optimizer: str, rows: int = 6) -> tuple[Step, dict[str, Any]]:
    """A training step of a network with 3 classes, and the arrays that it reads."""
    net = cr.Sequential(*LAYERS[case], cr.Dense(3, "softmax"), dtype=dtype).build(3, seed=1)
    rng = np.random.default_rng(2)
    theta, chosen = flat(net.parameters, net.dtype), OPTIMIZERS[optimizer]
    state = chosen.init(theta)
    batch = {"x": rng.normal(size=(rows, 3)).astype(dtype), "t": rng.integers(3, size=rows)}
    step = training_step(net, net.loss_for(), chosen, state, batch)
    arrays = {"theta": theta, "rate": np.array(0.1), "key": np.array([1, 2], np.uint32), **batch}
    arrays |= {f"state {name}": array for name, array in state.items()} | net.statistics
    return step, arrays


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", LAYERS)
@pytest.mark.parametrize("steady", [(), ("x", "t")])
def test_a_step_has_the_bits_of_the_reference_on_its_faster_graph(
    case: str, dtype: str, optimizer: str, steady: tuple[str, ...]
) -> None:
    step, ours = traced(case, dtype, optimizer)
    theirs = {name: array.copy() for name, array in ours.items()}
    program = Program(step.graph, ours, step.replaces, steady)
    reference = ReferenceProgram(faster(step.graph, steady), theirs, step.replaces)
    for _ in range(5):
        program.run()
        reference.run()
        assert ours["theta"].tobytes() == theirs["theta"].tobytes()
        assert program.outputs[0].tobytes() == reference.outputs[0].tobytes()


@pytest.mark.parametrize("case", LAYERS)
def test_a_step_differs_from_the_definition_by_rounding_only(case: str) -> None:
    step, ours = traced(case, "float64", "plain")
    theirs = {name: array.copy() for name, array in ours.items()}
    Program(step.graph, ours, step.replaces, ("x", "t")).run()
    ReferenceProgram(step.graph, theirs, step.replaces).run()
    np.testing.assert_allclose(ours["theta"], theirs["theta"], rtol=1e-12, atol=1e-14)


def test_no_bias_is_added_and_no_ones_are_copied() -> None:
    step, arrays = traced("tanh", "float64", "plain")
    lines = Program(step.graph, arrays, step.replaces, ("x", "t")).source.splitlines()
    assert not any(line.strip().startswith("add(") for line in lines)
    assert not any(line.strip().startswith("copyto(") for line in lines)


def test_what_a_layer_before_made_is_joined_in_one_piece() -> None:
    step, _ = traced("two layers", "float64", "plain")
    text = str(faster(step.graph, ("x", "t")))
    assert "concatenate(axis=0)" in text
    assert "float64[5, 6]" in text  # four units and the ones, for each of six rows
    assert "float64[6, 5]" in text  # the same, turned, and the five units of the next layer


def test_large_layers_are_left_as_they_are() -> None:
    step, _ = traced("tanh", "float64", "plain", rows=SMALL)
    assert "concatenate(axis=1)" not in str(faster(step.graph))
    assert features_first(step.graph) is step.graph


def test_wide_layers_are_turned_and_narrow_ones_not() -> None:
    step = wide("relu", rows=64)[0]
    assert "float32[256, 64]" in str(features_first(step.graph))
    step = wide("relu", rows=65)[0]
    assert features_first(step.graph) is step.graph


@pytest.mark.parametrize("beside", [cr.Dropout(0.2), cr.LayerNorm(), cr.BatchNorm()])
def test_wide_layers_beside_which_much_would_be_read_crosswise_stay(beside: Any) -> None:
    step = wide("relu", beside)[0]
    assert features_first(step.graph) is step.graph


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_wide_layers_have_the_bits_of_the_reference_on_the_turned_graph(activation: str) -> None:
    step, ours = wide(activation)
    theirs = {name: array.copy() for name, array in ours.items()}
    defined = {name: array.copy() for name, array in ours.items()}
    program = Program(step.graph, ours, step.replaces)
    assert "(256, 8)" in shapes_of(program)
    program.run()
    ReferenceProgram(faster(step.graph), theirs, step.replaces).run()
    assert ours["theta"].tobytes() == theirs["theta"].tobytes()
    ReferenceProgram(step.graph, defined, step.replaces).run()
    np.testing.assert_allclose(ours["theta"], defined["theta"], rtol=1e-4, atol=1e-6)


def shapes_of(program: Program) -> set[str]:
    """The shapes of the arrays in a program's source."""
    return {str(a.shape) for a in program.names.values() if isinstance(a, np.ndarray)}


def wide(activation: str, *beside: Any, rows: int = 8) -> tuple[Step, dict[str, Any]]:
    """A training step of two hidden layers with 256 units, or 16 where one stands beside."""
    layers = [cr.Dense(256, activation), *beside, cr.Dense(16 if beside else 256, activation)]
    net = cr.Sequential(*layers, cr.Dense(3, "softmax")).build(20, seed=1)
    rng = np.random.default_rng(2)
    batch = {
        "x": rng.normal(size=(rows, 20)).astype("float32"),
        "t": rng.integers(3, size=rows),
    }
    theta = flat(net.parameters, net.dtype)
    step = training_step(net, net.loss_for(), cr.SGD(0.1), {}, batch)
    key = np.array([1, 2], np.uint32)
    return step, {"theta": theta, "rate": np.array(0.1), "key": key, **batch, **net.statistics}


def test_ones_in_shared_memory_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: the memory with the ones is given away like any other."""
    true = plan._Planner._fill

    def given_away(planner: Any, call: Any) -> None:
        true(planner, call)
        planner.pool.free.append(planner.plan.arrays[call.writes].view(np.uint8).reshape(-1))

    monkeypatch.setattr(plan._Planner, "_fill", given_away)
    with pytest.raises(AssertionError):
        test_a_step_has_the_bits_of_the_reference_on_its_faster_graph(
            "two layers", "float64", "plain", ("x", "t")
        )
