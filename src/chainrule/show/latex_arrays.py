"""Arrays in LaTeX: products of matrices, transposes, and sums with their index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from, settings
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
)

if TYPE_CHECKING:
    from chainrule.show.latex import Latex

#: The letters of indices, in the order of the axes.
_LETTERS = "ijklpqrsuvw"
_BIG = {
    "sum": r"\sum", "max": r"\max", "min": r"\min", "var": r"\operatorname{var}",
    "argmax": r"\operatorname{argmax}",
}  # fmt: skip


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
    order = "" if axes == tuple(range(len(axes)))[::-1] else f"({', '.join(map(str, axes))})"
    return Written(raised(writer.write(node.inputs[0]), rf"\top{order}"), POWER)


def _spread(writer: Latex, node: Tensor, index: Index | None) -> Written:
    (x,) = node.inputs
    if index is not None:
        return writer.write(x, of_input(index, node, x))
    inner = writer.write(x)
    if x.size == 1 and inner.text == "1":
        return Written(r"\mathbf{1}", ATOM)
    if x.size == 1:
        return Written(rf"{tight(inner, MATRIX)}\, \mathbf{{1}}", SCALED)
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


def _letters(writer: Latex, node: Tensor, index: Index | None) -> tuple[list[str], Index]:
    """The letters of the axes that are summed, and the index of the summand."""
    (x,) = node.inputs
    axis = settings(node)["axis"]
    gone = set(range(x.ndim) if axis is None else np.atleast_1d(axis).tolist())
    taken = {*(index or ()), *writer.bound}
    names = [*_LETTERS, *[f"i_{{{n}}}" for n in range(x.ndim + len(taken))]]
    free = [letter for letter in names if letter not in taken]
    outer = [":"] * node.ndim if index is None else list(index)
    if settings(node).get("keepdims"):
        outer = [one for place, one in enumerate(outer) if place not in gone]
    rest = iter(outer)
    inner = [free[place] if place in gone else next(rest) for place in range(x.ndim)]
    inner = [letter if size != 1 else "" for letter, size in zip(inner, x.shape, strict=True)]
    return [inner[place] for place in sorted(gone) if inner[place]], tuple(inner)


def _summand(writer: Latex, node: Tensor, index: Index | None) -> tuple[str, Written]:
    """The letters under the sign, and what stands behind it."""
    letters, inner = _letters(writer, node, index)
    writer.bound.extend(letters)
    body = writer.write(node.inputs[0], inner)
    del writer.bound[len(writer.bound) - len(letters) :]
    return ", ".join(letters), body


def _big(writer: Latex, node: Tensor, index: Index | None, sign: str = "") -> Written:
    assert node.op is not None
    letters, body = _summand(writer, node, index)
    sign = sign or _BIG[node.op.name]
    if not letters and node.op.name not in ("var", "argmax"):
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
    letters, body = _summand(writer, node, index)
    return Written(rf"\ln \sum_{{{letters}}} e^{{{body.text}}}", BIG) if letters else body


def _softmax(writer: Latex, node: Tensor, index: Index | None) -> Written:
    """The axis is said where it is not the last, along which a row has its classes."""
    axis = settings(node)["axis"]
    log = r"\ln" if came_from(node, "log_softmax") else ""
    sign = log + r"\operatorname{softmax}"
    if axis != node.ndim - 1:
        sign += _along(axis)
    return indexed(Written(f"{sign}({writer.write(node.inputs[0]).text})", CALL), node, index)


def _concatenate(writer: Latex, node: Tensor, index: Index | None) -> Written:
    """Matrices beside each other as [A, B], above each other as [A; B]."""
    axis = settings(node)["axis"]
    above = node.ndim == 2 and axis == 0
    parts = (r";\ " if above else r",\ ").join(writer.write(x).text for x in node.inputs)
    along = "" if above or axis == node.ndim - 1 else _along(axis)
    return indexed(Written(rf"\left[{parts}\right]{along}", ATOM), node, index)


def _along(axis: int) -> str:
    return rf"_{{\text{{axis }}{axis}}}"


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
    "var": _big, "argmax": _big, "mean": _mean, "logsumexp": _logsumexp,
    "softmax": _softmax, "log_softmax": _softmax, "concatenate": _concatenate,
    "broadcast_to": _spread, "reshape": _reshape, "astype": _cast, "index": _picked,
}  # fmt: skip
