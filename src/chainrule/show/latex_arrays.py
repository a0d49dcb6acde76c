"""Arrays in LaTeX: products of matrices, transposes, and sums with their index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import settings
from chainrule.graph.tensor import Tensor
from chainrule.show.latex_pieces import (
    ATOM,
    BIG,
    CALL,
    MATRIX,
    MINUS,
    POWER,
    SCALED,
    Index,
    Written,
    indexed,
    of_input,
    raised,
    tight,
)  # fmt: skip

if TYPE_CHECKING:
    from chainrule.show.latex import Latex

_LETTERS = "ijklpqrs"
_BIG = {"sum": r"\sum", "max": r"\max", "min": r"\min"}


def _matmul(writer: Latex, node: Tensor, index: Index | None) -> Written:
    a, b = node.inputs
    left, right = (tight(writer.write(x), MATRIX, only=MATRIX) for x in (a, b))
    words = r"\mathrm" in left or r"\mathrm" in right
    dot = r"\cdot " if a.ndim == b.ndim == 1 else r"\, " if words else ""
    return indexed(Written(f"{left} {dot}{right}", MATRIX), node, index)


def _transpose(writer: Latex, node: Tensor, index: Index | None) -> Written:
    axes = settings(node)["axes"]
    if index is not None and len(index) == len(axes):
        back = [""] * len(axes)
        for place, axis in enumerate(axes):
            back[axis] = index[place]
        return writer.write(node.inputs[0], tuple(back))
    mark = (
        r"\top" if axes == tuple(range(len(axes)))[::-1] else rf"\top({', '.join(map(str, axes))})"
    )
    return Written(raised(writer.write(node.inputs[0]), mark), POWER)


def _spread(writer: Latex, node: Tensor, index: Index | None) -> Written:
    (x,) = node.inputs
    if index is not None:
        return writer.write(x, of_input(index, node, x))
    inner = writer.write(x)
    if x.size == 1:
        return (
            Written(r"\mathbf{1}", ATOM)
            if inner.text == "1"
            else (Written(rf"{tight(inner, MATRIX)}\, \mathbf{{1}}", SCALED))
        )
    if node.ndim == 2 and x.shape == (node.shape[0], 1):
        return Written(rf"{tight(inner, MATRIX)}\, \mathbf{{1}}^\top", MATRIX)
    if node.ndim == 2 and x.shape in ((node.shape[1],), (1, node.shape[1])):
        mark = inner.text if x.ndim == 2 else raised(inner, r"\top")
        return Written(rf"\mathbf{{1}}\, {mark}", MATRIX)
    return inner


def _reshape(writer: Latex, node: Tensor, index: Index | None) -> Written:
    (x,) = node.inputs
    if [n for n in x.shape if n > 1] != [n for n in node.shape if n > 1]:
        shape = r" \times ".join(map(str, node.shape))
        text = rf"\operatorname{{reshape}}_{{{shape}}}({writer.write(x).text})"
        return indexed(Written(text, CALL), node, index)
    if index is None:
        return writer.write(x)
    letters = iter([one for one, size in zip(index, node.shape, strict=True) if size != 1])
    return writer.write(x, tuple(next(letters) if size != 1 else "" for size in x.shape))


def _cast(writer: Latex, node: Tensor, index: Index | None) -> Written:
    (x,) = node.inputs
    written = writer.write(x, index)
    if x.dtype.kind == "b":
        return Written(rf"\mathbb{{1}}[{written.text}]", ATOM)
    return written


def _letters(writer: Latex, node: Tensor, index: Index | None) -> tuple[str, Index]:
    """The letters of the axes that are summed, and the index of the summand."""
    (x,) = node.inputs
    op = node.op
    axis = settings(node)["axis"]
    gone = range(x.ndim) if axis is None else np.atleast_1d(axis)
    free = [letter for letter in _LETTERS if letter not in (index or ())]
    outer = [":"] * node.ndim if index is None else list(index)
    if settings(node).get("keepdims"):
        outer = [one for place, one in enumerate(outer) if place not in gone]
    rest = iter(outer)
    inner, summed = [], []
    for place, size in enumerate(x.shape):
        if place in gone:
            letter = free[place] if size != 1 else ""
            summed.append(letter)
            inner.append(letter)
        else:
            inner.append(next(rest) if size != 1 else next(rest) and "")
    assert op is not None
    return ", ".join(filter(None, summed)), tuple(inner)


def _big(writer: Latex, node: Tensor, index: Index | None, sign: str = "") -> Written:
    assert node.op is not None
    letters, inner = _letters(writer, node, index)
    body = writer.write(node.inputs[0], inner)
    sign = sign or _BIG[node.op.name]
    if not letters:
        return body
    minus = "-" if body.level == MINUS and node.op.name in ("sum", "mean") else ""
    text = body.text[1:] if minus else tight(body, BIG)
    return Written(rf"{minus}{sign}_{{{letters}}} {text}", MINUS if minus else BIG)


def _mean(writer: Latex, node: Tensor, index: Index | None) -> Written:
    entries = node.inputs[0].size // max(node.size, 1)
    count = writer.read.rows.count_for(entries, node.dtype)
    below = str(entries) if count is None else writer.write(count).text
    total = _big(writer, node, index, r"\sum")
    if entries == 1:
        return total
    minus = "-" if total.level == MINUS else ""
    return Written(rf"{minus}\frac{{1}}{{{below}}} {total.text[len(minus) :]}", total.level)


def _logsumexp(writer: Latex, node: Tensor, index: Index | None) -> Written:
    letters, inner = _letters(writer, node, index)
    body = writer.write(node.inputs[0], inner)
    return Written(rf"\ln \sum_{{{letters}}} e^{{{body.text}}}", BIG)


def _picked(writer: Latex, node: Tensor, index: Index | None) -> Written:
    """An index; that of the class of each row as p_{i, y_i}."""
    x, *arrays = node.inputs
    if len(arrays) != 2 or x.ndim != 2 or not _counts_rows(arrays[0]):
        return indexed(writer.template(node, None), node, index)
    letter = (index or ("",))[0] or "i"
    base = writer.write(x).text
    return Written(rf"{base}_{{{letter}, {writer.write(arrays[1], (letter,)).text}}}", ATOM)


def _counts_rows(x: Tensor) -> bool:
    """Whether a constant is 0, 1, 2, ..."""
    return x.op is CONSTANT and x.ndim == 1 and bool((x.value == np.arange(x.size)).all())


ARRAYS = {
    "matmul": _matmul, "transpose": _transpose, "sum": _big, "max": _big, "min": _big,
    "mean": _mean, "logsumexp": _logsumexp, "broadcast_to": _spread, "reshape": _reshape,
    "astype": _cast, "index": _picked,
}  # fmt: skip
