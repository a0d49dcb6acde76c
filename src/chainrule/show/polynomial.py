"""Polynomials: sums of products multiplied out, where that makes an expression shorter.

The derivative of a cross-entropy through a sigmoid is t (1 - p) - (1 - t) p before anybody looks at
it, and t - p afterwards.
"""

from __future__ import annotations

import numpy as np

from chainrule.graph.apply import apply, constant
from chainrule.graph.op import CONSTANT, OPS
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.show.rewriting import Context
from chainrule.show.rows import Rows

#: A product of factors, each as often as it occurs.
_Term = tuple[Tensor, ...]
_Terms = dict[_Term, float]
_NOTHING = 1e-12
#: More terms than this are not expanded: the result would not be read.
MOST_TERMS = 64


def shorter(at: Context, node: Tensor) -> Tensor | None:
    """``node`` as a sum of products, if that is written with fewer names; else None."""
    if not came_from(node, "add", "subtract", "multiply") or node.dtype.kind != "f":
        return None
    terms = _expanded(at, node, top=True)
    if terms is None or not node.size:
        return None
    terms = {term: c for term, c in terms.items() if abs(c) > _NOTHING}
    if not terms or _length(at, node, top=True) <= sum(len(term) for term in terms):
        return None
    return _sum(terms, node, at.rows)


def _expanded(at: Context, x: Tensor, top: bool = False) -> _Terms | None:
    if x.op is CONSTANT and x.size == 1:
        return {(): float(x.value.item())}
    if (x in at.closed and not top) or not x.inputs:
        return _itself(x)
    if came_from(x, "divide") and (below := _divisor(at, x.inputs[1])):
        above = _expanded(at, x.inputs[0])
        return None if above is None else _scaled(above, 1 / below)
    if not came_from(x, "add", "subtract", "multiply", "negative"):
        return _itself(x)
    parts = [_expanded(at, part) for part in x.inputs]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or np.prod([len(part) for part in known]) > MOST_TERMS:
        return None
    if came_from(x, "negative"):
        return _scaled(known[0], -1.0)
    a, b = known
    if came_from(x, "multiply"):
        product: _Terms = {}
        for one, c in a.items():
            for other, d in b.items():
                term = tuple(sorted((*one, *other), key=_order))
                product[term] = product.get(term, 0.0) + c * d
        return product
    total = dict(a)
    for term, c in b.items():
        total[term] = total.get(term, 0.0) + (c if came_from(x, "add") else -c)
    return total


def _itself(x: Tensor) -> _Terms:
    return {(x,): 1.0}


def _divisor(at: Context, x: Tensor) -> float:
    """The number that is divided by; 0 if it is none."""
    if at.rows.is_count(x):
        return at.rows.of(x)
    return float(x.value.item()) if _is_number(x) else 0.0


def _order(x: Tensor) -> int:
    return x.index


def _is_number(x: Tensor) -> bool:
    return x.op is CONSTANT and x.size == 1


def _scaled(terms: _Terms, by: float) -> _Terms:
    return {term: c * by for term, c in terms.items()}


def _length(at: Context, x: Tensor, top: bool = False) -> int:
    """How many names the expression is written with."""
    if _is_number(x):
        return 0
    if (x in at.closed and not top) or not x.inputs:
        return 1
    if not came_from(x, "add", "subtract", "multiply", "negative", "divide"):
        return 1
    return sum(_length(at, part) for part in x.inputs)


def _sum(terms: _Terms, node: Tensor, rows: Rows) -> Tensor | None:
    """The terms as a node: positive ones first, a number that all share in front."""
    sizes = {abs(c) for c in terms.values()}
    common = min(sizes)
    if max(sizes) - common > _NOTHING * common:
        common = 1.0
    ordered = sorted(terms.items(), key=lambda pair: pair[1] < 0)
    result: Tensor | None = None
    for term, c in ordered:
        one = rows.times(abs(c) / common, _product(term, node))
        if result is None:
            result = one if c > 0 else apply(OPS["negative"](), one)
        else:
            result = apply(OPS["add" if c > 0 else "subtract"](), result, one)
    assert result is not None
    return rows.times(common, result)


def _product(term: _Term, node: Tensor) -> Tensor:
    if not term:
        return constant(np.ones((), node.dtype))
    result = term[0]
    for factor in term[1:]:
        result = apply(OPS["multiply"](), result, factor)
    return result
