"""A graph that was transformed before: the same one is given again, and no other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph
from chainrule.graph.op import Op
from chainrule.graph.remembered import BYTES, GRAPHS, remembered
from chainrule.graph.tensor import placeholder


class Counting:
    """A transform that counts how often it really works."""

    def __init__(self) -> None:
        self.count = 0
        self.transform = remembered(self._simplified)

    def _simplified(self, graph: Graph, names: object = ()) -> Graph:
        self.count += 1
        return graph.simplify()


def line(
    slope: float = 2.0, offset: Any = 1.0, size: int = 3, name: str = "x", op: Any = np.add
) -> Graph:
    """slope x + offset, recorded anew, without notes."""
    x = placeholder((size,), np.float64, name)
    return Graph([x], [op(slope * x, offset)])


def test_an_equal_graph_gives_the_very_same_result() -> None:
    counting = Counting()
    first = counting.transform(line())
    assert counting.transform(line()) is first
    assert counting.count == 1
    np.testing.assert_array_equal(first.evaluate(np.arange(3.0)), [1.0, 3.0, 5.0])


OTHERS = {
    "a constant": line(slope=np.nextafter(2.0, 3.0)),
    "the sign of a zero": line(offset=-0.0),
    "a shape": line(size=4),
    "a name": line(name="z"),
    "an op": line(op=np.subtract),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_graph_that_differs_is_transformed_itself(other: str) -> None:
    counting = Counting()
    counting.transform(line())
    counting.transform(line(offset=0.0))
    made = counting.transform(OTHERS[other])
    assert counting.count == 3
    values = np.linspace(-1, 1, made.inputs[0].size)
    expected = OTHERS[other].evaluate(values)
    assert made.evaluate(values).tobytes() == expected.tobytes()


def test_other_names_are_another_result_and_their_order_is_not() -> None:
    counting = Counting()
    counting.transform(line(), ("x", "y"))
    counting.transform(line(), ("y", "x"))
    assert counting.count == 1
    counting.transform(line(), ("x",))
    assert counting.count == 2


def test_an_array_that_its_owner_has_written_into_since_is_not_believed() -> None:
    counting = Counting()
    mine, other = np.ones(3), np.ones(3)
    counting.transform(line(offset=mine))
    mine[:] = 7.0
    made = counting.transform(line(offset=other))
    np.testing.assert_array_equal(made.evaluate(np.zeros(3)), [1.0, 1.0, 1.0])


def test_large_constants_are_not_kept_alive() -> None:
    counting = Counting()
    size = BYTES // 8 + 1
    for _ in range(2):
        counting.transform(line(offset=np.ones(size), size=size))
    assert counting.count == 2


def test_settings_count_to_the_sign_of_a_zero() -> None:
    counting = Counting()
    for low in (0.0, -0.0):
        x = placeholder((1,), np.float64, "x")
        made = counting.transform(Graph([x], [cr.clip(x, low)]))
        assert np.signbit(made.evaluate(np.array([-1.0]))[0]) == np.signbit(low)


def test_ops_of_the_user_are_not_taken_for_others() -> None:
    """Their settings may compare as they like, or have no hash."""

    @dataclass(frozen=True)
    class Times(Op):
        table: Any = field(compare=False)

        def value(self, xp: Any, x: Any) -> Any:
            return x * self.table[0]

        def shape(self, *x: Any) -> Any:
            return x[0]

    counting = Counting()
    for factor in (2.0, 5.0):
        x = placeholder((1,), np.float64, "x")
        made = counting.transform(Graph([x], [apply(Times([factor]), x)]))
        np.testing.assert_array_equal(made.evaluate(np.array([3.0])), [3 * factor])


def test_a_graph_may_begin_with_an_inner_node() -> None:
    x = placeholder((3,), np.float64, "x")
    y = x * 2.0
    run = Graph([y], [cr.exp(y)]).compile("numpy")
    np.testing.assert_array_equal(run(np.zeros(3)), np.ones(3))


def test_a_view_counts_with_all_that_it_keeps_alive() -> None:
    counting = Counting()
    large = np.ones(BYTES)
    for _ in range(2):
        counting.transform(line(offset=large[:3]))
    assert counting.count == 2


def test_when_it_is_full_it_begins_anew() -> None:
    counting = Counting()
    for slope in range(GRAPHS):
        counting.transform(line(slope=slope + 0.5))
    counting.transform(line(slope=0.5))
    assert counting.count == GRAPHS
    counting.transform(line(slope=GRAPHS + 0.5))
    counting.transform(line(slope=0.5))
    assert counting.count == GRAPHS + 2


def test_graphs_for_readers_keep_their_own_notes() -> None:
    counting = Counting()
    graph = cr.trace(lambda x: cr.sum(x * x), np.ones(2)).value_and_gradients()
    assert graph.notes.passes
    counting.transform(graph)
    counting.transform(graph)
    assert counting.count == 2


def test_fits_of_equal_networks_share_plans_and_nothing_else() -> None:
    """Two networks trained in turns are as if each had been trained alone."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(40, 3)), rng.integers(3, size=40)

    def trained(seed: int) -> np.ndarray:
        net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(3, "softmax")).build(3, seed=seed)
        net.fit(X, y, epochs=3, batch_size=8, seed=seed)
        return net.predict(X)

    alone = [trained(0), trained(1)]
    assert not np.array_equal(alone[0], alone[1])
    for seed in (0, 1, 0):
        assert trained(seed).tobytes() == alone[seed].tobytes()
