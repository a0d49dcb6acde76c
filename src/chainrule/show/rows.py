"""Rows: the number of samples, m, wherever a mean was taken over them.

A graph knows sizes, not meanings: 1/4 is 0.25. But a mean over the rows of the data divides by
their number, so its 1/4 is 1/m, and 1/12 over 4 rows of 3 is 1/(3m).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from chainrule.graph.apply import apply, constant
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, OPS
from chainrule.graph.origin import came_from, settings
from chainrule.graph.tensor import Tensor
from chainrule.show.names import Names

#: The number of rows has the first of these names that is free.
_LETTERS = ("m", "n", "N")
#: A number that is a fraction with no larger denominator is written as one, if it is no short one.
_LARGEST = 1000


class Rows:
    """The number of rows of a graph, if means are taken over them: ``count``, of ``input``."""

    def __init__(self, graph: Graph, names: Names) -> None:
        nodes = dict.fromkeys((*graph.notes.forward, *graph.nodes))
        means = [node for node in nodes if came_from(node, "mean") and _over_rows(node)]
        self.input = _data(graph, {node.inputs[0].shape[0] for node in means})
        self.count = 0 if self.input is None else self.input.shape[0]
        self.letter = next((one for one in _LETTERS if not names.is_taken(one)), "")
        known = {_entries(node) for node in means if node.inputs[0].shape[0] == self.count}
        self._known = sorted(known) if self.count and self.letter else []
        #: m and its multiples, in each dtype that they are combined with.
        self._counts: dict[tuple[int, np.dtype[Any]], Tensor] = {}
        self._numbers: dict[Tensor, int] = {}
        if self._known:
            names.take(self.letter)

    def is_symbol(self, x: Tensor) -> bool:
        """Whether ``x`` is m itself."""
        return self._numbers.get(x) == self.count and x.op is CONSTANT

    def is_count(self, x: Tensor) -> bool:
        """Whether ``x`` is m, or a multiple of it."""
        return x in self._numbers

    def of(self, x: Tensor) -> int:
        """The number that a count stands for."""
        return self._numbers[x]

    def count_for(self, entries: int, dtype: np.dtype[Any]) -> Tensor | None:
        """The count of so many entries, if it is one."""
        return self._counted(entries, dtype) if entries in self._known else None

    def as_fraction(self, number: float, dtype: np.dtype[Any]) -> tuple[float, Tensor | None]:
        """A positive number as (a, b) for a / b, b being a count, a whole number, or None for 1."""
        for entries in self._known:
            twice = 2 * number * entries
            whole = round(twice)
            if whole in (1, 2, 4) and math.isclose(twice, whole, rel_tol=_close(dtype)):
                shared = math.gcd(whole, 2 * entries // self.count)
                return float(whole // shared), self._counted(2 * entries // shared, dtype)
        if len(str(dtype.type(number))) <= 8:
            return number, None
        near = Fraction(number).limit_denominator(_LARGEST)
        if near and math.isclose(number, near, rel_tol=_close(dtype)) and near.denominator > 1:
            below = np.asarray(near.denominator, dtype)
            return float(near.numerator), Tensor(CONSTANT, (), below, (), below.dtype)
        return number, None

    def times(self, number: float, x: Tensor) -> Tensor:
        """number · x, the sign in front, a fraction with its denominator below."""
        above, below = self.as_fraction(abs(number), x.dtype)
        if above != 1:
            x = apply(OPS["multiply"](), constant(np.asarray(above, x.dtype)), x)
        if below is not None:
            x = apply(OPS["divide"](), x, below)
        return apply(OPS["negative"](), x) if number < 0 else x

    def _counted(self, entries: int, dtype: np.dtype[Any]) -> Tensor:
        """The count of so many entries, a multiple of m."""
        if (entries, dtype) not in self._counts:
            value = np.asarray(entries if entries == self.count else entries // self.count, dtype)
            count = Tensor(CONSTANT, (), value, (), dtype)
            if entries != self.count:
                factors = (count, self._counted(self.count, dtype))
                count = Tensor(OPS["multiply"](), factors, None, (), dtype)
            self._counts[entries, dtype] = count
            self._numbers[count] = entries
        return self._counts[entries, dtype]


def _over_rows(mean: Tensor) -> bool:
    axis = settings(mean)["axis"]
    axes = (0,) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return mean.inputs[0].ndim > 0 and 0 in axes


def _entries(mean: Tensor) -> int:
    x = mean.inputs[0]
    return x.size // max(mean.size, 1)


def _data(graph: Graph, sizes: Iterable[int]) -> Tensor | None:
    """The first input that has so many rows, more than one."""
    parameters = set(graph.notes.parameters)
    for x in graph.inputs:
        if x not in parameters and x.ndim and x.shape[0] > 1 and x.shape[0] in sizes:
            return x
    return None


def _close(dtype: Any) -> float:
    return 4 * float(np.finfo(dtype).eps) if np.dtype(dtype).kind == "f" else 0.0
