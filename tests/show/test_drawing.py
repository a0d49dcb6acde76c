"""Drawings: what is in them, what is collapsed, files, notebooks, and words for what is wrong."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from drawing_checks import SVG, check_layout, check_svg
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

import chainrule as cr
from chainrule.errors import OptionError, ShapeError
from chainrule.graph.graph import Graph
from chainrule.show.drawing.lettering import (
    DETAIL,
    GRADIENT,
    NAME,
    NOTE,
    PARAMETER,
    SYMBOL,
    TITLE,
    VALUE,
)


def shopping():
    return cr.trace(lambda apples, price, tax: apples * price * tax, 2.0, 100.0, 1.1)


def network():
    return cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid")).build(2)


def texts(drawing):
    root = ElementTree.fromstring(drawing.svg)
    return [element.text for element in root.iter(f"{SVG}text")]


def kinds(drawing):
    return [box.kind for box in drawing.arrangement.picture.boxes]


def heads(drawing):
    return [box.lines[0] for box in drawing.arrangement.picture.boxes]


def wire(drawing, tail, head):
    """What an arrow bears, by the first lines of the boxes at its ends."""
    made = drawing.arrangement.picture
    (found,) = [
        w
        for w in made.wires
        if made.boxes[w.tail].lines[0] == tail and made.boxes[w.head].lines[0] == head
    ]
    return found.forth, found.back


def test_the_shopping_graph_bears_its_numbers():
    drawing = shopping().draw(values=(2, 100, 1.1), title="Two apples")
    made = drawing.arrangement
    check_layout(made)
    check_svg(drawing.svg, made)
    assert kinds(drawing) == ["input", "input", "input", "op", "op", "output"]
    assert wire(drawing, "apples", "×") == (("2",), ("110",))
    assert wire(drawing, "price", "×") == (("100",), ("2.2",))
    assert wire(drawing, "tax", "×") == (("1.1",), ("200",))
    assert wire(drawing, "×", "×") == (("200",), ("1.1",))
    assert wire(drawing, "×", "y") == (("220",), ("1",))
    assert texts(drawing)[0] == "Two apples"
    assert "above an arrow: value; below, in italics: gradient" in texts(drawing)


def test_values_by_name_and_without_gradients():
    drawing = shopping().draw(values={"apples": 2, "price": 100, "tax": 1.1}, gradients=False)
    assert wire(drawing, "×", "y") == (("220",), ())
    assert "above an arrow: value" in texts(drawing)
    assert drawing.svg == shopping().draw(values=[2, 100, 1.1], gradients=False).svg


def test_without_values_arrows_bear_shapes():
    drawing = network().graph(4).draw()
    assert wire(drawing, "tanh", "@") == (("(4, 3)",), ())
    assert wire(drawing, "X", "@") == ((), ())  # its own box says it
    assert "(4, 2)" in texts(drawing)


def test_parameters_inputs_constants_and_ops_are_told_apart():
    drawing = cr.trace(lambda x, W1, b: x @ W1 + b + 2.0, *np.ones((3, 2, 2))).draw()
    found = dict(zip(heads(drawing), kinds(drawing), strict=True))
    assert found == {
        "x": "input", "W1": "parameter", "b": "parameter", "@": "op", "+": "op", "2": "constant",
        "y": "output",
    }  # fmt: skip
    groups = {
        kind: [
            rect.attrib
            for g in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g")
            if g.get("class") == kind
            for rect in g.findall(f"{SVG}rect")
        ]
        for kind in ("input", "parameter", "constant", "op", "output")
    }
    # In black and white: by a second line, dashes, round corners and the thickness of the line.
    assert len(groups["parameter"]) == 2 * 2
    assert len(groups["input"]) == 1
    assert "stroke-dasharray" in groups["constant"][0]
    assert float(groups["op"][0]["rx"]) > 10
    assert (
        float(groups["output"][0]["stroke-width"]) > 2 > float(groups["input"][0]["stroke-width"])
    )


def test_parameters_can_be_chosen():
    graph = cr.trace(lambda slope, x: slope * x, 1.0, 2.0)
    assert kinds(graph.draw())[:2] == ["input", "input"]
    assert kinds(graph.draw(parameters="slope"))[:2] == ["parameter", "input"]
    with pytest.raises(OptionError, match=r"input 'slop' is not known. Did you mean 'slope'"):
        graph.draw(parameters=["slop"])


def test_a_tensor_used_twice_shows_each_share_of_its_gradient():
    drawing = cr.trace(lambda x: x * np.exp(x), 1.0).draw(values=[0.0])
    assert wire(drawing, "x", "exp") == (("0",), ("0",))
    assert wire(drawing, "x", "×") == (("0",), ("1",))
    drawing = cr.trace(lambda x: x * x, 1.0).draw(values=[3.0])
    wires = drawing.arrangement.picture.wires
    assert [w.back for w in wires if w.head == 1] == [("3",), ("3",)]


def test_large_arrays_are_summed_up():
    graph = cr.trace(lambda x: cr.sum(x * 2.0), np.ones((3, 9)))
    drawing = graph.draw(values=[np.arange(27.0).reshape(3, 9)])
    assert wire(drawing, "x", "×") == (("(3, 9)", "0 to 26"), ("all 2",))


def test_layers_collapse_into_boxes():
    graph = network().graph(4)
    drawing = graph.draw(collapse=True)
    assert kinds(drawing) == ["input", "group", "group", "output"]
    boxes = drawing.arrangement.picture.boxes
    assert boxes[1].lines == ("Dense 1", "@, +, tanh", "W1 (2, 3)", "b1 (3,)")
    assert wire(drawing, "Dense 1", "Dense 2") == (("a1", "(4, 3)"), ())
    assert drawing.note == ""
    for names in (("dense1",), "Dense 1", ["1 Dense"]):
        assert heads(graph.draw(collapse=names)) == [
            "X", "Dense 1", "W2", "b2", "@", "+", "sigmoid", "y_hat",
        ]  # fmt: skip


def test_a_layer_of_a_backward_graph_is_two_boxes_and_no_circle():
    graph = network().graph(4, loss="mean_squared_error").backward()
    drawing = graph.draw(collapse=True)
    assert "Dense 1 (part 1 of 2)" in heads(drawing)
    assert "Dense 1 (part 2 of 2)" in heads(drawing)
    check_layout(drawing.arrangement)


def test_what_layers_there_are_is_said():
    with pytest.raises(OptionError, match=r"layer 'dense3' is not known.*Known: dense1, dense2"):
        network().graph(4).draw(collapse=["dense3"])
    with pytest.raises(OptionError, match="this graph has no layers to collapse"):
        shopping().draw(collapse=True)


def deep(count):
    def f(x):
        for _ in range(count):
            x = np.tanh(x)
        return x

    return cr.trace(f, 1.0)


def test_more_than_200_nodes_are_collapsed_and_it_is_said():
    assert deep(199).draw().note == ""
    drawing = deep(200).draw()
    assert drawing.note == (
        "201 nodes, collapsed into lines of code; collapse=False draws every node"
    )
    assert drawing.note in texts(drawing)
    assert heads(drawing)[0] == "x"
    assert kinds(drawing) == ["input", "group", "output"]
    assert len(kinds(deep(200).draw(collapse=False))) == 202


def test_layers_come_first_then_lines_then_pieces():
    wide = cr.Sequential(*[cr.Dense(2, "tanh") for _ in range(60)]).build(2).graph()
    assert "into layers" in wide.draw().note

    def turns(x):
        for _ in range(400):
            x = np.tanh(x)
            x = x * 2.0
        return x

    drawing = cr.trace(turns, 1.0).draw()
    assert "into pieces of equal size" in drawing.note
    assert len(kinds(drawing)) <= 60
    check_layout(drawing.arrangement)


def test_many_nodes_need_no_recursion():
    assert "5,001 nodes" in deep(5000).draw().note


def test_a_wide_picture_is_read_from_top_to_bottom():
    assert not deep(5).draw().arrangement.is_down
    drawing = deep(60).draw(values=[1.0])
    assert drawing.arrangement.is_down
    assert "left of an arrow: value; right, in italics: gradient" in texts(drawing)
    assert not deep(60).draw(direction="right").arrangement.is_down
    with pytest.raises(OptionError, match="direction 'up' is not known"):
        deep(1).draw(direction="up")


NASTY = ["<script>alert(1)</script>", 'a"b&c', "]]>", "漢字 ≤ \x00\x07", "\ud800", "&amp;"]


@pytest.mark.parametrize("name", NASTY)
def test_names_of_the_user_are_escaped(name):
    drawing = cr.trace(lambda x: x * 2.0, cr.tensor(1.0, name=name)).draw(title=name, values=[1.0])
    root = ElementTree.fromstring(drawing.svg.encode("utf-8"))
    seen = "".join(c if c.isprintable() else "?" for c in name)
    assert next(element.text for element in root.iter(f"{SVG}text")) == seen
    assert seen in texts(drawing)[1:]
    assert not list(root.iter(f"{SVG}script"))


def test_files(tmp_path):
    drawing = shopping().draw(tmp_path / "f.svg")
    assert (tmp_path / "f.svg").read_text(encoding="utf-8") == drawing.svg
    with pytest.raises(OptionError, match=r"must end with \.svg, and this is '.*f\.png'"):
        drawing.save(tmp_path / "f.png")
    with pytest.raises(OptionError, match="there is no folder"):
        drawing.save(tmp_path / "none" / "f.svg")


def test_notebooks_show_the_picture():
    drawing = shopping().draw()
    assert drawing._repr_svg_() == drawing.svg
    assert repr(drawing) == "<Drawing of 6 boxes and 5 arrows>"


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(OptionError, match=r"values has one array for each input .*given was float"):
        shopping().draw(values=2.0)
    with pytest.raises(OptionError, match="Missing: tax"):
        shopping().draw(values=[1, 2])
    with pytest.raises(ShapeError, match="traced with shape"):
        shopping().draw(values=[[1, 2], 1, 1])


def test_tensors_with_values_draw_them_unasked():
    x, w = cr.tensor(2.0, name="x"), cr.tensor(3.0, name="w")
    drawing = Graph([x, w], [x * w]).draw()
    assert wire(drawing, "x", "×") == (("2",), ("3",))


def test_odd_graphs():
    unused = cr.trace(lambda x, y: x * 2.0, 1.0, 1.0).draw()
    assert "y" in heads(unused)
    same = cr.trace(lambda x: x, 1.0).draw(values=[4.0])
    assert wire(same, "x", "x") == (("4",), ("1",))
    several = cr.trace(lambda x: {"a": x + 1.0, "b": x * 2.0}, np.ones(2)).draw(values=[np.ones(2)])
    assert kinds(several).count("output") == 2
    assert all(w.back == () for w in several.arrangement.picture.wires)
    whole = cr.trace(lambda k: k + 1, np.array(3)).draw(values=[3])
    assert wire(whole, "k", "+") == (("3",), ())
    for drawing in (unused, same, several, whole):
        check_layout(drawing.arrangement)
        check_svg(drawing.svg, drawing.arrangement)


def test_a_very_long_name_is_cut_and_whole_under_a_pointer():
    drawing = cr.trace(lambda x: x * 2.0, cr.tensor(1.0, name="n" * 90)).draw()
    assert heads(drawing)[0] == "n" * 39 + "…"
    assert "n" * 90 in drawing.arrangement.picture.boxes[0].tip


@pytest.mark.parametrize("style", [NAME, PARAMETER, SYMBOL, DETAIL, VALUE, GRADIENT, NOTE, TITLE])
def test_texts_are_not_wider_than_their_room(style):
    """In DejaVu, the widest font that a browser is likely to choose."""
    font = FontProperties(
        family="DejaVu Sans Mono" if style.mono else "DejaVu Sans",
        weight="bold" if style.bold else "normal",
        style="italic" if style.italic else "normal",
    )
    signs = [chr(i) for i in range(33, 127)] + list("×÷−√²≤≥≠αβγδθλμσωΩΣ∂ŷ…")
    for text in [*signs, "sigmoid cross entropy", "W1 (784, 100)", "min -0.5, max 12", "WAVE"]:
        path = TextPath((0, 0), f"|{text}|", size=style.size, prop=font)
        bars = TextPath((0, 0), "||", size=style.size, prop=font)
        width = path.get_extents().width - bars.get_extents().width
        assert width <= style.width(text) + 0.01, text
