"""Lanes: many small networks side by side, graph to graph, for the NumPy engine.

A batched graph has its leading axis first, so each network's numbers lie together, in rows of a few
entries. NumPy then works on a few entries at a time, and its product of n tiny matrices costs n
small calls inside. With the axis of the networks *last*, every pass over memory is long, a product
with what all share is one large product, and a small product of each with its own is a few passes::

    X @ W_n             one product       X @ [W_1 ... W_N]
    A_n @ B_n           few passes        Σ_k  A[k, i, :] B[k, j, :]

A transpose in front brings the axis of each input to the end, one behind the outputs brings it
back; an input that comes with its axis at the end (``batch(..., axis=-1)``) needs neither. The rest
is moved op by op; an op that has no rule here gets its inputs turned back, so any graph may come.

Sums over all axes but that of the networks become products with ones. It is done where it pays, by
the sizes of the products: see :func:`lane_count`. Products and sums differ by the order of adding,
at most by 2 k ε Σ|a b| for k terms.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.graph.apply import apply, constant
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import CONSTANT, FUNCTIONS
from chainrule.graph.origin import came_from, settings
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor

#: Sums of products are made in one go up to this many entries, else term by term.
AT_ONCE = 1 << 17

_WHOLE = (None, None, None)
_REDUCTIONS = ("sum", "mean", "var", "max", "min", "logsumexp", "softmax", "log_softmax")


def lanes(graph: Graph) -> Graph:
    """The graph with the axis of its small networks last, if that pays; else the graph itself."""
    size = lane_count(graph)
    if size is None:
        return graph
    moving = _Moving(graph, size)
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    for node in graph.nodes[len(graph.inputs) :]:
        with within(node.scope, node.place):
            become[node] = moving.of(node)
    for node in graph.outputs:
        become[node] = moving.first(node)
    return rebuilt(graph, become)


def lane_count(graph: Graph) -> int | None:
    """How many networks lie side by side in the graph, if it pays to have their axis last."""
    gain: dict[int, float] = defaultdict(float)
    for node in graph.nodes:
        if came_from(node, "matmul") and node.ndim == 3:
            a, b = node.inputs
            own = a.ndim == b.ndim == 3 and a.shape[0] == b.shape[0]
            if own or a.ndim == 2 or b.ndim == 2:
                n, i, j = node.shape
                gain[n] += _seconds_first(n, i, a.shape[-1], j)
                gain[n] -= _seconds_last(n, i, a.shape[-1], j, own)
    for node in (*graph.inputs, *graph.outputs):
        if node.ndim and node.shape[0] in gain:
            gain[node.shape[0]] -= 5e-7 + 1e-9 * node.size
    size, most = max(gain.items(), key=lambda item: item[1], default=(0, 0.0))
    return size if most > 0 else None


def _seconds_first(n: int, i: int, k: int, j: int) -> float:
    """About what n products (i, k) @ (k, j) cost with their axis first.

    Measured in training steps, with what belongs to a product: copies of parameters that do not lie
    in one piece, and passes that work on rows of j entries at a time.
    """
    product = 2e-8 + 1.2e-9 * i * j if k == 1 else 3e-8 + 7e-11 * i * k * j
    rows = 5e-9 * i if j > 1 else 0.0
    return 1.2e-6 + n * (product + rows + 2e-8)


def _seconds_last(n: int, i: int, k: int, j: int, own: bool) -> float:
    """The same with their axis last: of each with its own, or with what all share."""
    if not own:
        return 1.2e-6 + 5e-11 * n * i * k * j
    return 6e-7 + 4.5e-10 * n * i * j if k == 1 else 1.5e-6 + 5e-10 * n * i * k * j


class _Moving:
    """Each node of a graph with the axis of the lanes last (``last``) or as it was (``first``)."""

    def __init__(self, graph: Graph, size: int) -> None:
        self.size = size
        self._first: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
        self._last: dict[Tensor, Tensor] = {}
        self._lanes = {node for node in graph.inputs if self._may_be_lanes(node)}
        self._table: dict[str, Callable[[Tensor], Tensor | None]] = {
            "matmul": self._matmul,
            "reshape": self._reshape,
            "broadcast_to": self._broadcast_to,
            "transpose": self._transpose,
            "index": self._index,
            "concatenate": self._concatenate,
            "softmax_cross_entropy": self._softmax_cross_entropy,
            **dict.fromkeys(_REDUCTIONS, self._reduction),
        }

    def of(self, node: Tensor) -> Tensor:
        """The node in its new form, whichever that is."""
        if node.op is None or node.op is CONSTANT:
            self._first[node] = node
            return node
        if came_from(node, "transpose") and self._turns(node):
            return self._last[node] if node in self._last else self._first[node]
        if self._may_be_lanes(node) and any(x in self._lanes for x in node.inputs):
            rule = self._elementwise if node.op.is_elementwise else self._table.get(node.op.name)
            moved = rule(node) if rule is not None else None
            outline = (*node.shape[1:], self.size), node.dtype
            if moved is not None and (moved.shape, moved.dtype) == outline:
                self._last[node] = moved
                self._lanes.add(node)
                return moved
        self._first[node] = rewired(node, tuple(self.first(x) for x in node.inputs))
        return self._first[node]

    def first(self, x: Tensor) -> Tensor:
        """``x`` as it was."""
        if x not in self._first:
            moved = self._last[x]
            self._first[x] = _turned(moved, (moved.ndim - 1, *range(moved.ndim - 1)))
        return self._first[x]

    def last(self, x: Tensor) -> Tensor:
        """``x``, which has the axis of the lanes in front, with that axis at the end."""
        if x not in self._last:
            self._last[x] = _turned(self.first(x), (*range(1, x.ndim), 0))
        return self._last[x]

    def _may_be_lanes(self, x: Tensor) -> bool:
        return x.ndim > 0 and x.shape[0] == self.size

    def _turns(self, node: Tensor) -> bool:
        """Take note of a transpose that itself moves the axis of the lanes."""
        x, axes = node.inputs[0], settings(node)["axes"]
        if axes == (x.ndim - 1, *range(x.ndim - 1)) and x.shape[-1] == self.size and x.ndim > 1:
            self._last[node] = self.first(x)
            self._lanes.add(node)
            return True
        if axes == (*range(1, x.ndim), 0) and x in self._lanes and x.ndim > 1:
            self._first[node] = self.last(x)
            return True
        return False

    def _beside(self, x: Tensor, ndim: int) -> Tensor:
        """An operand of an elementwise op whose result has ``ndim`` axes."""
        if x.ndim == ndim and x.shape[0] == self.size:
            return self.last(x)
        x = self.first(x)
        if x.ndim == ndim and x.ndim:
            return _turned(x, (*range(1, ndim), 0))
        return _reshaped(x, (*x.shape, 1)) if x.ndim else x

    def _elementwise(self, node: Tensor) -> Tensor | None:
        return _changed(node, *[self._beside(x, node.ndim) for x in node.inputs])

    def _reduction(self, node: Tensor) -> Tensor | None:
        axis = settings(node)["axis"]
        axes = axis if isinstance(axis, tuple) else (axis,)
        if axis is None or min(axes, default=0) <= 0:
            return None
        fewer = tuple(i - 1 for i in axes)
        x = self.last(node.inputs[0])
        kept = settings(node).get("keepdims", False)
        if came_from(node, "sum", "mean") and fewer == tuple(range(len(fewer))) and not kept:
            return _sum(x, len(fewer), 1.0 if came_from(node, "sum") else node.size / x.size)
        return _changed(node, x, axis=fewer if isinstance(axis, tuple) else fewer[0])

    def _reshape(self, node: Tensor) -> Tensor | None:
        return _reshaped(self.last(node.inputs[0]), (*node.shape[1:], self.size))

    def _broadcast_to(self, node: Tensor) -> Tensor | None:
        (x,) = node.inputs
        if x.ndim < node.ndim or not self._may_be_lanes(x):
            return None
        wide: Tensor = FUNCTIONS["broadcast_to"](self.last(x), (*node.shape[1:], self.size))
        return wide

    def _transpose(self, node: Tensor) -> Tensor | None:
        front, *rest = settings(node)["axes"]
        if front != 0:
            return None
        return _turned(self.last(node.inputs[0]), (*[i - 1 for i in rest], len(rest)))

    def _index(self, node: Tensor) -> Tensor | None:
        front, *key = settings(node)["key"]
        if front != _WHOLE or len(node.inputs) > 1:
            return None
        key = [*key, _WHOLE] if ... in key else key
        return _changed(node, self.last(node.inputs[0]), key=tuple(key))

    def _concatenate(self, node: Tensor) -> Tensor | None:
        axis = settings(node)["axis"]
        if axis == 0:
            return None
        return _changed(node, *[self.last(x) for x in node.inputs], axis=axis - 1)

    def _softmax_cross_entropy(self, node: Tensor) -> Tensor | None:
        """-Σ onehot(t) log_softmax(z), as the classes are no longer the last axis."""
        z, t = node.inputs
        classes = constant(np.arange(z.shape[-1], dtype=t.dtype).reshape(-1, 1))
        labels = self._beside(t, node.ndim)
        labels = _reshaped(labels, (*labels.shape[:-1], 1, labels.shape[-1]))
        hot = FUNCTIONS["astype"](FUNCTIONS["equal"](labels, classes), z.dtype)
        logs = FUNCTIONS["log_softmax"](self.last(z), node.ndim - 1)
        total: Tensor = FUNCTIONS["sum"](hot * logs, node.ndim - 1)
        return -total

    def _matmul(self, node: Tensor) -> Tensor | None:
        a, b = node.inputs
        matmul: Callable[..., Tensor] = FUNCTIONS["matmul"]
        if a.ndim == 2 and b.ndim <= 2 and a in self._lanes:
            turned = self.first(b) if b.ndim == 1 else _turned(self.first(b), (1, 0))
            return matmul(turned, self.last(a))
        if node.ndim != 3:
            return None
        if a.ndim == 2:
            wide = _reshaped(self.last(b), (b.shape[1], b.shape[2] * self.size))
            return _reshaped(matmul(self.first(a), wide), (*node.shape[1:], self.size))
        if b.ndim == 2:
            return matmul(_turned(self.first(b), (1, 0)), self.last(a))
        if a.shape[0] != self.size or b.shape[0] != self.size:
            return None
        return _sum_of_products(self.last(a), self.last(b))


def _sum_of_products(a: Tensor, b: Tensor) -> Tensor:
    """(i, j, n), of a (i, k, n) and b (k, j, n): a product of each lane with its own."""
    (i, k, n), j = a.shape, b.shape[1]
    if k == 1:
        return a * b
    a = _turned(a, (1, 0, 2))  # the inner axis in front: adding over it is a product with ones
    if min(i, j) == 1:
        return _reshaped(_sum(a * b, 1), (i, j, n))
    a, b = FUNCTIONS["getitem"](a, np.s_[:, :, None]), FUNCTIONS["getitem"](b, np.s_[:, None])
    if k * i * j * n <= AT_ONCE:
        return _sum(a * b, 1)
    total = a[0] * b[0]
    for term in range(1, k):
        total = total + a[term] * b[term]
    return total


def _changed(node: Tensor, *inputs: Tensor, **settings: Any) -> Tensor:
    """The op of ``node`` on other inputs, with some settings changed."""
    op: Any = node.op
    result: Tensor = apply(replace(op, **settings) if settings else op, *inputs)
    return result


def _sum(x: Tensor, axes: int, weight: float = 1.0) -> Tensor:
    """The sum over the first axes, times a weight: a row times a matrix, which is quicker."""
    entries = math.prod(x.shape[:axes])
    row = constant(np.full(entries, weight, x.dtype))
    matrix = _reshaped(x, (entries, math.prod(x.shape[axes:])))
    return _reshaped(FUNCTIONS["matmul"](row, matrix), x.shape[axes:])


def _turned(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """A transpose; of a transpose, one that does both at once, or nothing."""
    if came_from(x, "transpose"):
        axes = tuple(settings(x)["axes"][i] for i in axes)
        x = x.inputs[0]
    turned: Tensor = x if axes == tuple(range(x.ndim)) else FUNCTIONS["transpose"](x, axes)
    return turned


def _reshaped(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A reshape; of a reshape, one that does both at once, or nothing."""
    if came_from(x, "reshape"):
        x = x.inputs[0]
    reshaped: Tensor = x if x.shape == shape else FUNCTIONS["reshape"](x, shape)
    return reshaped
