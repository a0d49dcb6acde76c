"""Mutants of the matrix product: the weight that is not transposed, or is another layer's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.anatomy import Anatomy, Product
from chainrule.check.evidence import Array
from chainrule.check.mutants.mutant import Mutant
from chainrule.graph import Tensor
from chainrule.graph.differentiate import Rule, by_the_op


def product_mutants(anatomy: Anatomy) -> Iterator[Mutant]:
    """Each product by itself, then all of them, with another matrix on the way back."""
    flipped = []
    for product in anatomy.products:
        if product.input not in anatomy.data or product.node.ndim != 2:
            continue
        own = anatomy.replay.values[product.weight]
        right = own.T
        if own.shape == right.shape and not np.array_equal(own, right):
            flipped.append(product)
            yield _not_transposed([product], anatomy)
        for other, matrix, name in _matrices(anatomy, product):
            if matrix.shape == right.shape and not np.array_equal(matrix, right):
                yield Mutant(
                    kinds.OTHER_INPUT, {product.node: _with(product, matrix)}, product.node,
                    f"Theirs goes back through {product.name} with {name}: the weight of another "
                    "layer.",
                    _repair(product), 3 + other,
                )  # fmt: skip
        yield from _skipped(product)
    if len(flipped) > 1:
        yield _not_transposed(flipped, anatomy)


def _not_transposed(products: Sequence[Product], anatomy: Anatomy) -> Mutant:
    rules = {p.node: _with(p, anatomy.replay.values[p.weight]) for p in products}
    names = ", ".join(dict.fromkeys(p.name for p in products))
    return Mutant(
        kinds.WEIGHT_NOT_TRANSPOSED, rules, products[-1].node,
        f"Theirs goes back through {names} with the very matrix of the forward pass; its transpose "
        "belongs there. The matrix is square, so NumPy does not object.",
        _repair(products[-1]),
    )  # fmt: skip


def _matrices(anatomy: Anatomy, product: Product) -> Iterator[tuple[int, Array, str]]:
    """The weights of other layers, as they are and transposed."""
    for other in anatomy.products:
        if other.name != product.name:
            values = anatomy.replay.values[other.weight]
            yield 0, values.T, other.name
            yield 1, values, other.name


def _with(product: Product, matrix: Array) -> Rule:
    """The rule of a product with ``matrix`` for what goes back to its input."""
    first = product.input is product.node.inputs[0]

    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        pulled = by_the_op(node, g, y, *x)
        back: Callable[[], Any] = lambda: g @ matrix if first else matrix @ g  # noqa: E731
        return (back, pulled[1]) if first else (pulled[0], back)

    return rule


def updated_mutants(anatomy: Anatomy, theirs: Mapping[str, Array]) -> Iterator[Mutant]:
    """A weight that was stepped along its gradient before the way back went through it.

    How long the step was is not known: the mutant has a strength.
    """
    for product in anatomy.products:
        step = theirs.get(product.name)
        weight = anatomy.replay.values[anatomy.replay.graph.input(product.name)]
        if product.input not in anatomy.data or step is None or step.shape != weight.shape:
            continue
        if product.node.ndim == 2:
            yield _updated(anatomy, product, weight, step)


def _updated(anatomy: Anatomy, product: Product, weight: Array, step: Array) -> Mutant:
    def at(rate: float) -> Mapping[Tensor, Rule]:
        moved = anatomy.as_operand(product, weight - rate * step)
        return {product.node: _with(product, moved.T)}

    name = product.name
    return Mutant(
        kinds.WRITTEN_INTO, at(1.0), product.node,
        f"Theirs updates {name} before the gradient has gone back through it: what lies further "
        f"back is computed with the new {name}.",
        f"{_repair(product)}    # first; then {name} = {name} - rate * d{name}", 0, at,
    )  # fmt: skip


def _skipped(product: Product) -> Iterator[Mutant]:
    """The product left out on the way back, where the sizes allow it."""
    if product.input.shape != product.node.shape:
        return

    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        pulled = by_the_op(node, g, y, *x)
        return tuple(
            g if to is product.input else gx for to, gx in zip(node.inputs, pulled, strict=True)
        )

    yield Mutant(
        kinds.OTHER_INPUT, {product.node: rule}, product.node,
        f"Theirs hands the gradient back past {product.name} without multiplying by it.",
        _repair(product), 6,
    )  # fmt: skip


def _repair(product: Product) -> str:
    moved = product.weight.op is not None and product.weight.inputs
    back = product.name if moved else f"{product.name}.T"
    return f"da = dz @ {back}" if product.input is product.node.inputs[0] else f"da = {back} @ dz"
