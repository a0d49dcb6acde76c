"""A step in a loop: the same bits as the step again and again, each result in its row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from random_graphs import Case, cases, same_bits

import chainrule as cr
from chainrule.engine import ReferenceRepeated, Repeated, plan, repeated
from chainrule.engine.faster import faster
from chainrule.engine.loop import stretches
from chainrule.errors import OptionError

STEPS = 4
quietly = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=200)


def both(case: Case) -> tuple[list[Any], list[Any]]:
    """What is kept, and what was replaced, of planned and of reference steps."""
    found = []
    for kind, graph in ((Repeated, case.graph), (ReferenceRepeated, faster(case.graph))):
        bound = dict(zip(graph.input_names(), map(np.array, case.arrays), strict=True))
        kept = {
            place: np.zeros((STEPS, *node.shape), node.dtype)
            for place, node in enumerate(graph.outputs)
            if place not in case.replaces
        }
        steps = kind(graph, bound, case.replaces, (), kept)
        with np.errstate(all="ignore"):
            steps.run(iter(steps.rows[:2]))
            steps.run(iter(steps.rows[2:]))
        found.append([*kept.values(), *bound.values()])
    return found[0], found[1]


@quietly
@given(cases())
def test_equals_the_reference_step_after_step(case: Case) -> None:
    ours, theirs = both(case)
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert same_bits(a, b), f"array {i}: {a} is not {b} in\n{case}"


def as_if_nothing_changed(calls: Any, changing: Any) -> Any:
    return list(calls)[:-1], list(calls)[-1:]


def test_what_changes_may_not_be_done_before_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: the first calls are done once although they read what a step replaces."""
    monkeypatch.setattr(plan, "unchanging_first", as_if_nothing_changed)
    with pytest.raises(AssertionError, match=r"(?s)array \d+: .* is not "):
        test_equals_the_reference_step_after_step()


def test_what_stays_the_same_is_done_once_and_results_are_written_into_their_rows() -> None:
    def step(w: Any, rate: Any, x: Any) -> Any:
        z = x @ w
        return z, w - (x.T @ cr.tanh(z)) * (rate * 0.5)

    w, rate, x = np.ones((3, 1)), np.array(0.25), np.eye(4, 3)
    graph = cr.trace(step, w, rate, x)
    rows = np.zeros((STEPS, 4, 1))
    steps = Repeated(graph, {"w": w, "rate": rate, "x": x}, {1: "w"}, ("x",), {0: rows})
    before, inside = steps.source.split("    for r0, in rows:\n")
    assert before.count(" * ") == 1
    assert "_dot(" in inside.splitlines()[0]
    assert inside.splitlines()[0].endswith(", r0)")
    assert "copyto" not in steps.source
    expected, theta = [], np.ones((3, 1))
    for _ in range(STEPS):
        z = x @ theta
        expected.append(z)
        theta = theta - (x.T @ np.tanh(z)) * 0.125
    steps.run(iter(steps.rows))
    np.testing.assert_allclose(rows, expected, rtol=1e-14)
    np.testing.assert_allclose(w, theta, rtol=1e-14)


def test_rows_that_are_left_tell_how_many_steps_were_made() -> None:
    w, rows = np.ones(2), np.zeros((STEPS, 2))
    graph = cr.trace(lambda w: (w * 2.0, w + 1.0), w)
    for engine in ("numpy", "reference"):
        w[:] = 1
        steps = repeated(graph, {"w": w}, {1: "w"}, engine, (), {0: rows})
        left = iter(steps.rows)
        next(left)  # the first row is passed over: no step is made for it
        steps.run(left)
        assert left.__length_hint__() == 0
        np.testing.assert_array_equal(w, [4, 4])
        np.testing.assert_array_equal(rows[1:], [[2, 2], [4, 4], [6, 6]])


def test_a_value_that_is_replaced_is_kept_as_it_was() -> None:
    w, rows = np.ones(2), np.zeros((STEPS, 2))
    graph = cr.trace(lambda w: (w, w + 1.0), w)
    steps = Repeated(graph, {"w": w}, {1: "w"}, (), {0: rows})
    steps.run(iter(steps.rows))
    np.testing.assert_array_equal(rows[:, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(w, [5, 5])


def test_an_unknown_engine_is_named() -> None:
    graph = cr.trace(lambda w: w + 1.0, np.ones(2))
    with pytest.raises(OptionError, match=r"engine 'nunpy' is not known\. Did you mean 'numpy'\?"):
        repeated(graph, {"w": np.ones(2)}, {0: "w"}, "nunpy", (), {})


@pytest.mark.parametrize("engine", ["numpy", "reference", "xla"])
def test_a_number_is_fed_to_each_step(engine: str) -> None:
    w, rate, rows = np.zeros(2), np.zeros(()), np.zeros((5, 2))
    graph = cr.trace(lambda w, rate: (w * 1.0, w + rate * 2.0), w, rate)
    bound = {"w": w, "rate": rate}
    steps = repeated(graph, bound, {1: "w"}, engine, (), {0: rows}, fed="rate")
    steps.run(iter(steps.rows[:4]), [0.5, 0.5, 3.0, 0.5])
    np.testing.assert_array_equal(rows[:, 0], [0, 1, 2, 8, 0])
    np.testing.assert_array_equal(w, [9, 9])


@pytest.mark.parametrize("engine", ["numpy", "reference", "xla"])
def test_a_batch_is_gathered_for_each_step(engine: str) -> None:
    data, batch, rows = np.arange(12.0).reshape(6, 2), np.zeros((3, 2)), np.zeros((4, 2))
    w = np.zeros(2)
    graph = cr.trace(lambda w, x: (cr.sum(x, 0), w + cr.sum(x, 0)), w, batch)
    bound = {"w": w, "x": batch}
    steps = repeated(graph, bound, {1: "w"}, engine, (), {0: rows}, {"x": data})
    batches = [np.array([0, 1, 2]), np.array([5, 5, 0])]
    steps.run(iter([(*row, i) for row, i in zip(steps.rows, batches, strict=False)]))
    np.testing.assert_array_equal(rows[:2], [data[i].sum(0) for i in batches])
    np.testing.assert_array_equal(w, rows[:2].sum(0))


def test_stretches_are_of_equal_values() -> None:
    assert list(stretches([1, 1, 1, 2, 1, 1])) == [(1, 3), (2, 1), (1, 2)]
    assert list(stretches([])) == []
