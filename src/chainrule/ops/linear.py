"""Linear algebra: the matrix product, in which nearly all the work of a network lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError
from chainrule.graph.op import Array, Op, Shape, broadcast, public, speaks_for
from chainrule.ops.arithmetic import multiply
from chainrule.ops.base import aligned, binary, sample
from chainrule.ops.shape import expand_dims, ravel, shape_of, squeeze


def _to_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return g.dot(b.T)
    if b.ndim == 1:
        return (g if a.ndim == 1 else expand_dims(g, -1)) * b
    if a.ndim == 1:
        return squeeze(matmul(b, expand_dims(g, -1)), -1)
    return matmul(g, b.mT)


def _to_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return a.T.dot(g)
    if a.ndim == 1:
        return g * a if b.ndim == 1 else expand_dims(a, -1) * expand_dims(g, -2)
    if b.ndim == 1:
        return squeeze(matmul(a.mT, expand_dims(g, -1)), -1)
    return matmul(a.mT, g)


class MatMul(Op):
    """y = a @ b: matrix times matrix, batches of matrices (leading axes broadcast), vectors."""

    name, onnx = "matmul", "MatMul"
    latex, code = "{0} {1}", "{0} @ {1}"
    pulls = _to_left, _to_right

    def value(self, xp: Any, a: Any, b: Any) -> Any:
        # For vectors and matrices the two are the same product; dot costs less to call.
        return xp.dot(a, b) if 0 < a.ndim <= 2 and 0 < b.ndim <= 2 else xp.matmul(a, b)

    def shape(self, *x: Shape) -> Shape:
        a, b = x
        if not a or not b:
            raise ShapeError(f"matmul needs vectors or matrices, got {a} @ {b}. For numbers use *.")
        inner = b[-2] if len(b) > 1 else b[0]
        if a[-1] != inner:
            raise ShapeError(
                f"matmul needs equal inner sizes, got {a} @ {b}: {a[-1]} is not {inner}."
                f"{_transposed_hint(a, b)}"
            )
        try:
            batch = broadcast(a[:-2], b[:-2])
        except ValueError:
            raise ShapeError(f"matmul of {a} @ {b}: the leading axes do not broadcast.") from None
        return (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        common = self.dtype(*[part.dtype for part in x])
        return xp.node(self.onnx, *[xp.astype(part, common) for part in x])

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        a, b = x
        if a.ndim == 2 and stacked == (True, False) and b.ndim <= 2:
            return matmul(a, b)  # the rows of a matrix, in one product
        # A vector becomes a row on the left, a column on the right, and its axis goes at the end.
        row, column = a.ndim - stacked[0] == 1, b.ndim - stacked[1] == 1
        a, b = expand_dims(a, -2) if row else a, expand_dims(b, -1) if column else b
        ndim = max(a.ndim - stacked[0], b.ndim - stacked[1])
        y = matmul(aligned(a, ndim) if stacked[0] else a, aligned(b, ndim) if stacked[1] else b)
        y = squeeze(y, -2) if row else y
        return squeeze(y, -1) if column else y

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for a, b in (
            ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (5, 3, 4)),
            ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 1)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)),
            ((5, 1, 2, 3), (4, 3, 2)),
        ):  # fmt: skip
            yield cls(), (sample("real", a, rng), sample("real", b, rng))


def _transposed_hint(a: Shape, b: Shape) -> str:
    if len(b) > 1 and a[-1] == b[-1]:
        return " Perhaps the second is meant transposed: a @ b.T."
    if len(a) > 1 and a[-2] == (b[-2] if len(b) > 1 else b[0]):
        return " Perhaps the first is meant transposed: a.T @ b."
    return f" The left side has {a[-1]} columns and the right side was made for {b[0]}."


matmul = binary(MatMul, np.matmul)


@public
@speaks_for(np.dot)
def dot(a: Any, b: Any) -> Any:
    """NumPy's dot for numbers, vectors and matrices: the product, or ``*`` where one is a number.

    Raises:
        OptionError: more than two axes, where dot and matmul differ.
    """
    dims = len(shape_of(a)), len(shape_of(b))
    if 0 in dims:
        return multiply(a, b)
    if max(dims) > 2:
        raise OptionError(
            f"dot of shapes {shape_of(a)} and {shape_of(b)}: with more than two axes write "
            "cr.matmul(a, b), which treats the leading axes as a batch."
        )
    return matmul(a, b)


@public
@speaks_for(np.outer)
def outer(a: Any, b: Any) -> Any:
    """y_ij = a_i b_j, of two vectors (anything else is flattened first)."""
    return multiply(expand_dims(ravel(a), 1), expand_dims(ravel(b), 0))
