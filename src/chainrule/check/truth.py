"""The true gradient: from the recorded graph once the calls confirm it, else from the calls alone.

Tolerances. Theirs may differ from the true gradient by rounding, and by nothing else. Where there
is a graph, rounding is measured: every node's result is jolted by a relative u, and the largest
change per u of a parameter's gradient, times ε of the type theirs was computed in, is one unit.
SLACK units are allowed, because a sum of n terms rounds about √n times and theirs may add up in
another order. In float32 that is some 1e-5 of the largest entry: a penalty of 1e-4·W or a wrong
factor lies far outside. Without a graph the unit is ε times the largest entry, and COARSE such are
allowed.
To this come the error of ours, and FLOOR of the largest entry, below which nobody means a mistake.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.check.calls import Calls
from chainrule.check.evidence import Array, Direction, Truth
from chainrule.check.independent import UNITS, Independent, Slope
from chainrule.check.recorded import evaluated, gradient_graph, record, units_of_rounding
from chainrule.check.subjects import coarsest
from chainrule.check.ties import ties
from chainrule.graph import Graph

SLACK = 64.0
COARSE = 2000.0
FLOOR = 1e-7
#: Without a graph, a number added inside a logarithm cannot be seen: see ``without_guards``.
FLOOR_UNSEEN = 1e-5
#: What a gradient may be off, relative to the largest one of all parameters, however small it is.
TINY = 1e-13
#: How far parameters are moved away from a kink, relative to their size.
ASIDE = 0.02
#: Seconds that the calls for all entries may take, before a sample is taken instead.
PATIENCE = 0.3
#: Entries of a sample: one mistake in 20 entries escapes 90 of them once in a hundred times.
SAMPLE = 90
FEWEST = 12
DIRECTIONS = 2
SHARE = 0.05


@dataclass
class Found:
    """The truth by parameter, the graph if there is one, and how all that was found.

    ``denied`` is a recording that gives the loss, but whose gradient differences do not confirm.
    """

    true: dict[str, Truth]
    graph: Graph | None
    why_no_graph: str
    how: str
    denied: Graph | None = None


class Seeker:
    """Finds the true gradient at one point."""

    def __init__(
        self, calls: Calls, point: Mapping[str, Array], loss: float, eps: float, seed: int
    ) -> None:
        self.calls, self.point, self.loss, self.eps = calls, dict(point), loss, eps
        self.rng = np.random.default_rng(seed)
        self.numeric = Independent(calls, point, loss)
        self.seconds = self._timed()

    def seek(self) -> Found:
        """The graph's gradient if it is confirmed, else that of the calls."""
        graph, why = record(self.calls, self.point, self.loss)
        if graph is not None:
            confirmed, told = self._confirmed(graph)
            if confirmed:
                return Found(self.from_graph(graph), graph, "", told)
            return self._from_calls(told, graph)
        return self._from_calls(why)

    # --- by the graph --------------------------------------------------------------------------

    def from_graph(self, graph: Graph) -> dict[str, Truth]:
        """The gradient that the graph gives, with the tolerance that its rounding asks for."""
        gradient = evaluated(gradient_graph(graph), self.point)
        eps = max(self.eps, _computed_in(graph))
        units = units_of_rounding(graph, self.point, self.rng)
        largest = max((_largest(g) for g in gradient.values()), default=0.0)
        true = {}
        for name, g in gradient.items():
            allowed = SLACK * eps * units[name] + FLOOR * _largest(g) + TINY * largest
            true[name] = Truth(g, np.full(g.shape, allowed), exact=True)
        return true

    def _confirmed(self, graph: Graph) -> tuple[bool, str]:
        """Whether differences of the loss agree with the graph's gradient, and how that is told."""
        numeric, point = self.numeric, self.point
        if ties(graph, point):  # differences say nothing at a kink, so look beside it
            point = aside(self.calls, point, self.rng) or point
            numeric = Independent(self.calls, point, self.calls.loss(point))
        gradient = evaluated(gradient_graph(graph), point)
        before = self.calls.count
        largest = max((_largest(g) for g in gradient.values()), default=0.0)
        entries = 0
        for name, g in gradient.items():
            if not np.isfinite(g).all():
                return False, f"the gradient of the recording is not finite in {name}"
            for direction, slope in self._tries(name, numeric):
                entries += np.count_nonzero(direction) == 1
                told = float(np.sum(g * direction))
                size = max(float(np.linalg.norm(g)), largest * 1e-6)
                # A kink on the way, of many small ones, makes a difference less sure than it says.
                if not slope.allows(told, 20 * slope.error + 1e-4 * size):
                    return False, (
                        f"the gradient of the recording ({told:.6g} along a direction of {name}) "
                        f"is not that of the calls ({slope.value:.6g})"
                    )
        return True, (
            "the loss was recorded as a graph; its gradient agrees with differences of the loss "
            f"along a random direction of each parameter and at {entries} entries "
            f"({self.calls.count - before} calls). All entries were compared."
        )

    def _tries(self, name: str, numeric: Independent) -> list[tuple[Array, Slope]]:
        """Directions with their derivatives: a dense one, and the units of some entries."""
        shape = self.point[name].shape
        dense = self.rng.normal(size=shape)
        slope = numeric.along(name, dense)
        tries = [] if slope is None else [(dense, slope)]
        for place in self.rng.permutation(self.point[name].size)[:2]:
            unit = numeric.unit(name, tuple(int(i) for i in np.unravel_index(place, shape)))
            found = numeric.along(name, unit)
            tries += [] if found is None else [(unit, found)]
        return tries

    # --- by calls alone ------------------------------------------------------------------------

    def _from_calls(self, why: str, denied: Graph | None = None) -> Found:
        is_complex = all(self._bears_complex(name) for name in self.point)
        size = sum(a.size for a in self.point.values())
        calls = 1 if is_complex else 2
        if size * calls * self.seconds > PATIENCE:  # it may be the machine that stood still
            self.seconds = min(self.seconds, self._timed())
        can = PATIENCE / (self.seconds * calls)
        per_parameter = max(FEWEST, min(SAMPLE, int(can / max(len(self.point), 1))))
        true, sampled = {}, False
        for name, array in self.point.items():
            whole = size <= can or array.size <= per_parameter
            sampled |= not whole
            places = np.arange(array.size)
            if not whole:
                places = self.rng.choice(array.size, per_parameter, replace=False)
            true[name] = self._entries(name, np.sort(places), is_complex)
        return Found(true, None, why, _told(is_complex, sampled, per_parameter), denied)

    def _timed(self) -> float:
        """Seconds that a call of the loss takes."""
        began = time.perf_counter()
        self.calls.loss(self.point)
        return max(time.perf_counter() - began, 1e-7)

    def _bears_complex(self, name: str) -> bool:
        """Whether the complex step agrees with a difference, along a direction of ``name``."""
        direction = self.rng.normal(size=self.point[name].shape)
        given = self.numeric.complex_step(name, direction)
        slope = None if given is None else self.numeric.along(name, direction)
        if given is None or slope is None or slope.is_kink:
            return False
        return abs(given - slope.value) <= 20 * slope.error + 1e-6 * abs(given)

    def _entries(self, name: str, places: Array, is_complex: bool) -> Truth:
        shape = self.point[name].shape
        gradient = np.full(shape, np.nan)
        indices = [tuple(int(i) for i in np.unravel_index(p, shape)) for p in places]
        error, h = 0.0, 0.0
        if not is_complex:
            h, error = self._step(name, indices)
        for index in indices:
            unit = self.numeric.unit(name, index)
            value = self.numeric.complex_step(name, unit) if is_complex else None
            gradient[index] = (
                self.numeric.central(name, unit, h or 1e-5) if value is None else value
            )
        largest = _largest(gradient)
        allowed = COARSE * self.eps * largest + FLOOR_UNSEEN * largest + 4 * error
        # Where outputs meet their targets, what is left is the rounding of numbers around 1.
        allowed += UNITS * max(self.eps, self.calls.eps) * max(abs(self.loss), 1.0)
        directions = () if len(places) == gradient.size else self._directions(name, is_complex)
        return Truth(gradient, np.full(shape, allowed), is_complex, directions)

    def _step(self, name: str, indices: list[tuple[int, ...]]) -> tuple[float, float]:
        """A step that suits the entries of ``name``, and the error that it leaves."""
        tries = [indices[i] for i in self.rng.permutation(len(indices))[:2]]
        slopes = [(i, s) for i in tries if (s := self.numeric.entry(name, i)) is not None]
        smooth = [(i, s) for i, s in slopes if not s.is_kink] or slopes
        if not smooth:
            return 1e-5 * self.numeric.scale(name), 0.0
        h = float(np.median([s.h for _, s in smooth]))
        errors = [
            abs(self.numeric.central(name, self.numeric.unit(name, i), h) - s.value) + s.error
            for i, s in smooth
        ]
        return h, max(errors) + UNITS * self.calls.eps * abs(self.loss) / h

    def _directions(self, name: str, is_complex: bool) -> tuple[Direction, ...]:
        found: list[tuple[Array, Slope]] = []
        for _ in range(DIRECTIONS):
            along = self.rng.normal(size=self.point[name].shape)
            value = self.numeric.complex_step(name, along) if is_complex else None
            slope = Slope(value, 0.0, 0.0, value, value) if value is not None else None
            slope = slope or self.numeric.along(name, along)
            if slope is not None and not slope.is_kink:
                found.append((along, slope))
        # One of them may happen to be nearly level, so the steepest sets the measure.
        size = max((abs(slope.value) for _, slope in found), default=0.0)
        allowed = (COARSE * self.eps + 10 * FLOOR_UNSEEN) * size
        return tuple(
            Direction(along, slope.value, allowed + 10 * slope.error, slope.error)
            for along, slope in found
        )


def aside(
    calls: Calls, point: Mapping[str, Array], rng: np.random.Generator
) -> dict[str, Array] | None:
    """The parameters moved a little, in a random direction, to where the loss is finite."""
    for share in (ASIDE, ASIDE / 10):
        moved = {}
        for name, array in point.items():
            size = float(np.abs(array).max(initial=0)) or 1.0
            moved[name] = array + share * size * rng.uniform(-1, 1, array.shape)
        if np.isfinite(calls.loss(moved)):
            return moved
    return None


def _computed_in(graph: Graph) -> float:
    """The rounding error of the coarsest type in which the loss itself is computed."""
    depends = set(graph.inputs)
    for node in graph.nodes:
        if any(x in depends for x in node.inputs):
            depends.add(node)
    return coarsest([node.dtype for node in depends])


def _largest(array: Array) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _told(is_complex: bool, sampled: bool, count: int) -> str:
    way = (
        "by the complex step, which has no error but rounding, and which central differences "
        "confirm along a direction of each parameter"
        if is_complex
        else "by central differences, with the step at which their error is least"
    )
    if not sampled:
        return f"every entry {way}."
    sure = 1 - (1 - SHARE) ** count
    return (
        f"{way}; {count} random entries of each larger parameter, and the derivative along "
        f"{DIRECTIONS} random directions. A mistake in more than {SHARE:.0%} of a parameter's "
        f"entries is among them with probability {sure:.2f}; the directions feel every entry, so "
        "that even one wrong entry shows if it is no smaller than the gradient's typical entries."
    )
