"""Drawing: a graph as a picture, from the nodes to the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError, unknown_name
from chainrule.graph.graph import Graph
from chainrule.graph.tensor import Tensor
from chainrule.show.drawing.arrangement import Arrangement, arranged
from chainrule.show.drawing.collapse import Collapse, collapsed
from chainrule.show.drawing.picture import picture
from chainrule.show.drawing.svg import svg
from chainrule.show.labels import labels
from chainrule.show.numbers import by_name, numbers

DIRECTIONS = ("right", "down")
#: Wider than this, in pixels, a picture is read from top to bottom, unless the caller chose.
WIDEST = 2400.0
#: What parameters are called, and what the statistics that a layer keeps.
_PARAMETER = re.compile(r"(w|b|weights?|bias(es)?|gamma|beta|theta)_?\w?\d*", re.IGNORECASE)
_STATISTIC = re.compile(r"(mean|var)\d+")
#: More inputs than these are drawn like parameters: inside of collapsed boxes.
MOST_SEEN = 20


class Drawing:
    """A graph as an SVG picture. A notebook shows it; ``save`` writes it to a file.

    ``svg`` is its text; ``note`` says how the graph was collapsed, and nothing where it was not
    or was asked for; ``arrangement`` is where everything stands.
    """

    def __init__(self, text: str, note: str, arrangement: Arrangement) -> None:
        self.svg = text
        self.note = note
        self.arrangement = arrangement

    def save(self, path: str | Path) -> None:
        """Write the picture to a file whose name ends with .svg.

        Raises:
            OptionError: the name ends otherwise, or its folder does not exist.
        """
        where = Path(path)
        if where.suffix.lower() != ".svg":
            raise OptionError(
                f"a drawing is written as SVG, so the file's name must end with .svg, and this is "
                f"{str(where)!r}. Browsers and Inkscape turn an SVG into a PDF or PNG."
            )
        if not where.absolute().parent.is_dir():
            raise OptionError(
                f"{where} cannot be written: there is no folder {where.absolute().parent}."
            )
        where.write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        made = self.arrangement.picture
        note = f": {self.note}" if self.note else ""
        return f"<Drawing of {len(made.boxes)} boxes and {len(made.wires)} arrows{note}>"


def draw(
    graph: Graph,
    path: str | Path | None = None,
    *,
    values: Mapping[str, Any] | Sequence[Any] | None = None,
    gradients: bool = True,
    collapse: Collapse = None,
    parameters: Iterable[str] | None = None,
    direction: str | None = None,
    title: str = "",
) -> Drawing:
    """Draw ``graph``; with a path, write it there too.

    Args:
        path: a file whose name ends with .svg.
        values: an array for each input, in a list or in a dict by name: then each arrow bears what
            goes along it, and, if the output is one number, the gradient that comes back.
        gradients: False for the values alone.
        collapse: True draws each layer of a network as one box; names such as ("dense1",) those
            layers; None (the default) whatever a graph of more than 200 nodes needs; False nothing.
        parameters: the inputs to be drawn as parameters. Default: a network's own, else those
            that are called W, b, gamma, beta or theta, perhaps with a letter and a number.
        direction: "right" or "down"; None is down where the picture would be wider than 2,400
            pixels.
        title: stands above the picture.

    Raises:
        OptionError: an unknown name of an input, layer or direction; a path that is of no use.
        ShapeError, DtypeError: a value does not fit its input.
    """
    if direction not in (None, *DIRECTIONS):
        raise unknown_name("direction", direction, DIRECTIONS)
    held = _parameters(graph, parameters)
    data = [
        node for node in graph.inputs
        if node not in held and not _STATISTIC.fullmatch(node.name or "")
    ]  # fmt: skip
    seen = data if len(data) <= MOST_SEEN else data[:1]
    chosen = collapsed(graph, collapse, seen)
    given = None
    if values is not None or (graph.inputs and all(x.has_value for x in graph.inputs)):
        given = numbers(graph, _arrays(graph, values or ()), backward=gradients)
    made = picture(graph, labels(graph), chosen.groups, held, seen, given)
    placed = arranged(made, is_down=direction == "down")
    if direction is None and placed.width > WIDEST:
        placed = arranged(made, is_down=True)
    drawing = Drawing(svg(placed, title, chosen.note), chosen.note, placed)
    if path is not None:
        drawing.save(path)
    return drawing


def _arrays(graph: Graph, values: Any) -> list[Any]:
    if isinstance(values, Mapping):
        return by_name(graph, (), values)
    if not isinstance(values, list | tuple):
        raise OptionError(
            f"values has one array for each input ({', '.join(graph.input_names())}), in a list or "
            f"in a dict by name; given was {type(values).__name__}."
        )
    return by_name(graph, values, {})


def _parameters(graph: Graph, names: Iterable[str] | None) -> set[Tensor]:
    """The inputs that are parameters: as named, else a network's, else by what they are called."""
    if names is None and graph.notes.parameters:
        return {node for node in graph.inputs if node in set(graph.notes.parameters)}
    if names is None:
        called = zip(graph.input_names(), graph.inputs, strict=True)
        return {node for name, node in called if _PARAMETER.fullmatch(name)}
    if isinstance(names, str):
        names = [names]
    return {graph.input(name) for name in names}
