"""Points in a plane, the diagonal of equality, and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.report.charts.frame import Axis, Frame, around, n, told
from chainrule.report.wording import amount, number

SIDE = 420.0
#: The width of charts that may stand side by side.
NARROW = 420.0


@dataclass(frozen=True)
class Point:
    """A point, what it tells, and perhaps an upright interval and a size."""

    x: float
    y: float
    words: str = ""
    interval: tuple[float, float] | None = None
    size: float = 3.0


def against(
    points: Sequence[Point], x_label: str, y_label: str, alt: str,
    ends: tuple[float, float] | None = None,
) -> str:  # fmt: skip
    """A square chart of y against x, both on one scale, with the line where they are equal."""
    low, high = ends or around([v for point in points for v in (point.x, point.y)])
    frame = Frame(Axis(x_label, low, high), Axis(y_label, low, high), SIDE + 20, SIDE)
    a, b = frame.across(low), frame.up(low)
    marks = [
        f'<path class="equal" d="M{n(a)} {n(b)}L{n(frame.across(high))} {n(frame.up(high))}"/>'
    ]
    return frame.svg([*marks, *(_point(point, frame) for point in points)], alt)


def scatter(points: Sequence[Point], x_label: str, y_label: str, alt: str) -> str:
    """Points around a level line at 0."""
    x = Axis(x_label, *around([point.x for point in points]))
    y = Axis(y_label, *around([point.y for point in points], room=0.08))
    frame = Frame(x, y, NARROW, 260.0)
    marks = []
    if y.low < 0 < y.high:
        at = n(frame.up(0))
        marks.append(f'<path class="equal" d="M{n(frame.left)} {at}H{n(frame.right)}"/>')
    return frame.svg([*marks, *(_point(point, frame) for point in points)], alt)


def histogram(values: NDArray[Any], x_label: str, thing: str, alt: str) -> str:
    """How many of the values fall into each of some equal stretches."""
    count = int(np.clip(np.sqrt(len(values)), 5, 30))
    heights, edges = np.histogram(values, bins=count)
    x = Axis(x_label, float(edges[0]), float(edges[-1]))
    frame = Frame(x, Axis(f"{thing}s", 0.0, float(heights.max()) * 1.05), NARROW, 260.0)
    marks = []
    for height, begin, end in zip(heights, edges[:-1], edges[1:], strict=True):
        a, b, top = frame.across(float(begin)), frame.across(float(end)), frame.up(float(height))
        marks.append(
            f'<g><rect class="bar c1" x="{n(a + 0.7)}" y="{n(top)}" width="{n(b - a - 1.4)}" '
            f'height="{n(frame.bottom - top)}"/>'
            f"{told(f'{number(begin)} to {number(end)}: {amount(int(height), thing)}')}</g>"
        )
    return frame.svg(marks, alt)


def _point(point: Point, frame: Frame) -> str:
    x = n(frame.across(point.x))
    bar = ""
    if point.interval is not None:
        low, high = (n(frame.up(end)) for end in point.interval)
        bar = f'<path class="whisker" d="M{x} {low}V{high}"/>'
    hint = told(point.words) if point.words else ""
    dot = f'<circle class="dot c1" cx="{x}" cy="{n(frame.up(point.y))}" r="{n(point.size)}"/>'
    return f"<g>{bar}{dot}{hint}</g>" if hint or bar else dot
