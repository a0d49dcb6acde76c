"""SVG: an arranged picture as a file that needs no program and no script to be seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from html import escape

from chainrule.show.drawing.arrangement import ARROW, BESIDE, Arrangement
from chainrule.show.drawing.kinds import KINDS, Kind, corner, style_of
from chainrule.show.drawing.layout import Point
from chainrule.show.drawing.legend import ROW, LegendRow, legend, legend_width
from chainrule.show.drawing.lettering import GRADIENT, MONO, NOTE, SANS, TITLE, VALUE, Style
from chainrule.show.drawing.picture import Box, Wire

MARGIN = 16.0
#: Half of the width of an arrowhead.
BARB = 3.4

#: The straight and bent parts of wires that are drawn already.
Drawn = set[tuple[Point, Point]]


def svg(made: Arrangement, title: str = "", note: str = "") -> str:
    """The text of an SVG file: the picture under its title, over a legend and a note."""
    rows = legend(made.picture, made.is_down, max(made.width, 340.0))
    below = max([legend_width(row) for row in rows] + [NOTE.width(note), TITLE.width(title)])
    width = max(made.width, below) + 2 * MARGIN
    top = MARGIN + (TITLE.height + 8.0 if title else 0.0)
    foot = top + made.height + 18.0
    height = foot + ROW * (len(rows) + bool(note)) + MARGIN / 2
    size = f'width="{_n(width)}" height="{_n(height)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_n(width)} {_n(height)}" '
        f'role="img" font-family="{SANS}">',
        f"<title>{_text(title or 'Computation graph')}</title>",
        f'<rect {size} fill="#ffffff"/>',
    ]
    if title:
        parts.append(_line(title, TITLE, width / 2, MARGIN + TITLE.size, "middle"))
    parts.append(f'<g transform="translate({_n((width - made.width) / 2)} {_n(top)})">')
    drawn: Drawn = set()
    for i in range(len(made.picture.wires)):
        parts += _wire(i, made, drawn)
    for i, box in enumerate(made.picture.boxes):
        parts += _box(i, box, *made.xy(made.layout.places[i]), *made.sizes[i])
    parts.append("</g>")
    for i, row in enumerate(rows):
        parts += _legend_row(row, (width - legend_width(row)) / 2, foot + i * ROW)
    if note:
        parts.append(_line(note, NOTE, width / 2, foot + len(rows) * ROW + 12.0, "middle"))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


# Boxes


def _box(i: int, box: Box, x: float, y: float, width: float, height: float) -> Iterator[str]:
    kind = KINDS[box.kind]
    yield f'<g class="{box.kind}" id="box{i}"><title>{_text(box.tip)}</title>'
    yield from _outline(kind, x, y, width, height)
    styles = [style_of(kind, k) for k in range(len(box.lines))]
    top = y - sum(style.height for style in styles) / 2
    for style, line in zip(styles, box.lines, strict=True):
        yield _line(line, style, x, top + _base(style), "middle")
        top += style.height
    yield "</g>"


def _outline(kind: Kind, x: float, y: float, width: float, height: float) -> Iterator[str]:
    radius = corner(kind, width, height)
    dashes = f' stroke-dasharray="{kind.dashes}"' if kind.dashes else ""
    yield (
        f'<rect x="{_n(x - width / 2)}" y="{_n(y - height / 2)}" width="{_n(width)}" '
        f'height="{_n(height)}" rx="{_n(radius)}" fill="{kind.fill}" stroke="#000000" '
        f'stroke-width="{kind.stroke}"{dashes}/>'
    )
    if kind.is_double:
        yield (
            f'<rect x="{_n(x - width / 2 + 3)}" y="{_n(y - height / 2 + 3)}" '
            f'width="{_n(width - 6)}" height="{_n(height - 6)}" fill="none" stroke="#000000" '
            f'stroke-width="0.8"/>'
        )


# Wires


def _wire(i: int, made: Arrangement, drawn: Drawn) -> Iterator[str]:
    wire, route = made.picture.wires[i], made.layout.routes[i]
    begin, tip = made.ends(i)
    base = Point(tip.along - ARROW, tip.across)
    points = [begin, *route.points[1:-1], base]
    yield f'<g class="wire" id="wire{i}"><title>{_text(wire.tip)}</title>'
    path = _path(points, made, drawn)
    yield f'<path d="{path}" fill="none" stroke="#000000" stroke-width="1.1"/>'
    corners = [tip, Point(base.along, tip.across - BARB), Point(base.along, tip.across + BARB)]
    shape = " ".join(",".join(map(_n, made.xy(point))) for point in corners)
    yield f'<polygon points="{shape}" fill="#000000"/>'
    if route.label is not None:
        yield from _label(wire, *made.xy(route.label), made.is_down)
    yield "</g>"


def _path(points: Sequence[Point], made: Arrangement, drawn: Drawn) -> str:
    """Level through the columns, and between them a bend that begins and ends level.

    What another wire of the bundle has ``drawn`` is not drawn again.
    """

    def pair(point: Point) -> str:
        return " ".join(map(_n, made.xy(point)))

    parts = list(itertools.pairwise(points))
    alone = next(k for k, part in enumerate(parts) if part not in drawn)
    drawn.update(parts)
    said = [f"M{pair(points[alone])}"]
    for k, (a, b) in enumerate(parts[alone:], start=alone):
        if k % 2 == 0 or a.across == b.across:
            if said[-1].startswith("L"):
                said.pop()  # straight on: one line
            said.append(f"L{pair(b)}")
        else:
            middle = (a.along + b.along) / 2
            turns = [Point(middle, a.across), Point(middle, b.across), b]
            said.append("C" + " ".join(map(pair, turns)))
    return " ".join(said)


def _label(wire: Wire, x: float, y: float, is_down: bool) -> Iterator[str]:
    """What goes forth above the arrow and what comes back below it; or left and right of it."""
    for lines, style, side in ((wire.forth, VALUE, -1), (wire.back, GRADIENT, 1)):
        high = len(lines) * style.height
        if is_down:
            at, top = x + side * (BESIDE + 1.0), y - high / 2
        else:
            at, top = x, y + BESIDE - 1.0 if side > 0 else y - BESIDE + 1.0 - high
        anchor = "middle" if not is_down else "start" if side > 0 else "end"
        for k, line in enumerate(lines):
            yield _line(line, style, at, top + k * style.height + _base(style), anchor)


def _legend_row(row: LegendRow, x: float, top: float) -> Iterator[str]:
    yield '<g class="legend">'
    for entry in row:
        if entry.kind:
            yield from _outline(KINDS[entry.kind], x + 12.0, top + 8.0, 22.0, 14.0)
        yield _line(entry.text, NOTE, x + (28.0 if entry.kind else 0.0), top + 12.0, "start")
        x += entry.width
    yield "</g>"


# Letters and numbers


def _base(style: Style) -> float:
    """How far below the top of a line its letters stand."""
    return 0.8 * style.height


def _line(text: str, style: Style, x: float, y: float, anchor: str) -> str:
    marks = "".join(
        [
            f' font-family="{MONO}"' if style.mono else "",
            ' font-weight="bold"' if style.bold else "",
            ' font-style="italic"' if style.italic else "",
            "" if style.ink == "#000000" else f' fill="{style.ink}"',
        ]
    )
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{style.size:g}" text-anchor="{anchor}"{marks} '
        f'xml:space="preserve">{_text(text)}</text>'
    )


def _text(text: str) -> str:
    """A text inside XML; characters that XML cannot hold become question marks."""
    return escape("".join(c if _is_allowed(c) else "?" for c in text))


def _is_allowed(c: str) -> bool:
    return c in "\t\n" or " " <= c < "\ud800" or "\ue000" <= c <= "\ufffd" or c > "\uffff"


def _n(number: float) -> str:
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
