"""Grid: what is laid out, cut into columns so that every link leads to the next column.

A vertex is a box of the picture, an arc an arrow between two. An arc that passes columns gets a
cell in each of them, so that nothing else is put where it passes; one of these cells has the room
for the arc's label. Arcs that carry the same thing share their cells until they part.

Sizes are measured along the reading direction and across it; ``before`` and ``after`` are the
extents to both sides of the axis on which arcs come in and go out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.show.drawing.simplex import Span, placed


@dataclass(frozen=True)
class Size:
    """Room that something takes: along the reading direction, and to both sides of its axis."""

    along: float
    before: float
    after: float


@dataclass(frozen=True)
class Arc:
    """An arrow from vertex ``tail`` to ``head``.

    Arcs enter a head in the order in which they are given, except that those that are ``free``
    change places as suits the picture. Arcs of one ``bundle`` have one tail, and run together as
    far as they go the same way. ``label`` is the room that must be free around the arc at one
    place, where it runs alone; None for none.
    """

    tail: int
    head: int
    bundle: int
    free: bool = False
    label: Size | None = None


@dataclass(frozen=True)
class Link:
    """A part of an arc, between cells of neighbouring columns.

    ``port`` tells the links into one vertex apart: their order, or the same for all.
    """

    left: int
    right: int
    port: int = 0


@dataclass(frozen=True)
class Grid:
    """Cells (the vertices first), the links between them, and the cells of each column.

    ``chains`` has the cells that each arc passes, ``labelled`` which of them has the room for its
    label, ``last`` the link by which it enters its head.
    """

    cells: tuple[Size, ...]
    vertices: int
    links: tuple[Link, ...]
    columns: tuple[tuple[int, ...], ...]
    chains: tuple[tuple[int, ...], ...]
    labelled: tuple[int | None, ...]
    last: tuple[int, ...]


#: What an arc needs where it passes without a label.
PASSAGE = Size(0.0, 3.0, 3.0)


def grid(vertices: Sequence[Size], arcs: Sequence[Arc]) -> Grid:
    """Columns that make all arcs as short as possible; the order in a column is a first one."""
    spans = [Span(arc.tail, arc.head, 2 if arc.label else 1) for arc in arcs]
    rank = placed(len(vertices), spans)
    cells = list(vertices)
    column_of = list(rank)
    links: list[Link] = []
    chains, labelled, final = [], [], []
    entered = [0] * len(vertices)
    shared: dict[tuple[int, int], int] = {}
    for arc in arcs:
        stops = [arc.tail]
        for column in range(rank[arc.tail] + 1, rank[arc.head]):
            # The label stands before the head: what an arrow brings is read where it arrives.
            alone = arc.label is not None and column == rank[arc.head] - 1
            cell = len(cells) if alone else shared.setdefault((arc.bundle, column), len(cells))
            if cell == len(cells):
                cells.append(arc.label if alone and arc.label else PASSAGE)
                column_of.append(column)
                links.append(Link(stops[-1], cell))
            stops.append(cell)
        links.append(Link(stops[-1], arc.head, 0 if arc.free else entered[arc.head]))
        entered[arc.head] += 1
        final.append(len(links) - 1)
        chains.append(tuple(stops[1:]))
        labelled.append(stops[-1] if arc.label else None)
    columns: list[list[int]] = [[] for _ in range(max(column_of, default=-1) + 1)]
    for cell in _read_back(len(cells), links):
        columns[column_of[cell]].append(cell)
    return Grid(
        tuple(cells), len(vertices), tuple(links), tuple(map(tuple, columns)), tuple(chains),
        tuple(labelled), tuple(final),
    )  # fmt: skip


def _read_back(count: int, links: Sequence[Link]) -> list[int]:
    """The cells as one meets them going back from the ends, first inputs first."""
    before: list[list[int]] = [[] for _ in range(count)]
    ends = [True] * count
    for link in links:
        before[link.right].append(link.left)
        ends[link.left] = False
    seen = [False] * count
    found = []
    stack = [cell for cell in reversed(range(count)) if ends[cell]]
    while stack:
        cell = stack.pop()
        if seen[cell]:
            continue
        seen[cell] = True
        found.append(cell)
        stack.extend(reversed(before[cell]))
    return found
