"""The order of calls: none before what it reads, and products where they are gone on with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from random_graphs import Case, cases

import chainrule as cr
from chainrule.engine import Repeated, loop, plan
from chainrule.engine.calls import Call
from chainrule.engine.lower import lower
from chainrule.engine.order import numbers_first, products_late

quietly = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=200)


def calls_of(function: Any, *arrays: Any) -> list[Call]:
    return list(lower(cr.trace(function, *arrays), {}).calls)


def names(calls: list[Call]) -> list[str]:
    return [
        "product" if call.kind == "product" else getattr(call.function, "__name__", call.kind)
        for call in calls
    ]


@quietly
@given(cases())
def test_nothing_is_lost_or_stands_before_what_it_reads(case: Case) -> None:
    calls = list(lower(case.graph, {}).calls)
    for ordered in (numbers_first(calls), products_late(calls)):
        assert sorted(map(id, ordered)) == sorted(map(id, calls))
        made = {call.writes for call in calls}
        for call in ordered:
            assert not any(x.root in made for x in call.reads)
            made.discard(call.writes)


def test_a_product_waits_for_the_passes_that_go_on_with_it() -> None:
    def backward(g: Any, w: Any, h: Any) -> Any:
        d, gradient = g @ w.T, h.T @ g
        return d * (1.0 - h * h), gradient

    calls = calls_of(backward, np.ones((6, 2)), np.ones((5, 2)), np.ones((6, 5)))
    assert names(calls) == ["product", "product", "multiply", "subtract", "multiply"]
    ordered = products_late(calls)
    assert names(ordered) == names(calls)
    assert [call.writes.shape for call in ordered[:2]] == [(5, 2), (6, 5)]


@pytest.mark.parametrize(
    "step",
    [
        lambda g, w: (g @ w, g * 2.0),  # read by nobody
        lambda g, w: cr.exp(g @ w),  # at once
        lambda g, w: (g @ w) @ (g * 2.0),  # by a product
        lambda g, w: (cr.sum(g @ w), g * 2.0),  # by a sum
    ],
)
def test_other_products_stay_where_they_are(step: Any) -> None:
    calls = calls_of(step, np.ones((4, 4)), np.ones((4, 4)))
    assert products_late(calls) == calls


class Counted(list[Call]):
    """Calls that count how often one of them is looked up."""

    looked = 0

    def __getitem__(self, place: Any) -> Any:
        self.looked += 1
        return super().__getitem__(place)


@pytest.mark.parametrize(
    "go_on", [lambda h, p, u: h + p, lambda h, p, u: cr.tanh(p + h @ u)], ids=["sum", "recurrent"]
)
def test_a_long_graph_is_ordered_in_one_sweep(go_on: Any) -> None:
    """Products that are all made first, and read one by one by a chain of passes."""

    def function(x: Any, w: Any, u: Any) -> Any:
        h, *products = [x[i] @ w for i in range(300)]
        for p in products:
            h = go_on(h, p, u)
        return h

    calls = Counted(calls_of(function, np.ones((300, 4, 3)), np.ones((3, 3)), np.ones((3, 3))))
    products_late(calls)
    assert calls.looked <= 4 * len(calls)


def test_a_factor_that_is_read_twice_is_kept_once() -> None:
    def gram(g: Any) -> Any:
        h = g * 2.0
        p = h.T @ h
        return cr.sum(g * 3.0), p + 1.0

    calls = calls_of(gram, np.ones((4, 4)))
    at = [call.kind for call in products_late(calls)].index("product")
    assert at == len(calls) - 2


def test_a_thread_goes_on_with_the_rows_that_it_has_multiplied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cotangent, ReLU's mask and their product are one stretch; the passes alone are none."""

    def backward(g: Any, w: Any, h: Any) -> Any:
        d, gradient = g @ w.T, h.T @ g
        return d * (h > 0.0), gradient

    arrays = [np.ones(shape, np.float32) for shape in ((1024, 256), (256, 256), (1024, 256))]
    monkeypatch.setattr(loop, "cores", lambda: 2)
    monkeypatch.setattr(loop, "threads", lambda: 2)

    def stretches_and_passes() -> tuple[int, int]:
        graph = cr.trace(backward, *arrays)
        bound = dict(zip(graph.input_names(), arrays, strict=True))
        kept = {i: np.zeros((1, *x.shape), np.float32) for i, x in enumerate(graph.outputs)}
        source = Repeated(graph, bound, {}, (), kept).source
        lines = [line.strip() for line in source.splitlines()]
        waits = sum(line.startswith("wait") for line in lines)
        return waits, sum(line.startswith("multiply(") for line in lines)

    assert stretches_and_passes() == (2, 0)
    monkeypatch.setattr(plan, "products_late", list)
    assert stretches_and_passes() == (2, 1)
