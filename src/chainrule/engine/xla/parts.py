"""Vectors in parts: what a step reads by slices is never one vector on the device.

A network's parameters are slices of one vector θ, and its gradient is their concatenation: one pass
of NumPy then serves the whole network. XLA fuses what it can by itself, and would copy each slice
out of θ before every product. So a vector that is cut into slices stays cut: θ, the gradient and
the optimizer's state are arrays of the parameters' own shapes, each with an update of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from typing import Any

from chainrule.engine.xla.runtime import jax_module
from chainrule.graph.graph import Graph
from chainrule.graph.op import Shape
from chainrule.graph.tensor import Tensor
from chainrule.ops.indexing import Index
from chainrule.ops.reduce import Sum
from chainrule.ops.shape import Concatenate, Reshape

#: Where each part of a vector begins, and where the last one ends.
Bounds = tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """How a vector is cut: the shape of each part, whose entries follow one another."""

    shapes: tuple[Shape, ...]

    @property
    def bounds(self) -> Bounds:
        return (0, *accumulate(prod(shape) for shape in self.shapes))

    def __call__(self, vector: Any) -> Parts:
        """The vector in parts."""
        if isinstance(vector, Parts):
            if vector.cut == self:
                return vector
            vector = vector.joined()
        parts = zip(pairwise(self.bounds), self.shapes, strict=True)
        return Parts(tuple(vector[slice(*ends)].reshape(shape) for ends, shape in parts))


@dataclass(frozen=True)
class Parts:
    """A vector as the arrays that it is made of."""

    arrays: tuple[Any, ...]

    @property
    def cut(self) -> Cut:
        return Cut(tuple(array.shape for array in self.arrays))

    def joined(self) -> Any:
        """The vector in one piece."""
        return jax_module().numpy.concatenate([array.reshape(-1) for array in self.arrays])


def cuts_of(graph: Graph, names: Sequence[str]) -> dict[str, Cut]:
    """How to cut each of the inputs ``names`` that is a vector read by slices, or goes with one.

    A vector is cut if its slices cover it without a gap, and so is every other one of that size
    (the optimizer's state is as long as θ).
    """
    vectors = {graph.input(name): name for name in names if len(graph.input(name).shape) == 1}
    read: dict[Tensor, dict[tuple[int, int], Shape]] = {vector: {} for vector in vectors}
    slices: dict[Tensor, tuple[Tensor, tuple[int, int]]] = {}
    for node in graph.nodes:
        if isinstance(node.op, Index) and node.inputs[0] in read:
            ends = _ends(node.op) or (0, 0)
            slices[node] = node.inputs[0], ends
            read[node.inputs[0]][ends] = node.shape
        elif isinstance(node.op, Reshape) and node.inputs[0] in slices:
            vector, ends = slices[node.inputs[0]]
            read[vector][ends] = node.shape
    known: dict[int, Cut] = {}
    for found in read.values():
        cut = Cut(tuple(found[ends] for ends in sorted(found)))
        if found and tuple(pairwise(cut.bounds)) == tuple(sorted(found)):
            known[cut.bounds[-1]] = cut
    return {name: known[node.size] for node, name in vectors.items() if node.size in known}


def value(node: Tensor, inputs: Sequence[Any], cuts: Mapping[Bounds, Cut]) -> Any:
    """A node's value where inputs are ``Parts``, or it may become some: part by part if it can."""
    jnp, op = jax_module().numpy, node.op
    assert op is not None
    given = [x for x in inputs if isinstance(x, Parts)]
    if isinstance(op, Concatenate) and not given:
        cut = cuts.get((0, *accumulate(x.size for x in inputs))) if len(node.shape) == 1 else None
        if cut is not None:
            parts = zip(inputs, cut.shapes, strict=True)
            return Parts(tuple(x.reshape(shape) for x, shape in parts))
    elif op.is_elementwise and all(x.shape in ((), node.shape) for x in node.inputs):
        cut = given[0].cut
        columns = [_each(x, cut) for x in inputs]
        rows = zip(*columns, strict=True)
        return Parts(tuple(jnp.asarray(op.value(jnp, *x), node.dtype) for x in rows))
    elif isinstance(op, Index) and _ends(op) in (places := [*pairwise(given[0].cut.bounds)]):
        return given[0].arrays[places.index(_ends(op))].reshape(-1)  # type: ignore[arg-type]
    elif isinstance(op, Sum) and not op.keepdims:
        return sum(jnp.sum(part) for part in given[0].arrays)
    return op.value(jnp, *[x.joined() if isinstance(x, Parts) else x for x in inputs])


def _each(x: Any, cut: Cut) -> Sequence[Any]:
    return [x] * len(cut.shapes) if getattr(x, "shape", None) == () else cut(x).arrays


def _ends(op: Index) -> tuple[int, int] | None:
    """(start, stop) of an index that is one plain slice."""
    if len(op.key) != 1 or not isinstance(op.key[0], tuple):
        return None
    start, stop, step = op.key[0]
    plain = isinstance(start, int) and isinstance(stop, int) and step in (None, 1)
    return (start, stop) if plain and 0 <= start < stop else None
