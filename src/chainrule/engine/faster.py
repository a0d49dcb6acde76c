"""Faster forms: graph to graph, for the NumPy engine. Each rounds differently, within a bound.

What one ufunc or reduction does slowly, another does fast; on a small network, what counts is the
number of calls. These rewrites are the only difference between what the engine computes and what
the reference engine defines: on the rewritten graph the two agree bit for bit. ε is the machine
epsilon of the dtype (2^-52, or 2^-23 for float32), n the number of entries that are added:

=======================  ===============================  ======================================
form                     becomes                          differs by at most
=======================  ===============================  ======================================
Σ over first axes        ones @ x                         2 n ε Σ|x|, as any order of adding
mean over first axes     [1/n ... 1/n] @ x                2 n ε mean|x|
σ(z)                     1/2 + 1/2 tanh(z/2)              2 ε (absolute; the value is in 0 to 1)
softplus(z) of many      max(z, 0) + ln(1 + e^-|z|)       4 ε softplus(z)
cross-entropy of σ(z)    softplus(z) - t z                4 ε (1 + |z|)
its mean, t steady       [1/n, -t/n] @ [softplus(z), z]   4 n ε (1 + mean|z|)
σ(z) beside that loss    exp(z - softplus(z))             16 ε
=======================  ===============================  ======================================

Before these, ``bias_rows`` puts the biases of a small first layer under its weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np

from chainrule.engine.bias_rows import bias_rows
from chainrule.engine.lanes import lanes
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import CONSTANT, FUNCTIONS, Shape
from chainrule.graph.origin import came_from, settings
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor, constant

#: Entries from which six quick passes cost less than one slow one.
MANY = 256


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
    return rebuilt(graph, become)


class _Forms:
    """The table above, for the nodes of one graph."""

    def __init__(self, graph: Graph, steady: set[Tensor]) -> None:
        self._steady = steady
        self._table: dict[str, Callable[..., Tensor | None]] = {
            "sum": self._sum,
            "mean": self._mean,
            "sigmoid": self._sigmoid,
            "softplus": self._softplus,
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
        axes = _leading_axes(node, x)
        if axes is None:
            return None
        return _by_product(1.0, x, axes, node.shape)

    def _mean(self, node: Tensor, x: Tensor) -> Tensor | None:
        axes = _leading_axes(node, x)
        if axes is None:
            return None
        entries = node.inputs[0]
        is_cross_entropy = axes == x.ndim and came_from(entries, "sigmoid_cross_entropy")
        if is_cross_entropy and entries.inputs[1] in self._steady:
            return self._mean_of_cross_entropy(x, entries.inputs[1])
        return _by_product(1 / math.prod(x.shape[:axes]), x, axes, node.shape)

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
            return FUNCTIONS["exp"](z - _softplus(z))  # type: ignore[no-any-return]
        return 0.5 + 0.5 * FUNCTIONS["tanh"](0.5 * z)  # type: ignore[no-any-return]

    def _sigmoid_cross_entropy(self, node: Tensor, z: Tensor, t: Tensor) -> Tensor:
        return _softplus(z) - t * z

    def _softplus(self, node: Tensor, z: Tensor) -> Tensor | None:
        return None if z.size < MANY else _softplus(z)


def _softplus(z: Tensor) -> Tensor:
    """max(z, 0) + ln(1 + e^-|z|) of many: quicker than logaddexp, which takes them one by one."""
    if z.size < MANY:
        return FUNCTIONS["softplus"](z)  # type: ignore[no-any-return]
    tail = FUNCTIONS["log1p"](FUNCTIONS["exp"](-FUNCTIONS["abs"](z)))
    return FUNCTIONS["maximum"](z, 0.0) + tail  # type: ignore[no-any-return]


def _without_axes(x: Tensor, shape: Shape, inputs: tuple[Tensor, ...]) -> Tensor:
    """A single entry beside a whole array as a number: NumPy then needs no broadcasting loop."""
    if x.size != 1 or x.ndim == 0 or x.shape == shape or all(y.shape != shape for y in inputs):
        return x
    return FUNCTIONS["reshape"](x, ())  # type: ignore[no-any-return]


def _leading_axes(node: Tensor, x: Tensor) -> int | None:
    """How many axes a reduction takes away, if these are the first ones, and all of them."""
    axis, keepdims = settings(node)["axis"], settings(node)["keepdims"]
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if keepdims or x.size == 0 or tuple(axes) != tuple(range(len(axes))):
        return None
    return len(axes)


def _by_product(weight: float, x: Tensor, axes: int, shape: Shape) -> Tensor:
    """The sum over the first ``axes`` axes, times a weight: a row times a matrix, or a vector."""
    entries = math.prod(x.shape[:axes])
    row = constant(np.full(entries, weight, x.dtype))
    wide = (-1,) if axes == x.ndim else (entries, math.prod(x.shape[axes:]))
    flat = x if x.shape == wide else FUNCTIONS["reshape"](x, wide)
    total = FUNCTIONS["matmul"](row, flat)
    return total if total.shape == shape else FUNCTIONS["reshape"](total, shape)  # type: ignore[no-any-return]
