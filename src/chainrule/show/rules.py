"""Rules: how a derivative is written shorter, a node at a time.

Each rule looks at one node whose inputs are already in order, and gives a node of the same value
that reads better, or None.
"""

from __future__ import annotations

from chainrule.graph.op import CONSTANT, OPS
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.show.rewriting import Context, all_same, applied, broadcast, new, spread


def activation(at: Context, node: Tensor) -> Tensor | None:
    """e^(z - softplus z) = σ(z), e^(log softmax) = softmax; σ(-z) = 1 - σ(z) if it is known."""
    if came_from(node, "sigmoid") and came_from(node.inputs[0], "negative"):
        positive = at.computed(OPS["sigmoid"](), node.inputs[0].inputs)
        return None if positive is None else new("subtract", 1.0, positive)
    if not came_from(node, "exp"):
        return None
    (x,) = node.inputs
    if came_from(x, "log_softmax"):
        return applied(OPS["softmax"](**x.op.settings()), x.inputs[0])  # type: ignore[union-attr]
    if came_from(x, "subtract"):
        z, level = x.inputs
        if came_from(level, "softplus") and level.inputs[0] is z:
            return new("sigmoid", z)
    if came_from(x, "negative") and came_from(x.inputs[0], "add"):
        z, level = x.inputs[0].inputs
        if came_from(level, "softplus") and came_from(level.inputs[0], "negative"):
            return new("sigmoid", level.inputs[0]) if level.inputs[0].inputs[0] is z else None
    return None


def signs(at: Context, node: Tensor) -> Tensor | None:
    """a + (-b) = a - b, and its like."""
    if came_from(node, "negative") and at.is_open(node.inputs[0], "subtract"):
        return new("subtract", *node.inputs[0].inputs[::-1])
    if not came_from(node, "add", "subtract"):
        return None
    a, b = node.inputs
    plus = came_from(node, "add")
    if at.is_open(b, "negative"):
        return new("subtract" if plus else "add", a, b.inputs[0])
    if at.is_open(a, "negative"):
        if plus:
            return new("subtract", b, a.inputs[0])
        return new("negative", new("add", a.inputs[0], b))
    return None


def twice(at: Context, node: Tensor) -> Tensor | None:
    """x + x = 2x."""
    if came_from(node, "add") and node.inputs[0] is node.inputs[1]:
        return new("multiply", 2.0, node.inputs[0])
    return None


def known_reduction(at: Context, node: Tensor) -> Tensor | None:
    """A mean that was computed before, when only an axis of size 1 tells the two apart."""
    if node.op is None or not node.op.is_elementwise:
        return None
    inputs = list(node.inputs)
    for place, x in enumerate(inputs):
        if x in at.closed or not came_from(x, "mean", "sum", "max", "min"):
            continue
        assert x.op is not None
        flat = type(x.op)(x.op.settings()["axis"], False)  # type: ignore[call-arg]
        twin = at.computed(flat, x.inputs)
        if twin is not None and broadcast(inputs, place, twin) == node.shape:
            inputs[place] = twin
    return None if all_same(inputs, node.inputs) else applied(node.op, *inputs)


def vector_product(at: Context, node: Tensor) -> Tensor | None:
    """A matrix times a column that was made of a vector, as a vector again, is A v."""
    if not came_from(node, "reshape") or node.ndim != 1:
        return None
    (product,) = node.inputs
    if not at.is_open(product, "matmul") or product.ndim != 2:
        return None
    a, column = product.inputs
    if at.is_open(column, "reshape") and column.inputs[0].ndim == 1:
        return new("matmul", a, column.inputs[0])
    if at.is_open(column, "broadcast_to") and column.inputs[0].ndim == 0:
        return new("matmul", a, spread(column.inputs[0], column.shape[:1]))
    return None


def ones(at: Context, node: Tensor) -> Tensor | None:
    """A number that fills an array is multiplied as a number."""
    if came_from(node, "broadcast_to"):
        (x,) = node.inputs
        inner = x.inputs[0] if at.is_open(x, "reshape") else x
        if inner is not x and inner.op is CONSTANT and inner.size == 1:
            return spread(inner, node.shape)
    if not came_from(node, "multiply"):
        return None
    for full, other in (node.inputs, node.inputs[::-1]):
        if at.is_open(full, "broadcast_to") and full.inputs[0].op is CONSTANT:
            (number,) = full.inputs
            if number.size == 1 and other.shape != node.shape:
                return at.rows.times(float(number.value.item()), spread(other, node.shape))
    return None
