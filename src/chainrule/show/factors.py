"""Factors: the numbers of a product in one place, its sign in front, and 1/m as a division."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.show.rewriting import Context, applied, new


@dataclass(frozen=True)
class _Product:
    """number · Π above / Π below; ``has_number`` if a number or a sign was written there."""

    number: float
    above: tuple[Tensor, ...] = ()
    below: tuple[Tensor, ...] = ()
    has_number: bool = True


def product(at: Context, node: Tensor) -> Tensor | None:
    """The sign and the number of a product in front, and 1/n as a division."""
    if not came_from(node, "multiply", "divide", "negative") or node.dtype.kind != "f":
        return None
    found = _factors(at, node, top=True)
    return _written(at, found) if found.has_number and found.above else None


def common_number(at: Context, node: Tensor) -> Tensor | None:
    """c a + c b = c (a + b)."""
    if not came_from(node, "add", "subtract") or node.dtype.kind != "f":
        return None
    a, b = (_factors(at, x) for x in node.inputs)
    if a.number != b.number or a.number in (1, -1) or not (a.above and b.above):
        return None
    assert node.op is not None
    terms = [_written(at, replace(one, number=1.0)) for one in (a, b)]
    return _written(at, _Product(a.number, (applied(node.op, *terms),)))


def number_outside(at: Context, node: Tensor) -> Tensor | None:
    """Σ c x = c Σ x, and so for whatever only rearranges."""
    if not came_from(node, "sum", "reshape", "transpose", "broadcast_to"):
        return None
    if not at.is_open(node.inputs[0], "multiply", "divide", "negative"):
        return None
    found = _factors(at, node.inputs[0])
    if found.number == 1 or not found.above:
        return None
    assert node.op is not None
    rest = _written(at, replace(found, number=1.0))
    return _written(at, _Product(found.number, (applied(node.op, rest),)))


def _factors(at: Context, x: Tensor, top: bool = False) -> _Product:
    if x.op is CONSTANT and x.size == 1 and x not in at.names and np.isfinite(x.value).all():
        return _Product(float(x.value.item()))
    itself = _Product(1.0, (x,), has_number=False)
    if (x in at.closed and not top) or not came_from(x, "multiply", "divide", "negative"):
        return itself
    if came_from(x, "negative"):
        inner = _factors(at, x.inputs[0])
        return replace(inner, number=-inner.number, has_number=True)
    a, b = (_factors(at, factor) for factor in x.inputs)
    has_number = a.has_number or b.has_number
    if came_from(x, "multiply"):
        return _Product(a.number * b.number, a.above + b.above, a.below + b.below, has_number)
    if at.rows.is_count(x.inputs[1]):
        return _Product(a.number / at.rows.of(x.inputs[1]), a.above, a.below)
    if not b.number:
        return itself
    return _Product(a.number / b.number, a.above + b.below, a.below + b.above, has_number)


def _written(at: Context, product: _Product) -> Tensor:
    result, *rest = product.above
    for factor in rest:
        result = new("multiply", result, factor)
    for factor in product.below:
        result = new("divide", result, factor)
    return at.rows.times(product.number, result)
