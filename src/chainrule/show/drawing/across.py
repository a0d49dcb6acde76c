"""Across: where in its column each cell stands, so that arcs run straight.

The sum of all bends is made as small as it can be, bends of a spine and of long arcs counting more
(Gansner et al. 1993, section 4). The passages of an arc are one stiff piece, so that it is straight
from the first to the last, except where two such pieces cross.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from chainrule.show.drawing.grid import PASSAGE, Grid
from chainrule.show.drawing.ports import PER_PIXEL
from chainrule.show.drawing.simplex import Span, placed

#: What a unit of a bend costs, in a spine and in other arcs; between two passages of one arc.
SPINE, OTHER, INNER = 6, 2, 16


def across(
    cut: Grid, columns: Sequence[Sequence[int]], enter: Sequence[float],
    spine: Sequence[bool], gap: float,
) -> list[float]:  # fmt: skip
    """The place of each cell's axis; cells of a column are at least ``gap`` apart.

    Args:
        enter: how far beside the axis of its head each arc enters.
        spine: which arcs are to be straight before others.
    """
    piece = _stiff_pieces(cut, columns)
    number = {first: i for i, first in enumerate(dict.fromkeys(piece))}
    of = [number[first] for first in piece]
    spans = _apart(cut, columns, of, gap)
    count = len(number)
    arc_of = {last: i for i, last in enumerate(cut.last)}
    straight = {cell for i, chain in enumerate(cut.chains) if spine[i] for cell in chain}
    for k, link in enumerate(cut.links):
        if of[link.left] == of[link.right]:
            continue
        arc = arc_of.get(k)
        beside = 0 if arc is None else round(PER_PIXEL * enter[arc])
        is_spine = link.right in straight if arc is None else spine[arc]
        inner = min(link.left, link.right) >= cut.vertices
        weight = INNER if inner else SPINE if is_spine else OTHER
        # A bend is the sum of two distances from a point that lies before both ends.
        spans.append(Span(count, of[link.left], max(beside, 0), weight))
        spans.append(Span(count, of[link.right], max(-beside, 0), weight))
        count += 1
    found = placed(count, spans)
    return [found[i] / PER_PIXEL for i in of]


def _apart(
    cut: Grid, columns: Sequence[Sequence[int]], piece: Sequence[int], gap: float
) -> list[Span]:
    """Neighbours in a column do not touch."""
    room: dict[tuple[int, int], int] = {}
    for column in columns:
        for a, b in itertools.pairwise(column):
            # Arcs that only pass need less room than boxes and labels.
            free = gap / 2 if PASSAGE in (cut.cells[a], cut.cells[b]) else gap
            needed = cut.cells[a].after + free + cut.cells[b].before
            pair = piece[a], piece[b]
            room[pair] = max(room.get(pair, 0), -int(-needed * PER_PIXEL // 1))
    return [Span(a, b, least, weight=0) for (a, b), least in room.items()]


def _stiff_pieces(cut: Grid, columns: Sequence[Sequence[int]]) -> list[int]:
    """For each cell the first cell of its stiff piece: itself, but for the passages of an arc."""
    place = {cell: i for column in columns for i, cell in enumerate(column)}
    column_of = {cell: k for k, column in enumerate(columns) for cell in column}
    piece = list(range(len(cut.cells)))
    goes_on: dict[int, int] = {}
    for link in cut.links:
        if min(link.left, link.right) >= cut.vertices and (
            # What is shared goes straight on; what parts from it bends.
            link.left not in goes_on or cut.cells[link.right] is PASSAGE
        ):
            goes_on[link.left] = link.right
    stiff: list[list[tuple[int, int]]] = [[] for _ in columns]
    for column in columns:
        for left in column:
            right = goes_on.get(left)
            if right is None:
                continue
            ends = place[left], place[right]
            others = stiff[column_of[left]]
            if all((ends[0] - a) * (ends[1] - b) > 0 for a, b in others):
                others.append(ends)
                piece[right] = piece[left]
    return piece
