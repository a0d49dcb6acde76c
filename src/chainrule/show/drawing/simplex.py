"""Network simplex: places on a line, so that what belongs together lies close together.

Each span says that its head lies at least so far behind its tail; the sum of all distances, each
times its weight, is made as small as it can be. Ranks and coordinates are both such problems:
Gansner, Koutsofios, North & Vo (1993), A technique for drawing directed graphs, sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True)
class Span:
    """The head lies at least ``least`` behind the tail, and every unit costs ``weight``."""

    tail: int
    head: int
    least: int = 1
    weight: int = 1


def placed(count: int, spans: Sequence[Span]) -> list[int]:
    """A place for each of ``count`` points, with the least cost; each connected part begins at 0.

    The spans must have no circle.
    """
    places = _longest_paths(count, spans)
    for points in _parts(count, spans):
        _Tree(points, spans, places).improve()
        first = min(places[v] for v in points)
        for v in points:
            places[v] -= first
    return places


def _longest_paths(count: int, spans: Sequence[Span]) -> list[int]:
    """The least place of each point that the spans allow."""
    after: list[list[Span]] = [[] for _ in range(count)]
    waits = [0] * count
    for span in spans:
        after[span.tail].append(span)
        waits[span.head] += 1
    places = [0] * count
    ready = [v for v in range(count) if not waits[v]]
    for v in ready:
        for span in after[v]:
            places[span.head] = max(places[span.head], places[v] + span.least)
            waits[span.head] -= 1
            if not waits[span.head]:
                ready.append(span.head)
    assert len(ready) == count, "spans in a circle cannot be satisfied"
    return places


def _parts(count: int, spans: Sequence[Span]) -> Iterator[list[int]]:
    beside: list[list[int]] = [[] for _ in range(count)]
    for span in spans:
        beside[span.tail].append(span.head)
        beside[span.head].append(span.tail)
    seen = [False] * count
    for first in range(count):
        if seen[first]:
            continue
        seen[first] = True
        members = [first]
        for v in members:
            for other in beside[v]:
                if not seen[other]:
                    seen[other] = True
                    members.append(other)
        yield members


class _Tree:
    """A spanning tree of spans without slack, which holds the points in their places.

    Points are numbered in post-order (``number``; ``first`` is the least number below a point), so
    that what hangs below a point is a slice of ``order``. A span of the tree has a cut value: what
    the cost would grow by if it became longer by one.
    """

    def __init__(self, points: Sequence[int], spans: Sequence[Span], places: list[int]) -> None:
        self.points, self.spans, self.places = points, spans, places
        self.touching: dict[int, list[int]] = {v: [] for v in points}
        for i, span in enumerate(spans):
            if span.tail in self.touching:
                self.touching[span.tail].append(i)
                self.touching[span.head].append(i)
        self.tree: dict[int, list[int]] = {v: [] for v in points}
        self.held: dict[int, int] = {}
        self.above: dict[int, int] = {}
        self.number: dict[int, int] = {}
        self.first: dict[int, int] = {}
        self.order = [0] * len(points)
        self.cut: dict[int, int] = {}
        self._grow()
        self._renumber(points[0], 0)
        self._cut_values()

    def improve(self) -> None:
        """Exchange spans of the tree as long as one has a negative cut value."""
        # An exchange may gain nothing; in theory they could go round, so there is a last one.
        for _ in range(50 * len(self.points)):
            leaving = min(self.cut, key=self.cut.__getitem__, default=None)
            if leaving is None or self.cut[leaving] >= 0:
                return
            self._exchange(leaving)

    # --- the first tree ------------------------------------------------------------------------

    def _grow(self) -> None:
        """Connect all points by spans without slack, moving what is connected towards the next."""
        shift = 0  # of everything that is connected; subtracted from what is stored
        outward: list[tuple[int, int]] = []
        inward: list[tuple[int, int]] = []
        inside: set[int] = set()

        def connect(v: int) -> None:
            inside.add(v)
            self.places[v] -= shift
            for i in self.touching[v]:
                span = self.spans[i]
                if span.tail == v and span.head not in inside:
                    heappush(outward, (self._slack(i), i))
                elif span.head == v and span.tail not in inside:
                    heappush(inward, (self._slack(i), i))

        connect(self.points[0])
        while len(inside) < len(self.points):
            while outward and self.spans[outward[0][1]].head in inside:
                heappop(outward)
            while inward and self.spans[inward[0][1]].tail in inside:
                heappop(inward)
            ahead = not inward or (bool(outward) and outward[0][0] - shift <= inward[0][0] + shift)
            slack, i = heappop(outward if ahead else inward)
            shift = slack if ahead else -slack
            span = self.spans[i]
            self.tree[span.tail].append(i)
            self.tree[span.head].append(i)
            connect(span.head if ahead else span.tail)
        for v in self.points:
            self.places[v] += shift

    def _slack(self, i: int) -> int:
        span = self.spans[i]
        return self.places[span.head] - self.places[span.tail] - span.least

    def _renumber(self, root: int, start: int) -> None:
        """Number what hangs below ``root`` anew, from ``start``."""
        next_number = start
        stack = [(root, False)]
        while stack:
            v, done = stack.pop()
            if done:
                self.number[v] = next_number
                self.order[next_number] = v
                next_number += 1
                continue
            self.first[v] = next_number
            stack.append((v, True))
            for i in self.tree[v]:
                if i != self.held.get(v):
                    child = self._other(i, v)
                    self.held[child], self.above[child] = i, v
                    stack.append((child, False))

    def _other(self, i: int, v: int) -> int:
        span = self.spans[i]
        return span.head if span.tail == v else span.tail

    def _cut_values(self) -> None:
        pull = dict.fromkeys(self.points, 0)
        for v in self.points:
            for i in self.touching[v]:
                weight = self.spans[i].weight
                pull[v] += weight if self.spans[i].tail == v else -weight
        for v in self.order:
            if v in self.above:
                i = self.held[v]
                self.cut[i] = pull[v] if self.spans[i].tail == v else -pull[v]
                pull[self.above[v]] += pull[v]

    # --- an exchange ---------------------------------------------------------------------------

    def _exchange(self, leaving: int) -> None:
        span = self.spans[leaving]
        low = span.tail if self.number[span.tail] < self.number[span.head] else span.head
        begin, end = self.first[low], self.number[low]
        entering, slack = self._entering(begin, end, outward=low == span.head)
        shift = slack if low == span.head else -slack
        for v in self.order[begin : end + 1]:
            self.places[v] += shift
        value = self.cut[leaving]
        top = self._pass_on(entering, value)
        del self.cut[leaving]
        self.cut[entering] = -value
        for i, change in ((leaving, list.remove), (entering, list.append)):
            change(self.tree[self.spans[i].tail], i)
            change(self.tree[self.spans[i].head], i)
        self._renumber(top, self.first[top])

    def _entering(self, begin: int, end: int, *, outward: bool) -> tuple[int, int]:
        """The span with the least slack out of this part of the tree, or into it; and its slack."""
        best, least = -1, 0
        for v in self.order[begin : end + 1]:
            for i in self.touching[v]:
                span = self.spans[i]
                if (span.tail == v) != outward:
                    continue
                if begin <= self.number[span.head if outward else span.tail] <= end:
                    continue
                slack = self._slack(i)
                if best < 0 or slack < least:
                    best, least = i, slack
        return best, least

    def _pass_on(self, entering: int, value: int) -> int:
        """Correct the cut values on the way that ``entering`` closes; gives the top of that way."""
        span = self.spans[entering]
        target = self.number[span.head]
        top = span.tail
        while not self.first[top] <= target <= self.number[top]:
            top = self._climb(top, value)
        v = span.head
        while v != top:
            v = self._climb(v, -value)
        return top

    def _climb(self, v: int, value: int) -> int:
        i = self.held[v]
        self.cut[i] += value if self.spans[i].tail == v else -value
        return self.above[v]
