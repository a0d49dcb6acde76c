"""Arrangement: a picture with its places, from the sizes of what is written in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from chainrule.show.drawing.grid import Arc, Size
from chainrule.show.drawing.kinds import KINDS, measure, reach
from chainrule.show.drawing.layout import Layout, Point, laid_out
from chainrule.show.drawing.lettering import GRADIENT, VALUE
from chainrule.show.drawing.picture import Picture, Wire

#: The length of an arrowhead: this much of an arrow is straight before it meets a box.
ARROW = 8.0
#: Between an arrow and what is written beside it.
BESIDE = 4.0
#: The room that each arrow into a box needs at least.
PORT = 7.0


@dataclass(frozen=True)
class Arrangement:
    """A picture, the width and height of its boxes, and where all is.

    Places have a coordinate along the reading direction and one across it: ``is_down`` says whether
    the picture is read from top to bottom, instead of from left to right.
    """

    picture: Picture
    sizes: tuple[tuple[float, float], ...]
    layout: Layout
    is_down: bool

    @property
    def width(self) -> float:
        """From the left of the leftmost thing to the right of the rightmost."""
        return self.layout.breadth if self.is_down else self.layout.length

    @property
    def height(self) -> float:
        return self.layout.length if self.is_down else self.layout.breadth

    def xy(self, point: Point) -> tuple[float, float]:
        """A place of the layout, from the left and from the top."""
        pair = (point.along, point.across)
        return pair[::-1] if self.is_down else pair

    def ends(self, wire: int) -> tuple[Point, Point]:
        """Where a wire leaves its tail and where its tip meets its head: on their borders."""
        tail, head = self.picture.wires[wire].tail, self.picture.wires[wire].head
        begin, end = self.layout.places[tail], self.layout.places[head]
        points = self.layout.routes[wire].points
        leave, enter = points[0].across, points[-1].across
        out = self._reach(tail, leave - begin.across)
        into = self._reach(head, enter - end.across)
        return Point(begin.along + out, leave), Point(end.along - into, enter)

    def _reach(self, box: int, offset: float) -> float:
        along, across = _turned(self.sizes[box], self.is_down)
        return reach(KINDS[self.picture.boxes[box].kind], along, across, offset)


def arranged(picture: Picture, *, is_down: bool = False) -> Arrangement:
    """Give everything in ``picture`` its size and its place."""
    entering = Counter(wire.head for wire in picture.wires)
    sizes = tuple(
        _with_ports(measure(KINDS[box.kind], box.lines), entering[i], is_down)
        for i, box in enumerate(picture.boxes)
    )
    vertices = []
    for size in sizes:
        along, across = _turned(size, is_down)
        vertices.append(Size(along + 2 * ARROW, across / 2, across / 2))
    arcs = [
        Arc(
            wire.tail, wire.head, wire.bundle, picture.boxes[wire.head].any_order,
            _label_room(wire, is_down),
        )
        for wire in picture.wires
    ]  # fmt: skip
    return Arrangement(picture, sizes, laid_out(vertices, arcs), is_down)


def _turned(size: tuple[float, float], is_down: bool) -> tuple[float, float]:
    """A width and height as the sizes along the reading direction and across it."""
    return size[::-1] if is_down else size


def _with_ports(size: tuple[float, float], count: int, is_down: bool) -> tuple[float, float]:
    width, height = size
    room = count * PORT + 8.0
    return (max(width, room), height) if is_down else (width, max(height, room))


def _label_room(wire: Wire, is_down: bool) -> Size | None:
    if not wire.forth and not wire.back:
        return None
    forth = max((VALUE.width(line) for line in wire.forth), default=0.0)
    back = max((GRADIENT.width(line) for line in wire.back), default=0.0)
    high = (len(wire.forth) * VALUE.height, len(wire.back) * GRADIENT.height)
    if is_down:
        return Size(max(high) + 6.0, forth + 2 * BESIDE, back + 2 * BESIDE)
    return Size(max(forth, back) + 6.0, high[0] + BESIDE, high[1] + BESIDE)
