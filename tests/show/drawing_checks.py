"""What must be true of every drawing, whatever the graph."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from chainrule.show.drawing.arrangement import Arrangement
from chainrule.show.drawing.kinds import KINDS, corner
from chainrule.show.drawing.lettering import GRADIENT, VALUE

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Rectangle:
    """What something covers on the page, and what it is."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Rectangle) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def boxes(made: Arrangement) -> list[Rectangle]:
    found = []
    for i, (width, height) in enumerate(made.sizes):
        x, y = made.xy(made.layout.places[i])
        sides = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        found.append(Rectangle(f"box {i}", *sides))
    return found


def labels(made: Arrangement) -> list[Rectangle]:
    """The texts beside the arrows."""
    found = []
    for i, (wire, route) in enumerate(zip(made.picture.wires, made.layout.routes, strict=True)):
        if route.label is None:
            continue
        x, y = made.xy(route.label)
        for lines, style, side in ((wire.forth, VALUE, -1), (wire.back, GRADIENT, 1)):
            if not lines:
                continue
            width, high = max(map(style.width, lines)), len(lines) * style.height
            if made.is_down:
                left, top = (x + 5 if side > 0 else x - 5 - width), y - high / 2
            else:
                left, top = x - width / 2, (y + 3 if side > 0 else y - 3 - high)
            found.append(Rectangle(f"label of wire {i}", left, top, left + width, top + high))
    return found


def dots(made: Arrangement, wire: int) -> list[tuple[float, float]]:
    """Places along an arrow, close to one another."""
    begin, end = made.ends(wire)
    points = [begin, *made.layout.routes[wire].points[1:-1], end]
    found = []
    for k, (a, b) in enumerate(itertools.pairwise(points)):
        middle = (a.along + b.along) / 2
        for step in range(13):
            t = step / 12
            if k % 2 == 0:
                along = a.along + t * (b.along - a.along)
            else:
                along = _bezier(t, a.along, middle, middle, b.along)
            across = _bezier(t, a.across, a.across, b.across, b.across)
            found.append((across, along) if made.is_down else (along, across))
    return found


def _bezier(t: float, a: float, b: float, c: float, d: float) -> float:
    s = 1 - t
    return s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d


def check_layout(made: Arrangement) -> None:
    """No box or label meets another, and no arrow runs through either."""
    things = boxes(made) + labels(made)
    for a, b in itertools.combinations(things, 2):
        assert not a.meets(b), (a, b)
    for i, wire in enumerate(made.picture.wires):
        own = {f"box {wire.tail}", f"box {wire.head}"}
        for x, y in dots(made, i):
            assert -0.01 <= x <= made.width + 0.01
            assert -0.01 <= y <= made.height + 0.01
            dot = Rectangle(f"wire {i}", x, y, x, y)
            for thing in things:
                assert thing.name in own or not thing.meets(dot), (i, thing)
        check_ends(made, i)


def check_ends(made: Arrangement, i: int) -> None:
    """An arrow leaves the border of its tail, and meets the border of its head."""
    wire = made.picture.wires[i]
    for end, box in zip(made.ends(i), (wire.tail, wire.head), strict=True):
        x, y = made.xy(end)
        cx, cy = made.xy(made.layout.places[box])
        width, height = made.sizes[box]
        radius = corner(KINDS[made.picture.boxes[box].kind], width, height)
        # A rounded rectangle is all that is not farther than the radius from a smaller one.
        dx = max(abs(x - cx) - (width / 2 - radius), 0.0)
        dy = max(abs(y - cy) - (height / 2 - radius), 0.0)
        outside = (dx**2 + dy**2) ** 0.5 - radius if radius else max(
            abs(x - cx) - width / 2, abs(y - cy) - height / 2
        )  # fmt: skip
        # Square corners of little radius may be cut by half a pixel.
        assert abs(outside) < 0.01 or (0 < radius < 10 and abs(outside) < 3), (i, box, outside)


def check_svg(text: str, made: Arrangement) -> ElementTree.Element:
    """Valid XML with every box and every arrow, and every text inside its box."""
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert "<script" not in text
    ids = [element.get("id") for element in root.iter(f"{SVG}g") if element.get("id")]
    assert ids == [
        *[f"wire{i}" for i in range(len(made.picture.wires))],
        *[f"box{i}" for i in range(len(made.picture.boxes))],
    ]
    for i, box in enumerate(made.picture.boxes):
        (group,) = [g for g in root.iter(f"{SVG}g") if g.get("id") == f"box{i}"]
        assert group.get("class") == box.kind
        assert len(group.findall(f"{SVG}text")) == len(box.lines)
    return root
