"""Passes in blocks: the same bits in whatever pieces, and no hazard from doing them so."""

from __future__ import annotations

import numpy as np
import pytest
from engine_checks import assert_engines_agree, assert_programs_agree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_graphs import cases

import chainrule as cr
from chainrule.engine import Program, blocks
from chainrule.graph.graph import Graph
from chainrule.graph.tensor import Tensor, placeholder

quietly = settings(
    deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 3)


@quietly
@given(cases())
def test_random_graphs_in_blocks(case):
    assert_engines_agree(case.graph, case.arrays)


@quietly
@given(cases(), st.sampled_from([None, 0, 1]))
def test_random_programs_in_blocks(case, bind):
    assert_programs_agree(case, bind=bind)


def adam(size: int) -> tuple[Graph, dict[str, np.ndarray], dict[int, str]]:
    optimizer = cr.Adam(0.01)
    rng = np.random.default_rng(0)
    arrays = {"theta": rng.standard_normal(size), "g": rng.standard_normal(size)}
    arrays |= optimizer.init(arrays["theta"]) | {"rate": np.array(0.01)}
    x = {name: placeholder(a.shape, a.dtype, name) for name, a in arrays.items()}
    state = {name: x[name] for name in ("mean", "squares", "power1", "power2")}
    theta, new = optimizer.update(x["theta"], x["g"], state, x["rate"])
    graph = Graph(list(x.values()), [theta, *new.values()]).simplify()
    return graph, arrays, dict(enumerate(["theta", *new]))


@pytest.mark.parametrize("size", [6, 7, 8, 9, 20])
def test_an_optimizer_in_blocks_gives_the_same_bits(size, monkeypatch):
    results = []
    for block in (3, 10**9):
        monkeypatch.setattr(blocks, "BLOCK", block)
        graph, arrays, replaces = adam(size)
        program = Program(graph, arrays, replaces)
        for _ in range(5):
            program.run()
        assert ("for p0" in program.source) == (block == 3)
        results.append(arrays)
    for name, array in results[0].items():
        assert array.tobytes() == results[1][name].tobytes()


def test_what_lives_inside_a_run_needs_room_for_one_block():
    graph, arrays, replaces = adam(6000)
    program = Program(graph, arrays, replaces)
    assert program.nbytes < 6000 * 8 / 4


def test_numbers_do_not_part_a_run():
    graph, arrays, replaces = adam(12)
    source = Program(graph, arrays, replaces).source
    assert source.count("for p0") == 1
    assert source.index("for p0") > source.index("sqrt")


def test_a_shifted_view_is_not_put_into_a_run():
    def shifted(x: Tensor) -> Tensor:
        y = x * 2.0
        return y[1:] + y[:-1] * 3.0

    x = np.arange(40.0)
    graph = cr.trace(shifted, x)
    np.testing.assert_array_equal(graph.evaluate(x, engine="numpy"), shifted(x))


@pytest.mark.parametrize(
    "step", [lambda w, g: w - w[0] * g, lambda w, g: w * 0.5 - cr.tanh(w[0] * g)]
)
def test_one_entry_of_what_is_replaced_is_read_before_any_block_is_done(step):
    w, g = np.linspace(1.0, 2.0, 20), np.full(20, 0.5)
    graph = cr.trace(step, w, g)
    expected = graph.evaluate(w, g, engine="reference")
    name, other = graph.input_names()
    bound = {name: w.copy(), other: g}
    Program(graph, bound, {0: name}).run()
    np.testing.assert_array_equal(bound[name], expected)
