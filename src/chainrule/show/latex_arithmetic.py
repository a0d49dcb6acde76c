"""Arithmetic in LaTeX: sums, products, fractions and powers, which depend on their neighbours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.show.latex_pieces import (
    BIG,
    CALL,
    ENTRYWISE,
    MATRIX,
    MINUS,
    POWER,
    RELATION,
    SCALED,
    SUM,
    Index,
    Written,
    of_input,
    raised,
    tight,
)  # fmt: skip

if TYPE_CHECKING:
    from chainrule.show.latex import Latex

_SIGNS = {
    "less": "<", "less_equal": r"\leq", "greater": ">", "greater_equal": r"\geq", "equal": "=",
    "not_equal": r"\neq", "logical_and": r"\wedge", "logical_or": r"\vee",
}  # fmt: skip


def _unspread(x: Tensor) -> Tensor:
    return x.inputs[0] if came_from(x, "broadcast_to") and x.inputs[0].size > 1 else x


def _outer(a: Tensor, b: Tensor, leaves: set[Tensor]) -> tuple[Tensor, Tensor] | None:
    """u and v, if a b is the outer product of two vectors."""
    if a in leaves or b in leaves or not came_from(a, "reshape") or not came_from(b, "reshape"):
        return None
    u, v = a.inputs[0], b.inputs[0]
    if u.ndim == v.ndim == 1 and a.shape == (u.size, 1) and b.shape == (1, v.size):
        return u, v
    return None


def _inputs(writer: Latex, node: Tensor, index: Index | None) -> list[Written]:
    return [writer.write(_unspread(x), of_input(index, node, _unspread(x))) for x in node.inputs]


def _sum(writer: Latex, node: Tensor, index: Index | None) -> Written:
    a, b = _inputs(writer, node, index)
    plus = came_from(node, "add")
    left = tight(a, BIG + 1) if a.level == BIG else tight(a, SUM)
    right = tight(b, BIG if plus and b.level != SUM else SUM if plus else BIG)
    return Written(f"{left} {'+' if plus else '-'} {right}", SUM)


def _minus(writer: Latex, node: Tensor, index: Index | None) -> Written:
    (x,) = _inputs(writer, node, index)
    return Written(f"-{tight(x, BIG)}", MINUS)


def _times(writer: Latex, node: Tensor, index: Index | None) -> Written:
    a, b = node.inputs
    if index is None and (pair := _outer(a, b, writer.leaves)) is not None:
        left, right = (writer.write(x) for x in pair)
        return Written(rf"{tight(left, MATRIX)}\, {raised(right, chr(92) + 'top')}", MATRIX)
    first, second = _inputs(writer, node, index)
    entries = index is not None and ":" not in index
    if not entries and a.size != 1 and b.size != 1:
        return Written(
            rf"{tight(first, ENTRYWISE, only=ENTRYWISE)} \odot "
            rf"{tight(second, ENTRYWISE, only=ENTRYWISE)}", ENTRYWISE,
        )  # fmt: skip
    if b.op is CONSTANT and a.op is not CONSTANT:
        first, second = second, first
    gap = (
        r" \cdot "
        if re.match(r"[\d.]", tight(second, MATRIX))
        else r"\, "
        if (re.search(r"[\dA-Za-z}]$", first.text) and not second.text.startswith("\\frac"))
        else " "
    )
    if second.level == BIG:
        return Written(f"{tight(first, MATRIX)}{gap}{second.text}", BIG)
    return Written(f"{tight(first, MATRIX)}{gap}{tight(second, MATRIX)}", SCALED)


def _over(writer: Latex, node: Tensor, index: Index | None) -> Written:
    a, b = _inputs(writer, node, index)
    if re.search(r"\\frac|\\sum", a.text) and node.inputs[1].size == 1:
        top, rest = _number_above(writer, node.inputs[0], index, a)
        return Written(
            rf"\frac{{{top}}}{{{b.text}}}\, {tight(rest, BIG)}",
            BIG if rest.level == BIG else SCALED,
        )
    if r"\frac" in a.text:
        below = rf"\frac{{1}}{{{b.text}}}"
        return Written(rf"{tight(a, ENTRYWISE, only=ENTRYWISE)} \odot {below}", ENTRYWISE)
    return Written(rf"\frac{{{a.text}}}{{{b.text}}}", CALL)


def _number_above(
    writer: Latex, node: Tensor, index: Index | None, written: Written
) -> tuple[str, Written]:
    """A tall numerator as the number that belongs above the line, and the rest behind it."""
    if node not in writer.leaves and came_from(node, "multiply"):
        number, rest = node.inputs
        if number.op is CONSTANT and number.size == 1:
            return writer.write(number).text, writer.write(rest, of_input(index, node, rest))
    return "1", written


def _power(writer: Latex, node: Tensor, index: Index | None) -> Written:
    base, *exponent = _inputs(writer, node, index)
    text = exponent[0].text if exponent else "2"
    if node.ndim == 2 and node.shape[0] == node.shape[1] != 1 and index is None:
        text = rf"\odot {text}"
    return Written(raised(base, text), POWER)


def _relation(writer: Latex, node: Tensor, index: Index | None) -> Written:
    assert node.op is not None
    a, b = _inputs(writer, node, index)
    return Written(f"{tight(a, SUM)} {_SIGNS[node.op.name]} {tight(b, SUM)}", RELATION)


ARITHMETIC = {
    "add": _sum, "subtract": _sum, "negative": _minus, "multiply": _times, "divide": _over,
    "power": _power, "square": _power, **dict.fromkeys(_SIGNS, _relation),
}  # fmt: skip
