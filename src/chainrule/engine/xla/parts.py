"""Vectors in parts: what a step reads by slices is never one vector on the device.

A network's parameters are slices of one vector θ, and its gradient is their concatenation: one pass
of NumPy then serves the whole network. XLA fuses what it can by itself, and would copy each slice
out of θ before every product. So a vector that is cut into slices stays cut: θ, the gradient and
the optimizer's state are arrays of the parameters' own shapes, each with an update of its own. The
host hands them over like that and takes them back so: XLA:CPU takes 20 ms to join 670,000 numbers,
as long as for ten steps with them (with three such vectors, a sixth of an epoch on MNIST).

A weight matrix W with at least twice as many inputs as outputs lies transposed: its gradient is
then d'x, a product that XLA:CPU makes in 0.1 to 0.9 of the time of x'd (jaxlib 0.10.2; 128 rows,
512 inputs, 10 outputs: 12 µs against 89; 100, 784, 100: 72 against 102), and the others are as
quick. With fewer inputs it would be the slower one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from chainrule.ops.shape import Reshape
from chainrule.ops.stacking import Concatenate

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
        return self.of([vector[slice(*ends)] for ends in pairwise(self.bounds)])

    def of(self, pieces: Iterable[Any]) -> Parts:
        """The parts whose entries are ``pieces``, in any shape."""
        made = [x.reshape(shape) for x, shape in zip(pieces, self.shapes, strict=True)]
        return Parts(self, tuple(x.T if _is_turned(x.shape) else x for x in made))


@dataclass(frozen=True)
class Parts:
    """A vector as the arrays that it is made of, of which some lie transposed."""

    cut: Cut
    arrays: tuple[Any, ...]

    def pieces(self) -> list[Any]:
        """The entries of each part, in their order in the vector."""
        shapes = self.cut.shapes
        return [
            (x.T if _is_turned(shape) else x).reshape(-1)
            for x, shape in zip(self.arrays, shapes, strict=True)
        ]

    def joined(self) -> Any:
        """The vector in one piece."""
        return jax_module().numpy.concatenate(self.pieces())


def _is_turned(shape: Shape) -> bool:
    """Whether a part of this shape lies transposed."""
    return len(shape) == 2 and shape[0] >= 2 * shape[1]


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
            return cut.of(inputs)
    elif op.is_elementwise and all(x.shape in ((), node.shape) for x in node.inputs):
        cut = given[0].cut
        columns = [_each(x, cut) for x in inputs]
        rows = zip(*columns, strict=True)
        return Parts(cut, tuple(jnp.asarray(op.value(jnp, *x), node.dtype) for x in rows))
    elif isinstance(op, Index) and _ends(op) in (places := [*pairwise(given[0].cut.bounds)]):
        return given[0].pieces()[places.index(_ends(op))]  # type: ignore[arg-type]
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
