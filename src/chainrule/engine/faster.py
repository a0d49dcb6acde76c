"""Faster forms: graph to graph, for the NumPy engine. Each rounds differently, within a bound.

What one ufunc or reduction does slowly, another does fast; on a small network, what counts is the
number of calls. These rewrites are the only difference between what the engine computes and what
the reference engine defines: on the rewritten graph the two agree bit for bit. ε is the machine
epsilon of the dtype (2^-52, or 2^-23 for float32), n the number of entries that are added:

=======================  ===============================  ======================================
form                     becomes                          differs by at most
=======================  ===============================  ======================================
Σ over rows, or of all   ones @ x                         2 n ε Σ|x|, as any order of adding
mean of all              [1/n ... 1/n] @ x                2 n ε mean|x|
σ(z)                     1/2 + 1/2 tanh(z/2)              2 ε (absolute; the value is in 0 to 1)
cross-entropy of σ(z)    softplus(z) - t z                4 ε (1 + |z|)
its mean, t steady       [1/n, -t/n] @ [softplus(z), z]   4 n ε (1 + mean|z|)
σ(z) beside that loss    exp(z - softplus(z))             16 ε
=======================  ===============================  ======================================

Before these, ``lanes`` puts the axis of many small networks last, and ``bias_rows`` puts the biases
of a small first layer under its weights. After them, ``softplus_of_many`` writes out long ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from chainrule.engine.bias_rows import bias_rows
from chainrule.engine.lanes import lanes
from chainrule.engine.softplus import softplus_of_many
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import CONSTANT, FUNCTIONS, Shape
from chainrule.graph.origin import came_from, settings
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor, constant


def faster(graph: Graph, steady: Collection[str] = ()) -> Graph:
    """The graph with each node replaced that has a faster form.

    ``steady`` names inputs that never change: what is made of them is made only once.
    """
    graph = bias_rows(lanes(graph), steady)
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    forms = _Forms(graph, {graph.input(name) for name in steady})
    for node in graph.nodes[len(graph.inputs) :]:
        inputs = tuple(become[x] for x in node.inputs)
        with within(node.scope, node.place):
            become[node] = forms.of(node, inputs)
    return softplus_of_many(rebuilt(graph, become))


class _Forms:
    """The table above, for the nodes of one graph."""

    def __init__(self, graph: Graph, steady: set[Tensor]) -> None:
        self._steady = steady
        self._table: dict[str, Callable[..., Tensor | None]] = {
            "sum": self._sum,
            "mean": self._mean,
            "sigmoid": self._sigmoid,
            "sigmoid_cross_entropy": self._sigmoid_cross_entropy,
        }
        self._logits = {
            node.inputs[0] for node in graph.nodes if came_from(node, "sigmoid_cross_entropy")
        }

    def of(self, node: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
        """The node's faster form, or the node on its new inputs."""
        op = node.op
        if op is None or op is CONSTANT:
            return node
        form = self._table.get(op.name)
        if form is not None and node.dtype.kind == "f" and inputs[0].dtype == node.dtype:
            replaced = form(node, *inputs)
            if replaced is not None:
                return replaced
        if op.is_elementwise:
            inputs = tuple(_without_axes(x, node.shape, inputs) for x in inputs)
        return rewired(node, inputs)

    def _sum(self, node: Tensor, x: Tensor) -> Tensor | None:
        if settings(node)["keepdims"] or x.size == 0:
            return None
        if settings(node)["axis"] is None:
            return _product(np.ones(x.size, x.dtype), FUNCTIONS["reshape"](x, -1))
        if settings(node)["axis"] == 0 and x.ndim == 2:
            return _product(np.ones(x.shape[0], x.dtype), x)
        return None

    def _mean(self, node: Tensor, x: Tensor) -> Tensor | None:
        if settings(node)["keepdims"] or settings(node)["axis"] is not None or x.size == 0:
            return None
        entries = node.inputs[0]
        if came_from(entries, "sigmoid_cross_entropy") and entries.inputs[1] in self._steady:
            return self._mean_of_cross_entropy(x, entries.inputs[1])
        return _product(np.full(x.size, 1 / x.size, x.dtype), FUNCTIONS["reshape"](x, -1))

    def _mean_of_cross_entropy(self, entries: Tensor, t: Tensor) -> Tensor | None:
        """[1/n, -t/n] @ [softplus(z), z], whose left side is made only once."""
        softplus = entries.inputs[0]
        z = softplus.inputs[0]
        if z.shape != t.shape:
            return None
        flat = [FUNCTIONS["reshape"](part, -1) for part in (softplus, z)]
        share = constant(np.full(t.size, 1 / t.size, t.dtype))
        left = FUNCTIONS["concatenate"]([share, FUNCTIONS["reshape"](t, -1) * (-1 / t.size)])
        return FUNCTIONS["matmul"](left, FUNCTIONS["concatenate"](flat))  # type: ignore[no-any-return]

    def _sigmoid(self, node: Tensor, z: Tensor) -> Tensor:
        if node.inputs[0] in self._logits:
            return FUNCTIONS["exp"](z - FUNCTIONS["softplus"](z))  # type: ignore[no-any-return]
        return 0.5 + 0.5 * FUNCTIONS["tanh"](0.5 * z)  # type: ignore[no-any-return]

    def _sigmoid_cross_entropy(self, node: Tensor, z: Tensor, t: Tensor) -> Tensor:
        return FUNCTIONS["softplus"](z) - t * z  # type: ignore[no-any-return]


def _without_axes(x: Tensor, shape: Shape, inputs: tuple[Tensor, ...]) -> Tensor:
    """A single entry beside a whole array as a number: NumPy then needs no broadcasting loop."""
    if x.size != 1 or x.ndim == 0 or x.shape == shape or all(y.shape != shape for y in inputs):
        return x
    return FUNCTIONS["reshape"](x, ())  # type: ignore[no-any-return]


def _product(row: np.ndarray[Any, Any], x: Tensor) -> Tensor:
    return FUNCTIONS["matmul"](constant(row), x)  # type: ignore[no-any-return]
