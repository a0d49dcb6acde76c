"""Arrays as people read them: whole where they are small, else their shape and range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.op import Array, Shape


@dataclass(frozen=True)
class Room:
    """How much of an array is written.

    Whole if it has at most so many rows and columns, each number with so many significant digits.
    ``is_narrow``: a larger one by its shape and range, without the mean.
    """

    rows: int = 8
    columns: int = 6
    digits: int = 6
    is_narrow: bool = False


WIDE = Room()


def array_lines(array: Array, room: Room = WIDE) -> list[str]:
    """An array in lines: its rows if all of them fit into ``room``, else what sums it up.

    A number is a line without brackets, a vector one line, a matrix a line for each row, with the
    columns under one another.
    """
    if array.ndim == 0:
        return [number_text(array[()], room.digits)]
    if array.size == 0:
        return [shape_text(array.shape), "empty"]
    rows = array if array.ndim == 2 else array.reshape(1, -1)
    if array.ndim > 2 or len(rows) > room.rows or rows.shape[1] > room.columns:
        return [shape_text(array.shape), summary(array, is_narrow=room.is_narrow)]
    texts = [[number_text(entry, room.digits) for entry in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "[" + "  ".join(t.rjust(w) for t, w in zip(row, widths, strict=True)) + "]" for row in texts
    ]


def number_text(number: Any, digits: int) -> str:
    """A number with so many significant digits, and no more than it needs."""
    if isinstance(number, bool | np.bool_ | int | np.integer):
        return str(number)
    if isinstance(number, complex | np.complexfloating):
        return f"{number:.{digits}g}"
    text = f"{float(number):.{digits}g}"
    return "0" if text == "-0" else text


def shape_text(shape: Shape) -> str:
    """A shape as NumPy writes it: (2, 3), (4,); nothing for a number."""
    return str(shape) if shape else ""


def summary(array: Array, *, is_narrow: bool = False) -> str:
    """The least, mean and greatest entry in a line, and how many are not finite.

    ``is_narrow`` gives the range alone.
    """
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {array.size} true"
    finite = array[np.isfinite(array)]
    odd = array.size - finite.size
    said = f"{odd} of {array.size} not finite" if odd else ""
    if not finite.size or array.dtype.kind == "c":
        return said or f"{array.size} complex numbers"
    # In float64, in which the sum of many large numbers does not overflow.
    mean = float(np.mean(finite, dtype=np.float64))
    least, middle, most = (number_text(x, 3) for x in (finite.min(), mean, finite.max()))
    if least == most:
        between = f"all {least}"
    elif is_narrow:
        between = f"{least} to {most}"
    else:
        between = f"min {least}, mean {middle}, max {most}"
    return f"{between}; {said}" if said else between
