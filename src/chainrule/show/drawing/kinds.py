"""Kinds: the shapes by which boxes are told apart, in colour and in black and white."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from chainrule.show.drawing.lettering import DETAIL, NAME, PARAMETER, SYMBOL, Style


@dataclass(frozen=True)
class Kind:
    """How boxes of a kind look: corners, line, ink; and what the legend calls them.

    ``corner`` is the radius in pixels; None rounds the short side off, so that a box as wide as
    high is a circle. ``is_double`` draws a second line inside the first.
    """

    legend: str
    first: Style
    fill: str
    corner: float | None = 0.0
    stroke: float = 1.2
    dashes: str = ""
    is_double: bool = False
    pad: float = 7.0
    least: float = 26.0


KINDS: Mapping[str, Kind] = {
    "input": Kind("input", NAME, "#ffffff"),
    "parameter": Kind("parameter", PARAMETER, "#e6eefa", is_double=True, pad=9.0),
    "constant": Kind("constant", NAME, "#ffffff", dashes="3 2", pad=6.0, least=22.0),
    "op": Kind("operation", SYMBOL, "#fdf3dc", corner=None, pad=8.0, least=34.0),
    "group": Kind("collapsed", PARAMETER, "#f0f0ee", corner=7.0, stroke=1.8, pad=10.0),
    "output": Kind("output", PARAMETER, "#ffffff", stroke=2.8),
}
"""Every kind of box by name, in the order of the legend."""


def measure(kind: Kind, lines: tuple[str, ...]) -> tuple[float, float]:
    """The width and the height of a box that holds these lines."""
    height = sum(style_of(kind, i).height for i in range(len(lines)))
    width = max(style_of(kind, i).width(line) for i, line in enumerate(lines))
    if kind.corner is not None:
        return max(width + 2 * kind.pad, kind.least), max(height + kind.pad, kind.least)
    high = max(height + (8.0 if len(lines) == 1 else 10.0), kind.least)
    # The round ends leave less room for the corners of the text than for its middle.
    bulge = high / 2 - sqrt((high / 2) ** 2 - (0.4 * height) ** 2)
    return max(high, width + 2 * bulge + 6.0), high


def style_of(kind: Kind, line: int) -> Style:
    """How a line of a box is set: the first by its kind, the others small."""
    return kind.first if line == 0 else DETAIL


def corner(kind: Kind, width: float, height: float) -> float:
    """The radius of the corners of such a box."""
    return min(width, height) / 2 if kind.corner is None else kind.corner


def reach(kind: Kind, along: float, across: float, offset: float) -> float:
    """How far the border is from the centre, along the reading direction, ``offset`` beside it.

    ``along`` and ``across`` are the sizes of the box in these directions.
    """
    radius = corner(kind, along, across)
    into = abs(offset) - (across / 2 - radius)
    if into <= 0:
        return along / 2
    return along / 2 - radius + sqrt(max(radius**2 - into**2, 0.0))
