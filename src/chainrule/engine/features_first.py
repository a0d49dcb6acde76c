"""Hidden layers with a row for each unit: graph to graph, for the NumPy engine.

What lies between two products is computed transposed::

    Z = X @ V                 becomes    Zᵀ = Vᵀ @ Xᵀ
    H = tanh(Z)                          Hᵀ = tanh(Zᵀ)
    H @ W                                (Hᵀ)ᵀ @ W

Two kinds of layers gain by it. On small data, ``bias_rows`` wants a column of ones beside the
outputs H of a layer: [H 1]. Written into such rows with gaps, H costs as much as is saved; a row of
ones under Hᵀ leaves it in one piece. And layers that are wide for their rows: BLAS copies the
factors of a product into panels, and here it is the shorter one that is copied crosswise. The three
products of a layer from 512 to 512 units took 0.77 of the time for 32 rows, 0.86 for 64 and 0.91
for 128; a whole epoch 0.95 with 256 units and 32 rows, 0.99 with 512 and 128, and no less with
fewer (OpenBLAS 0.3 on AVX-512, one core; with two threads that share a product, 0.77).

Each entry is made of the same numbers as before; a product may add them in another order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import CONSTANT, FUNCTIONS
from chainrule.graph.origin import came_from, settings
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor

Consumers = Mapping[Tensor, list[Tensor]]

#: A layer is wide with at least so many units, and so many times the rows of a batch.
UNITS, TIMES_ROWS = 256, 4


def features_first(graph: Graph) -> Graph:
    """The graph with the H that are joined with ones or wide, and their like, turned."""
    consumers = consumers_of(graph)
    turned: set[Tensor] = set()
    for node in graph.nodes:
        if _is_longer(node):
            turned |= _alike(node.inputs[0], consumers) | {node}
        elif node not in turned and _is_wide(node):
            layer = _alike(node, consumers)
            if all(_turns_freely(x, layer, consumers) for x in layer):
                turned |= layer
    return _turned(graph, turned) if turned else graph


def consumers_of(graph: Graph) -> Consumers:
    """The nodes that read each node, in order."""
    consumers: dict[Tensor, list[Tensor]] = defaultdict(list)
    for node in graph.nodes:
        for x in node.inputs:
            consumers[x].append(node)
    return consumers


def is_plain_product(node: Tensor) -> bool:
    """Whether the node is a product of two matrices."""
    return came_from(node, "matmul") and all(x.ndim == 2 for x in node.inputs)


def _is_longer(node: Tensor) -> bool:
    """Whether the node is [H 1], with outputs of a layer as H."""
    if not came_from(node, "concatenate") or settings(node)["axis"] != 1:
        return False
    H, ones = node.inputs[0], node.inputs[-1]
    return len(node.inputs) == 2 and ones.op is CONSTANT and _is_elementwise(H)


def _is_wide(node: Tensor) -> bool:
    """Whether the node is a product that makes many units of few rows."""
    if not is_plain_product(node):
        return False
    rows, units = node.shape
    return units >= max(UNITS, TIMES_ROWS * rows) and rows > 1


def _turns_freely(node: Tensor, layer: set[Tensor], consumers: Consumers) -> bool:
    """Whether nothing beside the node would have to be read or written crosswise."""
    if came_from(node, "matmul"):
        reads = True
    else:
        reads = all(x in layer or x.shape != node.shape for x in node.inputs)
    return reads and all(
        x in layer
        or came_from(x, "matmul", "transpose")
        or (came_from(x, "sum") and settings(x)["axis"] == 0)
        for x in consumers[node]
    )


def _is_elementwise(node: Tensor) -> bool:
    return node.op is not None and node.op.is_elementwise


def _alike(H: Tensor, consumers: Consumers) -> set[Tensor]:
    """What is computed entry by entry from H or leads to it so, back to the products."""
    found = {H}
    stack = [H]
    while stack:
        node = stack.pop()
        near = [x for x in consumers[node] if _is_elementwise(x)]
        if _is_elementwise(node):
            near += [x for x in node.inputs if _is_elementwise(x) or came_from(x, "matmul")]
        for x in near:
            if x.shape == H.shape and x not in found:
                found.add(x)
                stack.append(x)
    return found


def _turned(graph: Graph, turned: set[Tensor]) -> Graph:
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    for node in graph.nodes[len(graph.inputs) :]:
        inputs = [become[x] for x in node.inputs]
        with within(node.scope, node.place):
            if node not in turned:
                become[node] = rewired(node, tuple(inputs))
            elif came_from(node, "matmul"):
                become[node] = other_way(FUNCTIONS["matmul"](*map(other_way, inputs[::-1])))
            elif came_from(node, "concatenate"):
                parts = [other_way(x) for x in inputs]
                become[node] = other_way(FUNCTIONS["concatenate"](parts, 0))
            else:
                assert node.op is not None
                parts = [x if x.size == 1 else other_way(_as_rows(x, node)) for x in inputs]
                become[node] = other_way(apply(node.op, *parts))
    return rebuilt(graph, become)


def _as_rows(x: Tensor, node: Tensor) -> Tensor:
    """A vector that is broadcast along the rows of ``node``, as one row."""
    return x if x.ndim == node.ndim else FUNCTIONS["reshape"](x, (1, *x.shape))


def other_way(x: Tensor) -> Tensor:
    """xᵀ; of a transposed one, what it was."""
    if came_from(x, "transpose") and settings(x)["axes"] == (1, 0):
        return x.inputs[0]
    turned: Tensor = FUNCTIONS["transpose"](x)
    return turned
