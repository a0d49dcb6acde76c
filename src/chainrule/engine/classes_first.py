"""Scores with a row for each class: graph to graph, for the NumPy engine.

A batch has many rows and few classes, and NumPy goes along the last axis: for 100 rows of 10 scores
it makes 100 short loops where 10 long ones would do, and finds the largest of each row one by one.
So what lies between the last product and the products of the backward pass is computed transposed::

    z = H @ W + b                       zᵀ = (H @ W)ᵀ + b, b as a column
    softmax(z), along each row          softmax(zᵀ), down each column
    onehot(t)                           its transpose, compared in place
    Hᵀ @ d,  d @ Wᵀ,  Σ d over rows     Hᵀ @ (dᵀ)ᵀ,  (dᵀ)ᵀ @ Wᵀ,  dᵀ @ ones

The product is read crosswise once, by the addition of the bias (small, and without one, it is made
as Wᵀ @ Hᵀ); BLAS reads the others as they lie. From scores to gradients this takes 0.80 of the time
for 100 rows, 10 classes and 100 units before, and 0.84 for 32, 10 and 32; small trainings as a
whole took 0.82 to 0.97 (digits and iris; OpenBLAS 0.3 on AVX-512, one core).

Each entry is made of the same numbers as before; sums over classes may add them in another order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.engine.bias_rows import SMALL
from chainrule.engine.features_first import Consumers, consumers_of, is_plain_product, other_way
from chainrule.engine.lower import NARROW
from chainrule.graph.apply import apply, constant
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import FUNCTIONS
from chainrule.graph.origin import came_from, settings
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor

#: Fewer rows than so many for each class are not worth it.
ROWS_A_CLASS = 2

#: So many bytes for the units of a row, or more: there, OpenBLAS's product with a transposed left
#: side took up to five times as long (128 rows, 10 classes, 512 units: 54 µs for 12).
LONG_ROWS = 1024


def classes_first(graph: Graph) -> Graph:
    """The graph with its scores, and what is computed from them entry by entry, transposed."""
    consumers = consumers_of(graph)
    turned: set[Tensor] = set()
    for node in graph.nodes:
        if _is_of_scores(node) and node.inputs[0] not in turned:
            found = _alike(node.inputs[0], consumers)
            if _pays(node.inputs[0], found, consumers):
                turned |= found
    return _Turning(turned).of(graph) if turned else graph


def _is_of_scores(node: Tensor) -> bool:
    """Whether the node works along rows of scores."""
    if came_from(node, "softmax", "log_softmax"):
        return node.ndim == 2 and settings(node)["axis"] in (1, -1)
    return came_from(node, "softmax_cross_entropy") and node.ndim == 1


def _is_by_entry(node: Tensor) -> bool:
    return node.op is not None and (
        node.op.is_elementwise
        or came_from(node, "one_hot")
        or (_is_of_scores(node) and node.ndim == 2)
    )


def _is_small_product(node: Tensor) -> bool:
    """Whether the node is H @ W, the bias being a row of W, and as quickly made as Wᵀ @ Hᵀ."""
    return is_plain_product(node) and node.inputs[0].size <= SMALL


def _alike(z: Tensor, consumers: Consumers) -> set[Tensor]:
    """The scores, and what is computed from them or beside them by entries or along rows."""
    found: set[Tensor] = set()
    stack = [z]
    while stack:
        node = stack.pop()
        for x in (node, *consumers[node], *(node.inputs if node in found else ())):
            if x in found or x.shape != z.shape:
                continue
            if _is_by_entry(x) or (x is z and _is_small_product(x)):
                found.add(x)
                stack.append(x)
    return found


def _pays(z: Tensor, found: set[Tensor], consumers: Consumers) -> bool:
    if z not in found or z.dtype.kind != "f":
        return False
    rows, classes = z.shape
    if not 1 < classes <= NARROW or rows < ROWS_A_CLASS * classes:
        return False
    products = [x for node in found for x in consumers[node] if came_from(x, "matmul")]
    units = [x.shape[-1] if x.inputs[0] in found else x.shape[0] for x in products]
    return max(units, default=0) * z.dtype.itemsize < LONG_ROWS


class _Turning:
    """Each node of a graph as it was (``become``), and those that are turned (``columns``)."""

    def __init__(self, turned: set[Tensor]) -> None:
        self._turned = turned
        self._become: dict[Tensor, Tensor] = {}
        self._columns: dict[Tensor, Tensor] = {}

    def of(self, graph: Graph) -> Graph:
        """The graph with them turned."""
        self._become |= {node: node for node in graph.inputs}
        for node in graph.nodes[len(graph.inputs) :]:
            with within(node.scope, node.place):
                self._become[node] = self._one(node)
        return rebuilt(graph, self._become)

    def _one(self, node: Tensor) -> Tensor:
        if node in self._turned:
            self._columns[node] = self._column(node)
            return other_way(self._columns[node])
        if node.inputs and node.inputs[0] in self._turned:
            x = self._columns[node.inputs[0]]
            if came_from(node, "softmax_cross_entropy"):
                return _cross_entropy(x, self._become[node.inputs[1]])
            is_float = node.dtype == x.dtype and x.dtype.kind == "f"
            if came_from(node, "sum") and is_float and not settings(node)["keepdims"]:
                axis = settings(node)["axis"]
                if axis in (0, (0,)):
                    return _matmul(x, np.ones(x.shape[1], x.dtype))
                if axis in (1, (1,)):
                    return _down(x)
        return rewired(node, tuple(self._become[x] for x in node.inputs))

    def _column(self, node: Tensor) -> Tensor:
        if came_from(node, "matmul"):
            a, b = (other_way(self._become[x]) for x in node.inputs)
            return _matmul(b, a)
        if came_from(node, "one_hot"):
            labels = self._become[node.inputs[0]]
            return _hot(labels, node.shape[1], node.dtype)
        parts = [self._turned_operand(x, node) for x in node.inputs]
        op: Any = node.op
        result: Tensor = apply(op if op.is_elementwise else replace(op, axis=0), *parts)
        return result

    def _turned_operand(self, x: Tensor, node: Tensor) -> Tensor:
        if x in self._columns:
            return self._columns[x]
        x = self._become[x]
        if x.ndim == node.ndim:
            return other_way(x)
        column: Tensor = x if x.size == 1 else FUNCTIONS["reshape"](x, (x.size, 1))
        return column


def _cross_entropy(z: Tensor, t: Tensor) -> Tensor:
    """-ln softmax(z)_t down each column, as the op has it along rows."""
    s = z - FUNCTIONS["max"](z, 0, keepdims=True)
    logs: Tensor = FUNCTIONS["log"](_down(FUNCTIONS["exp"](s)))
    return logs - _down(_hot(t, len(z), z.dtype) * s)


def _hot(labels: Tensor, classes: int, dtype: np.dtype[Any]) -> Tensor:
    """A column with a 1 at the label's place, for each label."""
    places = constant(np.arange(classes, dtype=labels.dtype).reshape(-1, 1))
    hot: Tensor = FUNCTIONS["astype"](FUNCTIONS["equal"](labels, places), dtype)
    return hot


def _down(x: Tensor) -> Tensor:
    """The sum of each column."""
    return _matmul(np.ones(len(x), x.dtype), x)


def _matmul(a: Any, b: Any) -> Tensor:
    product: Tensor = FUNCTIONS["matmul"](a, b)
    return product
