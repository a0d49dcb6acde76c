"""Level bars and intervals, each with its name at the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.report.charts.frame import ABOVE, BELOW, WIDTH, Axis, Frame, around, n, text, told
from chainrule.report.wording import number

ROW = 24.0
#: Longer names are cut; a pointer is told the whole.
LONGEST = 26
LETTER = 6.9


@dataclass(frozen=True)
class Bar:
    """A value by name, with what is written at its end, and perhaps an interval around it."""

    name: str
    value: float
    words: str = ""
    interval: tuple[float, float] | None = None
    colour: int = 1


def bars(drawn: Sequence[Bar], label: str, name_label: str, alt: str) -> str:
    """Bars from 0, with whiskers where there are intervals."""
    ends = [end for bar in drawn for end in (bar.value, *(bar.interval or ()))]
    low, high = around(ends, zero=True)
    high += (high - low) * 0.015 * max(len(bar.words) for bar in drawn)
    frame = _frame([bar.name for bar in drawn], Axis(label, low, high), name_label)
    marks = []
    for place, bar in enumerate(drawn):
        y = frame.up(-place)
        begin, end = sorted((frame.across(0), frame.across(bar.value)))
        marks.append(
            f'<g><rect class="bar c{bar.colour}" x="{n(begin)}" y="{n(y - 7)}" '
            f'width="{n(max(end - begin, 0.8))}" height="14"/>{_whisker(bar, frame, y)}'
            f"{told(f'{bar.name}: {bar.words or number(bar.value)}')}</g>"
        )
        far = max(frame.across(e) for e in (bar.value, 0.0, *(bar.interval or ())))
        marks.append(text(far + 6, y + 4, bar.words, "value"))
    return frame.svg(marks, alt)


def intervals(drawn: Sequence[Bar], label: str, name_label: str, alt: str) -> str:
    """Points with their intervals; the axis need not begin at 0."""
    ends = [end for bar in drawn for end in (bar.value, *(bar.interval or ()))]
    frame = _frame([bar.name for bar in drawn], Axis(label, *around(ends)), name_label)
    marks = []
    for place, bar in enumerate(drawn):
        y = frame.up(-place)
        marks.append(
            f"<g>{_whisker(bar, frame, y)}"
            f'<circle class="dot c{bar.colour}" cx="{n(frame.across(bar.value))}" cy="{n(y)}" '
            f'r="5"/>{told(f"{bar.name}: {bar.words}")}</g>'
        )
    return frame.svg(marks, alt)


def _frame(names: Sequence[str], x: Axis, name_label: str) -> Frame:
    """A row for each name, the first one on top."""
    shown = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    rows = Axis(
        name_label, 0.5 - len(names), 0.5, ticks=[(-k, name) for k, name in enumerate(shown)]
    )
    left = 38 + LETTER * max(map(len, shown))
    height = ABOVE + ROW * max(len(names), 2) + BELOW
    return Frame(x, rows, WIDTH, height, left=left)


def _whisker(bar: Bar, frame: Frame, y: float) -> str:
    if bar.interval is None:
        return ""
    begin, end = (frame.across(e) for e in bar.interval)
    return f'<path class="whisker" d="M{n(begin)} {n(y - 4)}v8m0 -4H{n(end)}m0 -4v8"/>'
