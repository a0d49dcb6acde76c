"""Biases as one more row of the weights: graph to graph, for the NumPy engine and small data.

X W + b is [X 1] [W; b], where the parameters lie one after the other in the vector θ. On small data
a call of NumPy costs more than its arithmetic, and this saves two of them: the addition forward,
and the sum over rows backward, because dW and db are then one product::

    X @ W + b                      becomes    [X 1] @ θ[W and b]
    [..., Xᵀ @ D, Σ D, ...]        becomes    [..., [X 1]ᵀ @ D, ...]

It is done where X is a steady input, so that [X 1] is made only once (the first layer, trained on
all rows at a time), or comes from the layer before, where ``features_first`` lets the ones be. The
results differ by the order of adding: at most 2 (k + 1) ε (|X| |W| + |b|), for k inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np

from chainrule.graph.apply import constant
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import FUNCTIONS
from chainrule.graph.origin import came_from, settings
from chainrule.graph.tensor import Tensor

#: Entries of X up to which a call costs more than the work in it.
SMALL = 4096


def bias_rows(graph: Graph, steady: Collection[str]) -> Graph:
    """The graph with the affine layers on small ``steady`` inputs as one product each."""
    fixed = {graph.input(name) for name in steady}
    uses = Counter(x for node in graph.nodes for x in node.inputs)
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    longer: dict[Tensor, Tensor] = {}
    for node in graph.nodes[len(graph.inputs) :]:
        inputs = tuple(become[x] for x in node.inputs)
        replaced = _affine(node, become, longer, uses, fixed)
        if replaced is None:
            replaced = _joined(node, become, longer, uses)
        become[node] = rewired(node, inputs) if replaced is None else replaced
    return rebuilt(graph, become) if longer else graph


def _affine(
    node: Tensor, become: dict[Tensor, Tensor], longer: dict[Tensor, Tensor], uses: Counter[Tensor],
    fixed: set[Tensor],
) -> Tensor | None:  # fmt: skip
    """[X 1] @ θ[W and b], if the node is X @ W + b with W and b side by side in θ."""
    if not came_from(node, "add"):
        return None
    product, bias = node.inputs
    if not came_from(product, "matmul") or uses[product] > 1:
        return None
    x, weights = product.inputs
    made = x in fixed or (x.op is not None and x.op.is_elementwise)
    if not made or x.ndim != 2 or x.size > SMALL or x.dtype != node.dtype:
        return None
    first, second = _slice_of(weights), _slice_of(bias)
    if first is None or second is None or first[0] is not second[0] or first[2] != second[1]:
        return None
    if bias.shape != node.shape[-1:]:
        return None
    theta, start, stop = first[0], first[1], second[2]
    if x not in longer:
        ones = constant(np.ones((x.shape[0], 1), x.dtype))
        longer[x] = FUNCTIONS["concatenate"]([become[x], ones], 1)
    both = FUNCTIONS["reshape"](
        FUNCTIONS["getitem"](become[theta], slice(start, stop)),
        (weights.shape[0] + 1, weights.shape[1]),
    )
    result: Tensor = FUNCTIONS["matmul"](longer[x], both)
    return result


def _joined(
    node: Tensor, become: dict[Tensor, Tensor], longer: dict[Tensor, Tensor], uses: Counter[Tensor]
) -> Tensor | None:
    """The joined gradients, with each dW and db that come from such a layer as one part."""
    if not came_from(node, "concatenate"):
        return None
    parts: list[Tensor] = []
    rest = list(node.inputs)
    while rest:
        part = rest.pop(0)
        both = _gradient_of_both(part, rest[0], longer, uses) if rest else None
        if both is None:
            parts.append(become[part])
            continue
        x, d = both
        rest.pop(0)
        product = FUNCTIONS["matmul"](FUNCTIONS["transpose"](longer[x]), become[d])
        parts.append(FUNCTIONS["reshape"](product, -1))
    if len(parts) == len(node.inputs):
        return None
    result: Tensor = FUNCTIONS["concatenate"](parts)
    return result


def _gradient_of_both(
    weights: Tensor, bias: Tensor, longer: dict[Tensor, Tensor], uses: Counter[Tensor]
) -> tuple[Tensor, Tensor] | None:
    """(X, D), if the two are Xᵀ @ D in a row and Σ D over rows, and X is a layer's input here."""
    if not (came_from(weights, "reshape") and weights.ndim == 1 and came_from(bias, "sum")):
        return None
    product = weights.inputs[0]
    if not (came_from(product, "matmul") and came_from(product.inputs[0], "transpose")):
        return None
    if uses[bias] > 1 or uses[product] > 1:
        return None
    x, d = product.inputs[0].inputs[0], product.inputs[1]
    if (
        x not in longer
        or bias.inputs[0] is not d
        or settings(bias) != {"axis": 0, "keepdims": False}
    ):
        return None
    return x, d


def _slice_of(x: Tensor) -> tuple[Tensor, int, int] | None:
    """(θ, start, stop), if ``x`` is that slice of a vector, in any shape."""
    if came_from(x, "reshape"):
        x = x.inputs[0]
    if not came_from(x, "index") or x.inputs[0].ndim != 1 or x.inputs[0].op is not None:
        return None
    (key,) = settings(x)["key"]
    if not isinstance(key, tuple) or key[2] not in (None, 1) or key[0] is None or key[1] is None:
        return None
    return x.inputs[0], key[0], key[1]
