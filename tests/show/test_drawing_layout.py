"""Layout: nothing overlaps, arrows end at their boxes, the same graph gives the same picture."""

from __future__ import annotations

import numpy as np
import pytest
from drawing_checks import boxes, check_layout, check_svg, dots
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.show.drawing.arrangement import arranged
from chainrule.show.drawing.grid import Arc, Size, grid
from chainrule.show.drawing.order import crossings, ordered
from chainrule.show.drawing.picture import Box, Picture, Wire
from chainrule.show.drawing.svg import svg

KINDS = ("input", "parameter", "constant", "op", "group")


@st.composite
def pictures(draw):
    """Boxes of all kinds, and wires with labels of all sizes, without a circle."""
    count = draw(st.integers(1, 14))
    texts = st.sampled_from(["+", "W1", "sigmoid cross entropy", "a", "Ω ≤ 漢字"])
    made = [
        Box(draw(st.sampled_from(KINDS)), tuple(draw(st.lists(texts, min_size=1, max_size=3))), "",
            draw(st.booleans()))
        for _ in range(count)
    ]  # fmt: skip
    lines = st.lists(st.sampled_from(["1", "[0.25  -1.5]", "(60000, 784)"]), max_size=3)
    wires = []
    for head in range(1, count):
        for tail in draw(st.lists(st.integers(0, head - 1), max_size=4)):
            wires.append(Wire(tail, head, tail, tuple(draw(lines)), tuple(draw(lines))))
    return Picture(tuple(made), tuple(wires), has_numbers=True)


@given(pictures(), st.booleans())
@settings(deadline=None, max_examples=40)
def test_nothing_overlaps_in_any_picture(picture, is_down):
    made = arranged(picture, is_down=is_down)
    check_layout(made)
    check_svg(svg(made, "T", "N"), made)
    assert svg(arranged(picture, is_down=is_down)) == svg(made)


def test_the_check_sees_planted_mistakes():
    picture = Picture(
        tuple(Box("op", ("+",), "") for _ in range(3)), (Wire(0, 1, 0, ("1",)), Wire(1, 2, 1))
    )
    made = arranged(picture)
    places = list(made.layout.places)
    places[2] = places[1]
    moved = type(made.layout)(tuple(places), made.layout.routes, 1e3, 1e3)
    with pytest.raises(AssertionError, match="box 1"):
        check_layout(type(made)(picture, made.sizes, moved, False))
    swapped = Picture(picture.boxes, (Wire(0, 1, 0, ("1",)), Wire(0, 2, 0)))
    with pytest.raises(AssertionError):
        check_layout(type(made)(swapped, made.sizes, made.layout, False))


def chain(count):
    def f(x):
        for _ in range(count):
            x = np.tanh(x)
        return x

    return cr.trace(f, 1.0)


def test_a_chain_is_a_straight_line():
    made = chain(5).draw().arrangement
    assert len({place.across for place in made.layout.places}) == 1
    assert all(
        len({round(y, 6) for _, y in dots(made, i)}) == 1 for i in range(len(made.picture.wires))
    )


def test_the_main_line_of_a_network_is_straight():
    net = cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid")).build(2)
    made = net.graph(4).draw().arrangement
    level = [
        made.layout.places[i].across
        for i, box in enumerate(made.picture.boxes)
        if box.kind in ("op", "output") or box.lines[0] == "X"
    ]
    assert len(level) == 8
    assert len(set(level)) == 1


def test_inputs_stand_beside_what_uses_them():
    """And not all in the first column: W2 is needed late."""
    net = cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid")).build(2)
    made = net.graph(4).draw().arrangement
    along = {box.lines[0]: made.layout.places[i].along for i, box in enumerate(made.picture.boxes)}
    assert along["W2"] > along["tanh"] - 30 > along["W1"]


def test_crossings_that_need_not_be_are_gone():
    # Two columns of four, connected in reverse.
    sizes = [Size(10, 5, 5)] * 8
    arcs = [Arc(i, 7 - i, i) for i in range(4)]
    cut = grid(sizes, arcs)
    turned = [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert crossings(turned, cut) == 6
    assert crossings(ordered(cut), cut) == 0


@pytest.mark.parametrize("direction", ["right", "down"])
@pytest.mark.parametrize("depth", [150])
def test_a_graph_of_150_nodes_with_reuse(direction, depth):
    rng = np.random.default_rng(0)

    def f(x, w):
        found = [x, w]
        for _ in range(depth):
            a, b = (found[-1 - int(k)] for k in rng.integers(0, min(6, len(found)), 2))
            found.append(a * b if rng.random() < 0.5 else np.exp(a) - b)
        return cr.sum(found[-1])

    graph = cr.trace(f, 1.0, 1.0)
    drawing = graph.draw(direction=direction)
    made = drawing.arrangement
    assert len(made.picture.boxes) == len(graph.nodes) + 1
    assert drawing.note == ""
    check_layout(made)


def test_arrows_that_carry_the_same_share_their_way():
    def f(x):
        y = np.exp(x)
        z = np.tanh(np.tanh(np.tanh(y)))
        return (z * y) + (np.exp(z) * y)

    made = cr.trace(f, 1.0).draw().arrangement
    routes = made.layout.routes
    from_exp = [
        routes[i].points
        for i, wire in enumerate(made.picture.wires)
        if made.picture.boxes[wire.tail].lines[0] == "exp"
    ]
    long = [points for points in from_exp if len(points) > 6]
    assert len(long) == 2
    assert long[0][:6] == long[1][:6]


def test_the_first_operand_enters_above_the_second():
    def f(a, b):
        return cr.exp(b) - cr.exp(a)

    made = cr.trace(f, 1.0, 2.0).draw().arrangement
    (minus,) = [i for i, box in enumerate(made.picture.boxes) if box.lines[0] == "−"]
    enter = [
        made.ends(i)[1].across for i, wire in enumerate(made.picture.wires) if wire.head == minus
    ]
    assert enter == sorted(enter)
    assert len(set(enter)) == 2


def test_boxes_grow_with_their_text():
    def width(name):
        made = cr.trace(lambda x: x * 2.0, cr.tensor(1.0, name=name)).draw().arrangement
        return boxes(made)[0].right - boxes(made)[0].left

    assert width("a_name_that_is_very_long_indeed") > 200 > width("x")
