"""Compiled programs are shared by all graphs of one structure, and by nothing else."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import compile_seconds, compile_xla
from chainrule.engine.xla import compiled as module
from chainrule.engine.xla.compiled import compiled, structure
from chainrule.graph.graph import Graph

RNG = np.random.default_rng(8)
X = RNG.normal(size=(30, 3))
Y = X[:, :1] ** 2


@pytest.fixture(autouse=True)
def _nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_entries", OrderedDict())


def graph(factor: float = 2.0, size: int = 3, dtype: str = "float64") -> Graph:
    return cr.trace(lambda x: cr.tanh(x) * factor, np.ones(size, dtype))


def fit(units: int = 4, **options: Any) -> Any:
    net = cr.Sequential(cr.Dense(units, "tanh"), cr.Dense(1), dtype="float64")
    given = {"engine": "xla", "epochs": 2, "batch_size": 10, "seed": 3} | options
    return net.fit(X, Y, **given)


def test_graphs_recorded_alike_are_one_structure() -> None:
    assert structure(graph()) == structure(graph())
    assert hash(structure(graph())) == hash(structure(graph()))


@pytest.mark.parametrize("other", [graph(3.0), graph(size=4), graph(dtype="float32")])
def test_other_graphs_are_other_structures(other: Graph) -> None:
    assert structure(other) != structure(graph())


def test_large_constants_count_entry_by_entry() -> None:
    table = RNG.normal(size=1000)
    other = table.copy()
    other[700] += 1e-9
    first, second = (cr.trace(lambda x, a=a: x + a, np.ones(1000)) for a in (table, other))
    assert structure(first) != structure(second)
    x = RNG.normal(size=1000)
    np.testing.assert_array_equal(compile_xla(first)(x), x + table)
    np.testing.assert_array_equal(compile_xla(second)(x), x + other)


def test_an_op_that_cannot_be_hashed_is_like_no_other() -> None:
    ours = graph()
    node = ours.nodes[1]
    kind = type(node.op)
    node.op = type("Listed", (kind,), {"name": "", "__hash__": None})()  # type: ignore[assignment]
    assert structure(ours) == (ours,)


def test_a_second_fit_of_the_same_form_compiles_nothing() -> None:
    first = fit(validation=0.2)
    assert first.compile_seconds > 0
    again = fit(validation=0.2, seed=4)
    assert again.compile_seconds == 0
    assert again["loss"] != first["loss"]
    assert fit(validation=0.2)["loss"] == first["loss"]
    assert fit(units=5).compile_seconds > 0


def test_rates_need_no_new_program() -> None:
    fit(optimizer=cr.Adam(0.01))
    assert fit(optimizer=cr.Adam(0.2)).compile_seconds == 0
    assert fit(optimizer=cr.Adam(0.2), epochs=7).compile_seconds == 0


def test_compiling_is_shown_apart() -> None:
    history = fit()
    assert "s to compile" in repr(history)
    assert "compile" not in repr(fit())


def test_other_engines_compile_nothing() -> None:
    assert fit(engine="numpy").compile_seconds == 0


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    keys = [("double", i) for i in range(3)]
    argument = [np.ones(2)]
    first, *_ = [compiled(key, lambda x: x * 2, argument) for key in keys]
    assert len(module._entries) == 2
    assert compiled(keys[0], lambda x: x * 2, argument) is not first
    last = compiled(keys[2], lambda x: x * 2, argument)
    assert compiled(keys[2], lambda x: x * 2, argument) is last


def test_threads_that_ask_together_compile_once() -> None:
    began, runs = [], []
    gate = threading.Barrier(4)

    def traced(x: Any) -> Any:
        began.append(1)
        return x + 1

    def ask() -> None:
        gate.wait()
        runs.append(compiled("together", traced, [np.zeros(3)]))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(began) == 1
    assert len(set(map(id, runs))) == 1


def test_the_clock_of_a_thread_is_its_own() -> None:
    before = compile_seconds()
    thread = threading.Thread(target=lambda: compiled("aside", lambda x: x - 1, [np.zeros(2)]))
    thread.start()
    thread.join()
    assert compile_seconds() == before
    compiled("here", lambda x: x - 1, [np.zeros(2)])
    assert compile_seconds() > before
