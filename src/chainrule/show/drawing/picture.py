"""Picture: the boxes and arrows that stand for a graph, with what is written on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, Array
from chainrule.graph.tensor import Tensor
from chainrule.show.arrays import Room, array_lines, number_text, shape_text
from chainrule.show.drawing.collapse import Group, homes
from chainrule.show.numbers import Numbers

SIGNS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "−", "matmul": "@",
    "power": "^", "square": "x²", "abs": "|x|", "sqrt": "√", "equal": "=", "not_equal": "≠",
    "less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥",
}  # fmt: skip
"""Ops that have a sign; every other is drawn with its name."""

#: Ops whose inputs may change places, so that their arrows need not cross.
COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "equal", "not_equal"}
#: How much of an array is written beside an arrow.
ROOM = Room(rows=4, columns=4, digits=4, is_narrow=True)
#: How many lines of a collapsed box name parameters.
MOST_LINES = 8
#: How many characters a line has at most.
LONGEST = 40


@dataclass(frozen=True)
class Box:
    """A box: its kind (see ``kinds``), its lines, and what is shown of it under a pointer."""

    kind: str
    lines: tuple[str, ...]
    tip: str
    any_order: bool = False


@dataclass(frozen=True)
class Wire:
    """An arrow between two boxes: what goes along it, and what comes back.

    Wires of one ``bundle`` carry the same thing.
    """

    tail: int
    head: int
    bundle: int
    forth: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    tip: str = ""


@dataclass(frozen=True)
class Picture:
    """All boxes, and all wires between them; those into one box are in the order of its inputs."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    has_numbers: bool = False


def picture(
    graph: Graph,
    names: Mapping[Tensor, str],
    groups: Sequence[Group] = (),
    parameters: Collection[Tensor] = (),
    seen: Collection[Tensor] = (),
    numbers: Numbers | None = None,
) -> Picture:
    """What is drawn of ``graph``.

    Args:
        names: how nodes are called.
        groups: nodes that are one box.
        parameters: the inputs that are drawn as parameters.
        seen: the inputs that no group hides.
        numbers: the values and cotangents to be written; None for shapes alone.
    """
    return _Sketch(graph, names, groups, parameters, seen, numbers).finished()


class _Sketch:
    def __init__(
        self, graph: Graph, names: Mapping[Tensor, str], groups: Sequence[Group],
        parameters: Collection[Tensor], seen: Collection[Tensor], numbers: Numbers | None,
    ) -> None:  # fmt: skip
        self.graph, self.names, self.groups, self.numbers = graph, names, groups, numbers
        self.inputs, self.parameters = set(graph.inputs), set(parameters)
        self.outputs = set(graph.outputs)
        self.number = {node: i for i, node in enumerate(graph.nodes)}
        self.home = homes(graph, groups, seen)
        self.boxes: list[Box] = []
        self.box_of: dict[Tensor, int] = {}
        self.group_box: dict[int, int] = {}

    def finished(self) -> Picture:
        for node in self.graph.nodes:
            group = self.home.get(node)
            if group is None:
                self.box_of[node] = self._add(self._box(node))
            else:
                if group not in self.group_box:
                    self.group_box[group] = self._add(self._group_box(group))
                self.box_of[node] = self.group_box[group]
        wires = self._inner_wires()
        for node in self.graph.outputs:
            head = self._add(Box("output", _lines(self._output_name(node)), self._tip(node)))
            wires.append(self._wire(node, head, self._cotangent(node)))
        return Picture(tuple(self.boxes), tuple(wires), self.numbers is not None)

    def _add(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1

    # --- boxes ---------------------------------------------------------------------------------

    def _box(self, node: Tensor) -> Box:
        tip = self._tip(node)
        if node in self.inputs or node.op is None:
            kind = "parameter" if node in self.parameters else "input"
            return Box(kind, _lines(self.names.get(node, ""), shape_text(node.shape)), tip)
        if node.op is CONSTANT:
            shape = shape_text(node.shape) if node.size > 1 else ""
            text = number_text(node.value.ravel()[0], ROOM.digits) if node.size == 1 else "constant"
            return Box("constant", _lines(text, shape), tip)
        sign = node.op.name.replace("_", " ")
        if node.op.name == "index":
            sign = node.op.source("", *[self.names.get(x, "i") for x in node.inputs[1:]])
        axis = node.op.settings().get("axis")
        axes = "" if axis is None else ", ".join(map(str, np.atleast_1d(axis)))
        lines = _lines(
            SIGNS.get(node.op.name, sign),
            f"axis {axes}" if axes else "",
            "" if node in self.outputs else self.names.get(node, ""),
        )
        return Box("op", lines, tip, node.op.name in COMMUTATIVE)

    def _group_box(self, number: int) -> Box:
        group = self.groups[number]
        inside = [node for node in group.nodes if node.inputs]
        ops = list(dict.fromkeys(_sign(node) for node in inside))
        held = [f"{self.names.get(node, '')} {shape_text(node.shape)}".strip() for node in
                self.graph.inputs if self.home.get(node) == number]  # fmt: skip
        if len(held) > MOST_LINES:
            held = [*held[: MOST_LINES - 1], f"and {len(held) - MOST_LINES + 1} more"]
        what = ", ".join(ops) if len(ops) <= 4 else f"{len(inside)} operations"
        tip = f"{group.title}: {len(inside)} operations"
        return Box("group", _lines(group.title, what, *held), tip, any_order=True)

    def _output_name(self, node: Tensor) -> str:
        return self.names.get(node) or "output"

    def _tip(self, node: Tensor) -> str:
        what = "input" if node in self.inputs or node.op is None else repr(node.op)
        came = ", ".join(self.names.get(x) or _sign(x) for x in node.inputs)
        parts = [
            f"{self.names[node]} = {what}" if self.names.get(node) else what,
            f"of {came}" if came else "",
            f"{node.dtype}{list(node.shape)}",
            node.scope,
            str(node.place),
        ]
        return "; ".join(part for part in parts if part)

    # --- wires ---------------------------------------------------------------------------------

    def _inner_wires(self) -> list[Wire]:
        """One for each input of an op; into a collapsed box one for each node that it reads."""
        ends: dict[tuple[Tensor, int, int], list[tuple[Tensor, int]]] = {}
        for node in self.graph.nodes:
            head = self.box_of[node]
            together = node in self.home
            for place, x in enumerate(node.inputs if node not in self.inputs else ()):
                if self.box_of[x] != head:
                    ends.setdefault((x, head, -1 if together else place), []).append((node, place))
        return [self._wire(x, head, self._sent_back(users)) for (x, head, _), users in ends.items()]

    def _wire(self, x: Tensor, head: int, back: Array | None) -> Wire:
        forth = [self.names[x]] if x in self.home and x in self.names else []
        if self.numbers is None:
            forth += [shape_text(x.shape)] if x.inputs and x.shape else []
        elif x.op is not CONSTANT or x.size > 1:  # the box of a constant says its number
            forth += array_lines(self.numbers.values[x], ROOM)
        sent = [] if back is None else array_lines(back, ROOM)
        if back is not None and sent[0] == shape_text(back.shape):
            del sent[0]  # the value has the same shape, and says it
        return Wire(self.box_of[x], head, self.number[x], tuple(forth), tuple(sent), self._tip(x))

    def _sent_back(self, users: Sequence[tuple[Tensor, int]]) -> Array | None:
        if self.numbers is None:
            return None
        pulled = [self.numbers.pulled[user] for user in users if user in self.numbers.pulled]
        with np.errstate(all="ignore"):
            return np.asarray(sum(pulled[1:], pulled[0])) if pulled else None

    def _cotangent(self, node: Tensor) -> Array | None:
        return None if self.numbers is None else self.numbers.cotangents.get(node)


def _sign(node: Tensor) -> str:
    name = "input" if node.op is None else node.op.name
    return SIGNS.get(name, name.replace("_", " "))


def _lines(*lines: str) -> tuple[str, ...]:
    """The lines that say something; a very long one is cut (under a pointer it is whole)."""
    cut = (line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…" for line in lines)
    return tuple(line for line in cut if line)
