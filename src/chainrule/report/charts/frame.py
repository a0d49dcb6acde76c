"""The frame of a chart: two axes with ticks and labels, and what is drawn between them.

A chart is one ``svg`` element with an alternative text. It names no colour: classes do (``c1`` to
``c4`` for series, see style.css), so that one picture suits a light page, a dark one and paper. A
``title`` inside a mark is what a pointer over it is told.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600.0, 300.0
#: Room for the numbers and the label left of the chart, below it, above it, and right of it.
LEFT, BELOW, ABOVE, RIGHT = 68.0, 46.0, 12.0, 16.0
#: Most ticks on an axis of the usual length.
TICKS = 6


@dataclass(frozen=True)
class Axis:
    """One axis: its label, its ends, and perhaps ticks of its own as (value, text).

    ``is_whole``: there is nothing between whole numbers, such as epochs.
    """

    label: str
    low: float
    high: float
    is_log: bool = False
    ticks: Sequence[tuple[float, str]] | None = None
    is_whole: bool = False

    def share(self, value: float) -> float:
        """Where ``value`` stands: 0 at the low end, 1 at the high one."""
        low, high, at = self.low, self.high, value
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return (at - low) / (high - low)

    def marks(self, most: int = TICKS) -> list[tuple[float, str]]:
        """The ticks with their texts, from low to high."""
        if self.ticks is not None:
            return list(self.ticks)
        values = decades(self.low, self.high) if self.is_log else steps(self.low, self.high, most)
        if self.is_whole:
            values = [value for value in values if value == round(value)]
        return [(value, tick_text(value)) for value in values]


def around(
    values: Sequence[float], *, zero: bool = False, room: float = 0.05
) -> tuple[float, float]:
    """The ends of an axis for these values, with some room; with ``zero`` they hold 0."""
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high == 0:
        return (0.0, 1.0) if zero else (-1.0, 1.0)
    gap = (high - low) * room or abs(high) * room
    return (low if zero and low == 0 else low - gap), (high if zero and high == 0 else high + gap)


def steps(low: float, high: float, most: int = TICKS) -> list[float]:
    """Round numbers from ``low`` to ``high``, at most so many: multiples of 1, 2 or 5 tens."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten from ``low`` to ``high``, thinned out where there are many."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first < 1:  # less than two of them would say nothing of the scale
        return [low, math.sqrt(low * high), high]
    every = -(-(last - first + 1) // TICKS)
    return [10.0**k for k in range(first, last + 1, every)]


def tick_text(value: float) -> str:
    """A short number."""
    size = abs(value)
    text = f"{value:,.10g}" if 1e-3 <= size < 1e6 or not size else f"{value:.3g}"
    if len(text) > 8:
        text = f"{value:.3g}"
    return text.replace("-", "−").replace("e−0", "e-").replace("e+0", "e").replace("e−", "e-")


@dataclass(frozen=True)
class Frame:
    """The room between two axes, in the units of the picture."""

    x: Axis
    y: Axis
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    above: float = ABOVE

    def across(self, value: float) -> float:
        """The x of a value."""
        return self.left + self.x.share(value) * (self.width - self.left - RIGHT)

    def up(self, value: float) -> float:
        """The y of a value."""
        room = self.height - self.above - BELOW
        return self.above + (1 - self.y.share(value)) * room

    @property
    def bottom(self) -> float:
        """The y of the lower axis."""
        return self.height - BELOW

    @property
    def right(self) -> float:
        """The x of the right end."""
        return self.width - RIGHT

    def svg(self, marks: Sequence[str], alt: str) -> str:
        """The whole picture: grid, axes, ``marks``."""
        middle, high = (self.left + self.right) / 2, (self.above + self.bottom) / 2
        return "\n".join(
            [
                f'<svg class="chart" viewBox="0 0 {n(self.width)} {n(self.height)}" role="img" '
                f'aria-label="{html.escape(alt)}">',
                *self._grid(),
                *marks,
                f'<path class="axis" d="M{n(self.left)} {n(self.above)}V{n(self.bottom)}'
                f'H{n(self.right)}"/>',
                text(middle, self.height - 8, self.x.label, "label"),
                f'<g transform="rotate(-90 14 {n(high)})">'
                f"{text(14, high + 4, self.y.label, 'label')}</g>",
                "</svg>",
            ]
        )

    def _grid(self) -> list[str]:
        lines = []
        for value, name in self.x.marks():
            at = self.across(value)
            lines.append(f'<path class="grid" d="M{n(at)} {n(self.above)}V{n(self.bottom)}"/>')
            lines.append(text(at, self.bottom + 18, name, "tick"))
        for value, name in self.y.marks(max(2, round(TICKS * self.height / HEIGHT))):
            at = self.up(value)
            lines.append(f'<path class="grid" d="M{n(self.left)} {n(at)}H{n(self.right)}"/>')
            lines.append(text(self.left - 8, at + 4, name, "tick end"))
        return lines


def text(x: float, y: float, words: str, kind: str) -> str:
    """Words in a picture."""
    return f'<text class="{kind}" x="{n(x)}" y="{n(y)}">{html.escape(words)}</text>'


def told(words: str) -> str:
    """What a mark tells to a pointer."""
    return f"<title>{html.escape(words)}</title>"


def n(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")
