"""Inputs that never change: what is made of them is made once, and the numbers stay the same."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import Program, ReferenceProgram
from chainrule.engine.faster import faster
from chainrule.train.step import flat, training_step

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([[0.0], [1.0], [1.0], [0.0]])


def arrays(dtype: str) -> tuple[cr.Sequential, dict[str, np.ndarray]]:
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"), dtype=dtype).build(2, seed=3)
    found = {"theta": flat(net.parameters, net.dtype), "rate": np.array(0.5)}
    found |= {"key": np.zeros(2, np.uint32), "x": X.astype(dtype), "t": T.astype(dtype)}
    return net, found


def programs(dtype: str, steady: tuple[str, ...]):
    net, ours = arrays(dtype)
    theirs = {name: array.copy() for name, array in ours.items()}
    batch = {"x": ours["x"], "t": ours["t"]}
    step = training_step(net, net.loss_for(), cr.SGD(0.5), {}, batch)
    exact = faster(step.graph, steady)
    return (
        (Program(step.graph, ours, step.replaces, steady), ours),
        (ReferenceProgram(exact, theirs, step.replaces), theirs),
        step,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_on_steady_data_has_the_bits_of_the_reference_on_its_faster_graph(dtype):
    (program, ours), (reference, theirs), _ = programs(dtype, ("x", "t"))
    for _ in range(20):
        program.run()
        reference.run()
        assert ours["theta"].tobytes() == theirs["theta"].tobytes()
        assert program.outputs[0].tobytes() == reference.outputs[0].tobytes()


@pytest.mark.parametrize(("dtype", "epsilon"), [("float32", 2.0**-23), ("float64", 2.0**-52)])
def test_one_step_differs_from_the_definition_by_rounding_only(dtype, epsilon):
    (program, ours), _, step = programs(dtype, ("x", "t"))
    _, theirs = arrays(dtype)
    reference = ReferenceProgram(step.graph, theirs, step.replaces)
    program.run()
    reference.run()
    np.testing.assert_allclose(program.outputs[0], reference.outputs[0], rtol=0, atol=32 * epsilon)
    np.testing.assert_allclose(ours["theta"], theirs["theta"], rtol=0, atol=32 * epsilon)


def test_steady_data_save_calls():
    (steady, _), _, _ = programs("float64", ("x", "t"))
    (other, _), _, _ = programs("float64", ())
    assert steady.source.count("\n") <= other.source.count("\n") - 4


def test_a_changed_rate_is_obeyed_although_the_data_are_steady():
    (program, ours), (reference, theirs), _ = programs("float64", ("x", "t"))
    for rate in (0.5, 0.01, 2.0):
        for bound, made in ((ours, program), (theirs, reference)):
            bound["rate"][...] = rate
            made.run()
        assert ours["theta"].tobytes() == theirs["theta"].tobytes()


def test_the_comparison_can_fail():
    (program, ours), (reference, theirs), _ = programs("float64", ("x", "t"))
    theirs["t"][0] = 1.0
    program.run()
    reference.run()
    assert ours["theta"].tobytes() != theirs["theta"].tobytes()
