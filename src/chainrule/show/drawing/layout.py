"""Layout: where boxes stand and how arcs run, from their sizes alone.

Every arc runs level through a column and bends only between columns, each part of it in a place of
its own; so no arc meets a box or a label that is not its own, whatever the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.show.drawing.across import across
from chainrule.show.drawing.grid import Arc, Grid, Size, grid
from chainrule.show.drawing.order import ordered
from chainrule.show.drawing.ports import ports, spines

#: Free room between what stands in one column.
ACROSS_GAP = 14.0
#: The least room between columns, how it grows with what an arc must climb there, and up to where.
ALONG_GAP = 14.0
CLIMB = 0.12
MOST_GAP = 60.0
#: Up to this much an arc meets a box beside its port, rather than bend.
SMALL_BEND = 3.0


@dataclass(frozen=True)
class Point:
    """A place: along the reading direction, and across it."""

    along: float
    across: float


@dataclass(frozen=True)
class Route:
    """The way of an arc: level from each even point to the next, bending from there to the next.

    ``label`` is the middle of the place that is free for its label, on the arc itself.
    """

    points: tuple[Point, ...]
    label: Point | None


@dataclass(frozen=True)
class Layout:
    """Where each vertex has its centre, the way of each arc, and the size of the whole."""

    places: tuple[Point, ...]
    routes: tuple[Route, ...]
    length: float
    breadth: float


def laid_out(vertices: Sequence[Size], arcs: Sequence[Arc]) -> Layout:
    """A layered layout of a graph without circles; the same graph gives the same layout.

    Sugiyama's method: ranks, order, coordinates (see the modules of these names).
    """
    cut = grid(vertices, arcs)
    columns = ordered(cut)
    spine = spines(len(vertices), arcs)
    enter = ports(cut, arcs, spine, columns)
    y = across(cut, columns, enter, spine, ACROSS_GAP)
    top = min((y[i] - size.before for i, size in enumerate(cut.cells)), default=0.0)
    y = [value - top for value in y]
    edges = _column_edges(cut, columns, y, enter)
    column_of = {cell: k for k, column in enumerate(columns) for cell in column}

    def centre(cell: int) -> Point:
        left, right = edges[column_of[cell]]
        return Point((left + right) / 2, y[cell])

    routes = []
    for i, arc in enumerate(arcs):
        chain, labelled = cut.chains[i], cut.labelled[i]
        tail, head = centre(arc.tail), centre(arc.head)
        stops = [tail.across, *[y[cell] for cell in chain], head.across + enter[i]]
        begin, end = _levelled(stops)
        points = [
            Point(tail.along, begin),
            Point(edges[column_of[arc.tail]][1], begin),
        ]
        for cell in chain:
            points += [Point(x, y[cell]) for x in edges[column_of[cell]]]
        points += [Point(edges[column_of[arc.head]][0], end), Point(head.along, end)]
        routes.append(Route(tuple(points), None if labelled is None else centre(labelled)))
    return Layout(
        tuple(centre(cell) for cell in range(len(vertices))),
        tuple(routes),
        edges[-1][1] if edges else 0.0,
        max((y[i] + size.after for i, size in enumerate(cut.cells)), default=0.0),
    )


def _levelled(stops: Sequence[float]) -> tuple[float, float]:
    """Where an arc leaves and enters: a little beside its ports where that saves a small bend."""
    begin, end = stops[0], stops[-1]
    if len(stops) == 2:
        return begin, begin if abs(end - begin) <= SMALL_BEND else end
    if abs(stops[1] - begin) <= SMALL_BEND:
        begin = stops[1]
    if abs(stops[-2] - end) <= SMALL_BEND:
        end = stops[-2]
    return begin, end


def _column_edges(
    cut: Grid, columns: Sequence[Sequence[int]], y: Sequence[float], enter: Sequence[float]
) -> list[tuple[float, float]]:
    """Where each column begins and ends."""
    column_of = {cell: k for k, column in enumerate(columns) for cell in column}
    climbs = [0.0] * len(columns)
    beside = dict(zip(cut.last, enter, strict=True))
    for i, link in enumerate(cut.links):
        climb = abs(y[link.left] - y[link.right] - beside.get(i, 0.0))
        climbs[column_of[link.left]] = max(climbs[column_of[link.left]], climb)
    edges = []
    begin = 0.0
    for column, climb in zip(columns, climbs, strict=True):
        end = begin + max((cut.cells[cell].along for cell in column), default=0.0)
        edges.append((begin, end))
        begin = end + min(MOST_GAP, ALONG_GAP + CLIMB * climb)
    return edges
