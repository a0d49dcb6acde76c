"""Faster forms: graph to graph, for the NumPy engine. Each rounds differently, within a bound.

What one ufunc or reduction does slowly, another does fast. These rewrites are the only difference
between what the engine computes and what the reference engine defines; on the rewritten graph the
two agree bit for bit. ε is the machine epsilon of the dtype (2^-52, or 2^-23 for float32):

====================  ================================  ========================================
form                  becomes                           differs by at most
====================  ================================  ========================================
Σ over rows           ones @ x                          n ε Σ|x|, as any other order of adding
σ(x)                  1/2 + 1/2 tanh(x/2)               ε (absolute; the value is in 0 to 1)
====================  ================================  ========================================
"""

from __future__ import annotations

import numpy as np

from chainrule.graph.graph import Graph, rebuilt
from chainrule.graph.op import CONSTANT, FUNCTIONS
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor, constant


def faster(graph: Graph) -> Graph:
    """The graph with each node replaced that has a faster form."""
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    ones: dict[tuple[int, np.dtype[np.generic]], Tensor] = {}
    for node in graph.nodes[len(graph.inputs) :]:
        if node.op is None or node.op is CONSTANT:
            become[node] = node
            continue
        inputs = tuple(become[x] for x in node.inputs)
        with within(node.scope):
            become[node] = _replaced(node, inputs, ones)
    return rebuilt(graph, become)


def _replaced(
    node: Tensor, inputs: tuple[Tensor, ...], ones: dict[tuple[int, np.dtype[np.generic]], Tensor]
) -> Tensor:
    op, x = node.op, inputs[0]
    assert op is not None
    if op.name == "sum" and x.ndim == 2 and x.dtype.kind == "f":
        settings = op.settings()
        if settings["axis"] == 0 and not settings["keepdims"] and len(x.shape) == 2:
            key = (x.shape[0], x.dtype)
            row = ones.setdefault(key, constant(np.ones(*key)))
            return FUNCTIONS["matmul"](row, x)  # type: ignore[no-any-return]
    if op.name == "sigmoid":
        return 0.5 + 0.5 * FUNCTIONS["tanh"](0.5 * x)  # type: ignore[no-any-return]
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return node
    fresh = Tensor(op, inputs, None, node.shape, node.dtype, node.name)
    fresh.scope, fresh.place = node.scope, node.place
    return fresh
