"""A plane of cells, the darker the more: a map of pictures' parts."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from chainrule.report.charts.frame import BELOW, RIGHT, Axis, Frame, n, told
from chainrule.report.wording import number

CELL = 34.0


def cells(values: NDArray[Any], x_label: str, y_label: str, value_label: str, alt: str) -> str:
    """Values (height, width) of which those above 0 are shaded; row 1 is on top."""
    height, width = values.shape
    high = max(float(values.max()), 1e-12)
    x = Axis(x_label, 0.5, width + 0.5, ticks=[(k + 1, str(k + 1)) for k in range(width)])
    y = Axis(y_label, -height - 0.5, -0.5, ticks=[(-k - 1, str(k + 1)) for k in range(height)])
    left = 48.0
    frame = Frame(x, y, left + RIGHT + CELL * width, 12 + BELOW + CELL * height, left=left)
    marks = []
    for row in range(height):
        for column in range(width):
            value = float(values[row, column])
            words = f"{y_label} {row + 1}, {x_label} {column + 1}: {value_label} {number(value, 2)}"
            marks.append(
                f'<g><rect class="cell" x="{n(frame.across(column + 0.5))}" '
                f'y="{n(frame.up(-row - 0.5))}" width="{n(CELL)}" height="{n(CELL)}" '
                f'style="--share:{max(value, 0.0) / high:.2f}"/>{told(words)}</g>'
            )
    return frame.svg(marks, alt)
