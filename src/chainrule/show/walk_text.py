"""Walk in text: the rows of a walk as lines for a terminal, and as tables for a notebook."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from chainrule.graph.op import Array
from chainrule.show.arrays import array_lines
from chainrule.show.walk import BackwardRow, Walk

#: A cell of a table: its lines.
Cell = list[str]


def text(walk: Walk) -> str:
    """The walk as lines: a table for each of its parts."""
    parts = []
    for title, rows in _tables(walk):
        parts.append("\n".join([title, *_aligned(rows)]))
    if walk.note:
        parts.append(walk.note)
    return "\n\n".join(parts)


def html(walk: Walk) -> str:
    """The walk as HTML tables, in which nothing of the user's is read as HTML."""
    parts = []
    for title, rows in _tables(walk):
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:left;vertical-align:top"><pre style="margin:0">'
                f"{escape(chr(10).join(cell))}</pre></td>"
                for cell in row
            )
            + "</tr>"
            for row in rows
        )
        parts.append(f"<table><caption>{escape(title)}</caption>{body}</table>")
    if walk.note:
        parts.append(f"<p>{escape(walk.note)}</p>")
    return "".join(parts)


def _tables(walk: Walk) -> Iterator[tuple[str, list[list[Cell]]]]:
    yield (
        "forward",
        [
            [[f"{row.node} = {row.how}" if row.how else row.node], array_lines(row.value)]
            for row in walk.forward
        ],
    )
    if walk.backward:
        yield "backward", list(_backward(walk))
    if walk.gradients:
        rows = [[[name], array_lines(g), _ways(name, walk)] for name, g in walk.gradients.items()]
        yield "gradients", rows


def _backward(walk: Walk) -> Iterator[list[Cell]]:
    how = {row.node: row.how for row in walk.forward}
    for node, group in itertools.groupby(walk.backward, key=lambda row: row.node):
        rows = list(group)
        cotangent = _said(f"d{node} = ", rows[0].cotangent)
        yield [[f"{node} = {how[node]}"], cotangent, _ways(node, walk)]
        for row in rows:
            yield [[f"  to {row.to}"], _local(row), _sent(row)]


def _ways(name: str, walk: Walk) -> Cell:
    """Of what a cotangent is the sum, if it came back on several ways."""
    sent = [row.sent for row in walk.backward if row.to == name]
    if len(sent) < 2:
        return []
    if sent[0].size > 1:
        return [f"the sum of {len(sent)} ways"]
    texts = [array_lines(array.reshape(()))[0] for array in sent]
    return [f"the sum of {', '.join(texts[:-1])} and {texts[-1]}"]


def _local(row: BackwardRow) -> Cell:
    return [] if row.local is None else _said(f"∂{row.node}/∂{row.to} = ", _one(row.local))


def _sent(row: BackwardRow) -> Cell:
    before = f"{row.rule} = " + (f"{row.filled} = " if row.filled else "")
    if row.rule == f"d{row.node}" and row.sent.shape == row.cotangent.shape:
        return [row.rule] if row.sent.size > 1 else _said(before, row.sent)
    return _said(before, row.sent)


def _one(local: Array) -> Array:
    """A derivative that is the same for every entry as one number."""
    same = local.size > 0 and bool(np.all(local == local.flat[0]))
    return np.asarray(local.flat[0]) if same else local


def _said(before: str, array: Array) -> Cell:
    """``before``, then the array; its further lines begin where the first one does."""
    first, *others = array_lines(array)
    return [before + first, *[" " * len(before) + line for line in others]]


def _aligned(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Rows of cells as lines, each column as wide as its widest cell."""
    count = max(map(len, rows), default=0)
    widths = [max((len(line) for row in rows for line in row[k]), default=0) for k in range(count)]
    for row in rows:
        for lines in itertools.zip_longest(*row, fillvalue=""):
            cells = [line.ljust(width) for line, width in zip(lines, widths, strict=True)]
            yield ("  " + "  ".join(cells)).rstrip()
