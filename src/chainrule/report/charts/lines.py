"""Lines over epochs."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.report.charts.frame import (
    BELOW,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Axis,
    Frame,
    around,
    n,
    told,
)
from chainrule.report.wording import number

#: A line of more points is thinned out, the least and the greatest of each stretch kept.
MOST_POINTS = 400
#: So many stretches of a chart answer to a pointer.
MOST_TOLD = 150
#: The height of a row of the legend, how wide a letter is at most, and the longest name.
LEGEND_ROW, LETTER, LONGEST = 20.0, 7.4, 40


@dataclass(frozen=True)
class Line:
    """A named line: points (x, y) in order of x; ``colour`` counts from 1."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int = 1
    is_dashed: bool = False


def lines(drawn: Sequence[Line], x_label: str, y_label: str, alt: str) -> str:
    """Lines over whole numbers; on a log scale where positive values span two decades."""
    finite = [p for line in drawn for p in line.points if math.isfinite(p[1])]
    if not finite:
        return ""
    values = [y for _, y in finite]
    is_log = min(values) > 0 and max(values) / min(values) > 100
    low, high = (min(values), max(values)) if is_log else around(values)
    xs = [x for x, _ in finite]
    ends = (min(xs), max(xs)) if min(xs) < max(xs) else (min(xs) - 1, max(xs) + 1)
    marks, above = _legend(drawn)
    y_name = f"{y_label} (log scale)" if is_log else y_label
    x, y = Axis(x_label, *ends, is_whole=True), Axis(y_name, low, high, is_log)
    frame = Frame(x, y, height=HEIGHT - LEGEND_ROW + above, above=above)
    marks += [_line(line, frame) for line in drawn]
    marks += _told(drawn, frame, x_label)
    return frame.svg(marks, alt)


def _line(line: Line, frame: Frame) -> str:
    """The path; where a value is not finite it breaks, and a value alone is a dot."""
    path, dots, run = [], [], []
    for x, y in [*_thinned(line.points), (math.nan, math.nan)]:
        if math.isfinite(y):
            run.append(f"{n(frame.across(x))} {n(frame.up(y))}")
            continue
        if len(run) > 1:
            path.append("M" + "L".join(run))
        elif run:
            a, b = run[0].split()
            dots.append(f'<circle class="dot c{line.colour}" cx="{a}" cy="{b}" r="3.5"/>')
        run = []
    dashed = " dashed" if line.is_dashed else ""
    return f'<path class="line c{line.colour}{dashed}" d="{"".join(path)}"/>' + "".join(dots)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    if len(points) <= MOST_POINTS:
        return points
    size = -(-2 * len(points) // MOST_POINTS)
    kept: list[tuple[float, float]] = [points[0]]
    for begin in range(0, len(points), size):
        part = sorted(points[begin : begin + size], key=lambda p: p[1])
        kept += sorted({part[0], part[-1]})
    return [*kept, points[-1]]


def _legend(drawn: Sequence[Line]) -> tuple[list[str], float]:
    """The names of the lines above the chart, in as many rows as they need; and their height."""
    marks, x, y = [], LEFT, 14.0
    for line in drawn:
        name = line.name if len(line.name) <= LONGEST else f"{line.name[: LONGEST - 1]}…"
        width = 50 + LETTER * len(name)
        if x + width > WIDTH and x > LEFT:
            x, y = LEFT, y + LEGEND_ROW
        dashed = " dashed" if line.is_dashed else ""
        marks.append(f'<path class="line c{line.colour}{dashed}" d="M{n(x)} {n(y)}h26"/>')
        marks.append(
            f'<text class="legend" x="{n(x + 32)}" y="{n(y + 4)}">{html.escape(name)}</text>'
        )
        x += width
    return marks, y + LEGEND_ROW


def _told(drawn: Sequence[Line], frame: Frame, x_label: str) -> list[str]:
    """Upright strips that tell all values at an x."""
    at: dict[float, list[str]] = {}
    for line in drawn:
        for x, y in line.points:
            at.setdefault(x, []).append(f"{line.name} {number(y)}")
    xs = sorted(at)
    xs = xs[:: -(-len(xs) // MOST_TOLD)]
    half = (frame.width - frame.left - RIGHT) / max(2 * (len(xs) - 1), 2)
    high = frame.height - frame.above - BELOW
    return [
        f'<g class="strip"><rect x="{n(frame.across(x) - half)}" y="{n(frame.above)}" '
        f'width="{n(2 * half)}" height="{n(high)}"/><path d="M{n(frame.across(x))} '
        f'{n(frame.above)}v{n(high)}"/>{told(f"{x_label} {x:g}: " + "; ".join(at[x]))}</g>'
        for x in xs
    ]
