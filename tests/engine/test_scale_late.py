"""Factors of the gradient at the update: what is moved, what must stay, and the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.engine import Program, ReferenceProgram, scale_late
from chainrule.graph.origin import came_from
from chainrule.train.step import flat, training_step

RNG = np.random.default_rng(3)


def moved(graph: Any) -> int:
    return len(scale_late._Factors(graph).moved)


def trained(
    layers: list[Any], t: np.ndarray, loss: str | None, optimizer: Any
) -> tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The step's graph, and all its inputs after three steps, planned and as defined."""
    net = cr.Sequential(*layers, dtype="float64").build(5, seed=1)
    theta = flat(net.parameters, net.dtype)
    state = optimizer.init(theta)
    step = training_step(net, net.loss_for(loss), optimizer, state, {"x": X, "t": t})
    arrays = {"theta": theta, "rate": np.array(0.3), "key": np.zeros(2, np.uint32), "x": X, "t": t}
    arrays |= {f"state {name}": array for name, array in state.items()} | net.statistics
    found = []
    for kind in (Program, ReferenceProgram):
        bound = {name: arrays[name].copy() for name in step.graph.input_names()}
        program = kind(step.graph, bound, step.replaces)
        for _ in range(3):
            program.run()
        found.append(bound)
    return step.graph, found[0], found[1]


X = RNG.standard_normal((12, 5))
CASES: dict[str, tuple[list[Any], np.ndarray, str | None]] = {
    "softmax": ([cr.Dense(4, "tanh"), cr.Dense(3, "softmax")], RNG.integers(0, 3, 12), None),
    "sigmoid": (
        [cr.Dense(4, "relu"), cr.Dense(1, "sigmoid")],
        RNG.integers(0, 2, (12, 1)).astype(float),
        None,
    ),
    "squares": (
        [cr.Dense(4, "sigmoid"), cr.Dense(2)],
        RNG.standard_normal((12, 2)),
        "mean_squared_error",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mean_is_divided_at_the_update(name: str) -> None:
    graph, ours, theirs = trained(*CASES[name], cr.SGD(0.3))
    assert moved(graph) == 1
    late = scale_late.scale_late(graph)
    assert late is not graph
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12, atol=1e-14)


STAYING = {
    "momentum": cr.SGD(0.3, momentum=0.9),
    "nesterov": cr.SGD(0.3, momentum=0.9, nesterov=True),
    "adam": cr.Adam(0.01),
    "clipped by value": cr.SGD(0.3, clip_value=0.01),
    "decay": cr.SGD(0.3, weight_decay=0.1),
}


@pytest.mark.parametrize("name", STAYING)
def test_an_update_that_is_not_proportional_keeps_its_factors(name: str) -> None:
    graph, ours, theirs = trained(*CASES["softmax"], STAYING[name])
    assert moved(graph) == 0
    assert scale_late.scale_late(graph) is graph
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-10, atol=1e-12)


def test_what_holds_a_gradient_to_a_length_comes_late_too() -> None:
    graph, ours, theirs = trained(*CASES["softmax"], cr.SGD(0.3, clip_norm=0.1))
    (factor,) = scale_late._Factors(graph).moved
    assert came_from(min(factor.inputs, key=lambda x: x.size), "minimum")
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12, atol=1e-14)


def traced(function: Any) -> Any:
    return cr.trace(function, np.zeros((3, 2)), np.ones((3, 2)), np.array(0.5), np.array(0.1))


#: (what replaces w of w, e, c and r, how many factors are moved)
FORMS: dict[str, tuple[Any, int]] = {
    "straight": (lambda w, e, c, r: w - r * (c * e), 1),
    "through products": (lambda w, e, c, r: w - r * ((c * e) @ (w.T @ e)), 1),
    "a sum of both": (lambda w, e, c, r: (lambda d: w - r * (d + d * w))(c * e), 1),
    "the same array twice": (lambda w, e, c, r: (lambda d: w - r * (d * d))(c * e), 0),
    "beside what has none": (lambda w, e, c, r: w - r * (c * e + e), 0),
    "bent": (lambda w, e, c, r: w - r * cr.tanh(c * e), 0),
    "two factors in one sum": (lambda w, e, c, r: w - r * (c * e + (c * c) * w), 0),
    "shown as well": (lambda w, e, c, r: (lambda d: (w - r * d, d))(c * e), 0),
    "with no rate": (lambda w, e, c, r: w - c * e, 0),
    "beside what is spoilt": (
        lambda w, e, c, r: (lambda d: (w - r * (d + r * (d + e)), d + e))(c * e),
        0,
    ),
    "of the parameters themselves": (lambda w, e, c, r: (c * w) - r * (c * w), 0),
}


@pytest.mark.parametrize("name", FORMS)
def test_what_is_moved(name: str) -> None:
    function, count = FORMS[name]
    graph = traced(function)
    assert moved(graph) == count
    arrays = [RNG.standard_normal(node.shape) for node in graph.inputs]
    late = scale_late.scale_late(graph)
    for a, b in zip(
        np.atleast_1d(graph.evaluate(*arrays)), np.atleast_1d(late.evaluate(*arrays)), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)
    multiplied = [
        sum(came_from(x, "multiply") and x.size > 1 for x in g.nodes) for g in (graph, late)
    ]
    assert multiplied[0] - multiplied[1] == count


#: Small steps of a program on 3 x 3 matrices, and on the numbers c and r.
STEPS: dict[str, Any] = {
    "add": lambda x, y, c, r: x + y,
    "subtract": lambda x, y, c, r: x - y,
    "multiply": lambda x, y, c, r: x * y,
    "product": lambda x, y, c, r: x @ y.T,
    "scale": lambda x, y, c, r: c * x,
    "scale by r": lambda x, y, c, r: x * r,
    "negative": lambda x, y, c, r: -x,
    "tanh": lambda x, y, c, r: cr.tanh(x),
    "column sums": lambda x, y, c, r: y * cr.sum(x, axis=0),
    "a number of its own": lambda x, y, c, r: cr.sum(x) * y,
    "update": lambda x, y, c, r: y - r * x,
}
programs = st.lists(
    st.tuples(st.sampled_from(list(STEPS)), st.integers(1, 4), st.integers(1, 4)),
    min_size=1,
    max_size=8,
)


def compared(
    program: list[tuple[str, int, int]], rate_of: int, shown: int, seen: list[int]
) -> None:
    """A random backward pass with an update at its end, as recorded and with factors moved."""

    def run(w: Any, e: Any, c: Any, r: Any) -> Any:
        made = [w, e, w + e, c * e]
        for name, i, j in program:
            made.append(STEPS[name](made[-min(i, len(made))], made[-j], c, r))
        outputs = (w - r * made[-min(rate_of, len(made))], e + 1.0)
        return (*outputs, made[-shown]) if shown else outputs

    graph = cr.trace(run, np.zeros((3, 3)), np.zeros((3, 3)), np.array(0.5), np.array(0.1))
    seen.append(moved(graph))
    arrays = [RNG.standard_normal(node.shape) for node in graph.inputs]
    expected = graph.evaluate(*arrays)
    for a, b in zip(scale_late.scale_late(graph).evaluate(*arrays), expected, strict=True):
        assert abs(a - b).max() <= 1e-9 * (1 + abs(b).max())


def random_programs(seen: list[int]) -> None:
    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(programs, st.integers(1, 3), st.integers(0, 3))
    def check(program: list[tuple[str, int, int]], rate_of: int, shown: int) -> None:
        compared(program, rate_of, shown, seen)

    check()


def test_random_programs_give_the_same_numbers() -> None:
    seen: list[int] = []
    random_programs(seen)
    assert sum(map(bool, seen)) > len(seen) // 10, "next to nothing was moved"


@pytest.mark.parametrize("op", ["tanh", "multiply"])
def test_planted_faults_in_random_programs_are_caught(
    op: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale_late, "PROPORTIONAL", (*scale_late.PROPORTIONAL, op))
    if op in scale_late.PRODUCTS:
        monkeypatch.setattr(scale_late, "PRODUCTS", ("matmul",))
    with pytest.raises(AssertionError):
        random_programs([])
