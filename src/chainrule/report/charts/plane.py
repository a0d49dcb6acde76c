"""The plane of two inputs, shaded by what a network says of each place, with points in it."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.report.charts.frame import BELOW, RIGHT, Axis, Frame, n, told

SIDE = 400.0
ABOVE, LEFT = 34.0, 68.0
#: A mark of each class around (0, 0): circle, square, triangle, diamond.
MARKS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", "M-3.6 -3.6h7.2v7.2h-7.2z", "M0 -4.8L4.6 3.4H-4.6z",
    "M0 -5.2L5.2 0L0 5.2L-5.2 0z",
)  # fmt: skip


def plane(
    said: NDArray[np.float64], x: Axis, y: Axis, points: Sequence[tuple[float, float, int]],
    names: Sequence[str], alt: str,
) -> str:  # fmt: skip
    """A square chart; ``said`` is (rows, columns, K), probabilities from the lower left on.

    The stronger the shade of a class, the surer the network is of it. A point is (x, y, class).
    """
    frame = Frame(x, y, SIDE + LEFT + RIGHT, SIDE + ABOVE + BELOW, left=LEFT, above=ABOVE)
    high, wide = said.shape[:2]
    marks = []
    for row in range(high):
        top = frame.up(y.low + (y.high - y.low) * (row + 1) / high)
        kinds = [_shade(p) for p in said[row]]
        place = 0
        for (k, strength), run in itertools.groupby(kinds):
            count = len(list(run))
            left = frame.across(x.low + (x.high - x.low) * place / wide)
            marks.append(
                f'<rect class="region c{k + 1}" x="{n(left)}" y="{n(top)}" '
                f'width="{n(SIDE * count / wide)}" height="{n(SIDE / high)}" '
                f'style="--share:{strength:g}"/>'
            )
            place += count
    for a, b, k in points:
        marks.append(
            f'<g><path class="point c{k + 1}" transform="translate({n(frame.across(a))} '
            f'{n(frame.up(b))})" d="{MARKS[k]}"/>{told(f"{names[k]}: {a:.4g}, {b:.4g}")}</g>'
        )
    return frame.svg([*marks, *_legend(names)], alt)


def _shade(p: NDArray[np.float64]) -> tuple[int, float]:
    """The class, and how far its probability is from the least that wins, in tenths."""
    k, least = int(p.argmax()), 1 / len(p)
    return k, round(float((p[k] - least) / (1 - least)), 1)


def _legend(names: Sequence[str]) -> list[str]:
    marks, x = [], LEFT
    for k, name in enumerate(names):
        short = name if len(name) <= 12 else f"{name[:11]}…"
        marks.append(
            f'<path class="point c{k + 1}" transform="translate({n(x + 6)} 14)" d="{MARKS[k]}"/>'
            f'<text class="legend" x="{n(x + 16)}" y="18">{html.escape(short)}</text>'
        )
        x += 32 + 7.4 * len(short)
    return marks
