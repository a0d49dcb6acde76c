"""Ports: how far beside a box's axis each arc enters it.

One arc is the spine and enters on the axis, so that the main line of a computation can run straight
through: the one that comes the longest way from an input. The others enter beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.show.drawing.grid import Arc, Grid

#: How far apart arcs enter a box, if it is large enough.
APART = 11.0
#: How finely places across are told apart.
PER_PIXEL = 2
#: How near the side of a box the outermost may enter.
BORDER = 5.0


def spines(count: int, arcs: Sequence[Arc]) -> list[bool]:
    """For each arc whether it is its head's spine; ``count`` vertices, arcs in any order."""
    depth = _depths(count, arcs)
    best: dict[int, int] = {}
    for i, arc in enumerate(arcs):
        if arc.head not in best or depth[arc.tail] > depth[arcs[best[arc.head]].tail]:
            best[arc.head] = i
    return [best[arc.head] == i for i, arc in enumerate(arcs)]


def _depths(count: int, arcs: Sequence[Arc]) -> list[int]:
    """How many arcs the longest way to each vertex has."""
    after: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for arc in arcs:
        after[arc.tail].append(arc.head)
        waits[arc.head] += 1
    depth = [0] * count
    ready = [v for v in range(count) if not waits[v]]
    for v in ready:
        for head in after[v]:
            depth[head] = max(depth[head], depth[v] + 1)
            waits[head] -= 1
            if not waits[head]:
                ready.append(head)
    return depth


def ports(
    cut: Grid, arcs: Sequence[Arc], spine: Sequence[bool], columns: Sequence[Sequence[int]]
) -> list[float]:
    """How far beside the axis of its head each arc enters, once the order in columns is known."""
    place = {cell: i for column in columns for i, cell in enumerate(column)}
    entering: dict[int, list[int]] = {}
    for i, arc in enumerate(arcs):
        entering.setdefault(arc.head, []).append(i)
    offset = [0.0] * len(arcs)
    for head, members in entering.items():
        free = [i for i in members if arcs[i].free]
        inwards = iter(sorted(free, key=lambda i: place[cut.links[cut.last[i]].left]))
        members = [next(inwards) if arcs[i].free else i for i in members]
        middle = next(k for k, i in enumerate(members) if spine[i])
        size = cut.cells[head]
        furthest = max(middle, len(members) - 1 - middle, 1)
        step = min(APART, (min(size.before, size.after) - BORDER) / furthest)
        for k, i in enumerate(members):
            offset[i] = round((k - middle) * step * PER_PIXEL) / PER_PIXEL
    return offset
