"""Network simplex: the least cost, compared with trying all places."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.show.drawing.simplex import Span, placed


def cost(places, spans):
    return sum(span.weight * (places[span.head] - places[span.tail]) for span in spans)


def is_allowed(places, spans):
    return all(places[span.head] - places[span.tail] >= span.least for span in spans)


@st.composite
def problems(draw):
    """Spans from lower to higher numbers, so that there is no circle."""
    count = draw(st.integers(1, 5))
    pairs = [pair for pair in itertools.product(range(count), repeat=2) if pair[0] < pair[1]]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=7)) if pairs else []
    return count, [
        Span(tail, head, draw(st.integers(0, 2)), draw(st.integers(0, 3))) for tail, head in chosen
    ]


@given(problems())
@settings(deadline=None)
def test_nothing_is_cheaper(problem):
    count, spans = problem
    found = placed(count, spans)
    assert is_allowed(found, spans)
    assert min(found) == 0
    longest = sum(span.least for span in spans)
    every = itertools.product(range(longest + 1), repeat=count) if longest < 6 else ()
    assert all(
        cost(found, spans) <= cost(places, spans) for places in every if is_allowed(places, spans)
    )


def test_a_chain_that_hangs_on_a_late_point_moves_there_as_a_whole():
    # 0 → 1 → 2 → 3 → 4, and 5 → 6 → 4: without the exchange 5 and 6 would stay in front.
    spans = [Span(*pair) for pair in ((0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 4))]
    assert placed(7, spans) == [0, 1, 2, 3, 4, 2, 3]


def test_parts_without_connection_begin_each_at_the_start():
    assert placed(4, [Span(2, 1, least=3)]) == [0, 3, 0, 0]


def test_a_long_chain_needs_no_recursion():
    spans = [Span(i, i + 1) for i in range(3000)]
    assert placed(3001, spans) == list(range(3001))
