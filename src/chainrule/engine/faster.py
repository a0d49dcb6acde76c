"""Faster forms: graph to graph, for the NumPy engine. Each rounds differently, within a bound.

What one ufunc or reduction does slowly, another does fast; on a small network, what counts is the
number of calls. These rewrites, products in parts (``kernels``) and updates in one pass
(``updates``) are all that tells what the engine computes from what the reference engine defines: on
the rewritten graph the two agree bit for bit. ε is the machine epsilon of the dtype (2^-52, or
2^-23 for float32), n the number of entries that are added:

=======================  ===============================  ======================================
form                     becomes                          differs by at most
=======================  ===============================  ======================================
Σ over rows, or of all   ones @ x                         2 n ε Σ|x|, as any order of adding
mean of all              [1/n ... 1/n] @ x                2 n ε mean|x|
both, of each x[i]       x @ ones, x @ [1/n ... 1/n]      the same
Σ along short rows of e  e @ ones                         2 n ε Σ|e|; inside of softmax, ln Σ eˣ
σ(z)                     1/2 + 1/2 tanh(z/2)              2 ε (absolute; the value is in 0 to 1)
cross-entropy of σ(z)    softplus(z) - t z                4 ε (1 + |z|)
its mean, t steady       [1/n, -t/n] @ [softplus(z), z]   4 n ε (1 + mean|z|)
σ(z) beside that loss    exp(z - softplus(z))             16 ε
c (σ(z) - t), t steady   c/2 (tanh(z/2) - (2t - 1))       3 ε |c|
θ - η Xᵀ(c D)            θ - (η c) XᵀD                    2 (n + 2) ε |η c| |Xᵀ| |D|
A @ B, large             A[i:j] @ B, i:j some rows        2 n ε |A| @ |B|, as other kernels of BLAS
b y + a x, replacing y   axpby(a, x, b, y)                ε (|b y| + |a x|)
=======================  ===============================  ======================================

Before these, ``lanes`` puts the axis of many small networks last, ``bias_rows`` puts the biases of
small layers under their weights, ``features_first`` turns what lies between the layers so that this
costs nothing, and ``classes_first`` the scores of few classes. After them, ``scale_late`` brings
factors of the gradient to the update, and ``softplus_of_many`` writes out long ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from chainrule.engine.bias_rows import bias_rows
from chainrule.engine.classes_first import classes_first
from chainrule.engine.features_first import features_first
from chainrule.engine.lanes import lanes
from chainrule.engine.lower import NARROW
from chainrule.engine.scale_late import scale_late
from chainrule.engine.softplus import softplus_of_many
from chainrule.graph.apply import constant
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import CONSTANT, FUNCTIONS, Shape
from chainrule.graph.origin import came_from, settings
from chainrule.graph.recording import within
from chainrule.graph.remembered import remembered
from chainrule.graph.tensor import Tensor

#: Ops that add up the short rows of a table.
SOFTMAXES = ("softmax", "log_softmax", "logsumexp", "softmax_cross_entropy")


@remembered
def faster(graph: Graph, steady: Collection[str] = ()) -> Graph:
    """The graph with each node replaced that has a faster form.

    ``steady`` names inputs that never change: what is made of them is made only once.
    """
    graph = classes_first(features_first(bias_rows(lanes(graph), steady)))
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    forms = _Forms(graph, {graph.input(name) for name in steady}, become)
    for node in graph.nodes[len(graph.inputs) :]:
        inputs = tuple(become[x] for x in node.inputs)
        with within(node.scope, node.place):
            become[node] = forms.of(node, inputs)
    return softplus_of_many(scale_late(rebuilt(graph, become)))


class _Forms:
    """The table above, for the nodes of one graph."""

    def __init__(self, graph: Graph, steady: set[Tensor], become: dict[Tensor, Tensor]) -> None:
        self._steady = steady
        self._become = become
        self._table: dict[str, Callable[..., Tensor | None]] = {
            "sum": self._sum,
            "mean": self._mean,
            "multiply": self._multiply,
            "sigmoid": self._sigmoid,
            "sigmoid_cross_entropy": self._sigmoid_cross_entropy,
            **dict.fromkeys(SOFTMAXES, _with_sums_as_products),
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
        if settings(node)["axis"] == 0 and x.ndim == 2:
            return _product(np.ones(x.shape[0], x.dtype), x)
        return _weighted(node, x, 1.0)

    def _mean(self, node: Tensor, x: Tensor) -> Tensor | None:
        if settings(node)["keepdims"] or x.size == 0:
            return None
        entries = node.inputs[0]
        if settings(node)["axis"] is None and came_from(entries, "sigmoid_cross_entropy"):
            t = entries.inputs[1]
            if t in self._steady:
                return self._mean_of_cross_entropy(x, t)
        return _weighted(node, x, node.size / x.size)

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

    def _multiply(self, node: Tensor, *inputs: Tensor) -> Tensor | None:
        """c/2 (tanh(z/2) - (2t - 1)), whose bracket on the right is made only once."""
        for c, error in zip(inputs, node.inputs[::-1], strict=True):
            if not (c.size == 1 and came_from(error, "subtract")):
                continue
            output, t = error.inputs
            if came_from(output, "sigmoid") and t in self._steady and t.shape == node.shape:
                (z,) = output.inputs
                if z not in self._logits:
                    tanh = FUNCTIONS["tanh"](0.5 * self._become[z])
                    return 0.5 * c * (tanh - (2.0 * t - 1.0))  # type: ignore[no-any-return]
        return None

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


def _weighted(node: Tensor, x: Tensor, weight: float) -> Tensor | None:
    """The sum of ``x``, or of each x[i], with every entry taken ``weight`` times."""
    axis = settings(node)["axis"]
    if axis is None:
        return _product(np.full(x.size, weight, x.dtype), FUNCTIONS["reshape"](x, -1))
    if axis != tuple(range(1, x.ndim)) or x.ndim < 3:
        return None
    each = FUNCTIONS["reshape"](x, (len(x), -1))
    return FUNCTIONS["matmul"](each, constant(np.full(each.shape[1], weight, x.dtype)))  # type: ignore[no-any-return]


def _with_sums_as_products(node: Tensor, *inputs: Tensor) -> Tensor | None:
    """The op's own value, written in ops, with each sum along a short row as a product."""
    x = inputs[0]
    axis = settings(node).get("axis", -1)
    if node.op is None or x.ndim != 2 or not isinstance(axis, int):
        return None
    if not 0 < x.shape[axis] <= NARROW:
        return None
    result: Tensor = node.op.value(_Namespace(), *inputs)
    return result


class _Namespace:
    """The recorded functions in the place of NumPy's, but for sums along short rows."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return FUNCTIONS[name]

    def arange(self, stop: int, dtype: Any = None) -> Tensor:
        return constant(np.arange(stop, dtype=dtype))

    def sum(self, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        if x.ndim != 2 or axis not in (0, 1, -1):
            result: Tensor = FUNCTIONS["sum"](x, axis, keepdims)
            return result
        if axis == 0:
            total = FUNCTIONS["matmul"](constant(np.ones(len(x), x.dtype)), x)
            return FUNCTIONS["reshape"](total, (1, x.shape[1])) if keepdims else total  # type: ignore[no-any-return]
        total = FUNCTIONS["matmul"](x, constant(np.ones(x.shape[1], x.dtype)))
        return FUNCTIONS["reshape"](total, (len(x), 1) if keepdims else (len(x),))  # type: ignore[no-any-return]
