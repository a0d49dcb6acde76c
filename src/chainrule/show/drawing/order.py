"""Order: which cell stands above which in each column, so that few links cross.

Sugiyama, Tagawa & Toda (1981), Methods for visual understanding of hierarchical system structures:
column by column, cells are sorted by the mean place of their neighbours; then neighbours in a
column change places wherever that removes a crossing (Gansner et al. 1993).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from chainrule.show.drawing.grid import Grid

SWEEPS = 24
#: After how many sweeps without any gain there will be none.
PATIENCE = 6
#: How much the place of a port counts beside the place of its cell: only ties depend on it.
PORT = 1e-4

#: For each cell its links to one side: the neighbour, and the port there.
Sides = list[list[tuple[int, float]]]


def ordered(grid: Grid) -> list[list[int]]:
    """The columns, each with its cells in an order that makes few links cross."""
    back, front = _sides(grid)
    best: list[list[int]] = []
    fewest = -1
    for start in (grid.columns, tuple(tuple(reversed(column)) for column in grid.columns)):
        columns = [list(column) for column in start]
        place = [0] * len(grid.cells)
        for column in columns:
            _number(column, place)
        in_vain = 0
        for sweep in range(SWEEPS):
            sides, way = (back, columns) if sweep % 2 == 0 else (front, columns[::-1])
            for column in way:
                _sort(column, place, sides)
            _exchange(columns, place, back, front)
            count = crossings(columns, grid)
            in_vain += 1
            if fewest < 0 or count < fewest:
                best, fewest, in_vain = [list(column) for column in columns], count, 0
            if fewest == 0 or in_vain == PATIENCE:
                break
    return best


def crossings(columns: Sequence[Sequence[int]], grid: Grid) -> int:
    """How many pairs of links cross."""
    place = [0] * len(grid.cells)
    column_of = [0] * len(grid.cells)
    for number, column in enumerate(columns):
        for i, cell in enumerate(column):
            place[cell], column_of[cell] = i, number
    between: list[list[tuple[float, float]]] = [[] for _ in columns]
    for link in grid.links:
        ends = float(place[link.left]), place[link.right] + PORT * link.port
        between[column_of[link.left]].append(ends)
    total = 0
    for ends_here in between:
        met: list[float] = []
        for _, end in sorted(ends_here):
            total += len(met) - bisect_right(met, end)
            insort(met, end)
    return total


def _sides(grid: Grid) -> tuple[Sides, Sides]:
    back: Sides = [[] for _ in grid.cells]
    front: Sides = [[] for _ in grid.cells]
    for link in grid.links:
        back[link.right].append((link.left, 0.0))
        front[link.left].append((link.right, link.port))
    return back, front


def _number(column: Sequence[int], place: list[int]) -> None:
    for i, cell in enumerate(column):
        place[cell] = i


def _sort(column: list[int], place: list[int], sides: Sides) -> None:
    """Sort by the mean place of the neighbours; cells without any stay where they are."""
    mean = {
        cell: sum(place[other] + PORT * port for other, port in sides[cell]) / len(sides[cell])
        for cell in column
        if sides[cell]
    }
    moving = iter(sorted(mean, key=lambda cell: mean[cell]))
    column[:] = [next(moving) if cell in mean else cell for cell in column]
    _number(column, place)


def _exchange(columns: list[list[int]], place: list[int], back: Sides, front: Sides) -> None:
    """Let neighbours change places while that removes crossings."""
    better = True
    while better:
        better = False
        for column in columns:
            ends = {
                cell: [[place[other] + PORT * port for other, port in sides[cell]]
                       for sides in (back, front)]
                for cell in column
            }  # fmt: skip
            for i in range(len(column) - 1):
                a, b = column[i], column[i + 1]
                if _gain(ends[a], ends[b]) > 0:
                    column[i], column[i + 1] = b, a
                    place[a], place[b] = i + 1, i
                    better = True


def _gain(above: list[list[float]], below: list[list[float]]) -> int:
    """How many crossings fewer there are once ``above`` and ``below`` change places."""
    gain = 0
    for here, there in zip(above, below, strict=True):
        for a in here:
            for b in there:
                gain += (a > b) - (a < b)
    return gain
