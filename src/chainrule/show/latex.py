"""LaTeX: an expression of a graph, with brackets only where they are needed.

Each op's own template says how it is written; two tables have the few whose writing depends on
shapes or on their neighbours. Written for one entry, names get indices, and the product entry by
entry is an ordinary one.
"""

from __future__ import annotations

import numpy as np

from chainrule.graph.op import CONSTANT
from chainrule.graph.tensor import Tensor
from chainrule.show.latex_arithmetic import ARITHMETIC
from chainrule.show.latex_arrays import ARRAYS
from chainrule.show.latex_pieces import (
    ATOM,
    CALL,
    Index,
    Written,
    bracketed,
    indexed,
    is_enclosed,
    level_of,
    level_of_name,
    number,
    of_input,
    tight,
)
from chainrule.show.reading import Reading

_SPECIAL = ARITHMETIC | ARRAYS


class Latex:
    """Writes the expressions of one reading."""

    def __init__(self, read: Reading) -> None:
        self.read = read
        self.leaves = {*read.statements, *read.graph.inputs}
        self.says_rows = False
        self.mentioned: set[Tensor] = set()

    def statement(self, node: Tensor) -> str:
        """The right side of a node's statement."""
        if node.op is None or node.op is CONSTANT:
            return _array(node)
        return self._expression(node, None).text

    def name(self, node: Tensor) -> str:
        """The name of a node."""
        return self.read.names[node].latex

    def write(self, node: Tensor, index: Index | None = None) -> Written:
        """A node inside an expression: its name if it has a statement, else what it is."""
        if node in self.leaves:
            self.mentioned.add(node)
            return indexed(Written(self.name(node), level_of_name(self.name(node))), node, index)
        if self.read.rows.is_symbol(node):
            self.says_rows = True
            return Written(self.read.rows.letter, ATOM)
        if node.op is CONSTANT or node.op is None:
            return number(node.value.item())
        return self._expression(node, index)

    def _expression(self, node: Tensor, index: Index | None) -> Written:
        assert node.op is not None
        special = _SPECIAL.get(node.op.name)
        if special is not None:
            return special(self, node, index)
        if node.op.is_elementwise:
            return self.template(node, index)
        return indexed(self.template(node, None), node, index)

    def template(self, node: Tensor, index: Index | None = None) -> Written:
        """As the op's own template says, with brackets around what is not closed off in it."""
        assert node.op is not None
        marks = [f"@{i}@" for i in range(len(node.inputs))]
        plain = node.op.formula(*marks)
        parts = []
        for mark, x in zip(marks, node.inputs, strict=True):
            written = self.write(x, of_input(index, node, x) if node.op.is_elementwise else None)
            if f"{mark}_" in plain and "_" in written.text:
                parts.append(bracketed(written.text))
            else:
                closed = is_enclosed(plain, mark)
                parts.append(written.text if closed else tight(written, CALL + 1))
        return Written(node.op.formula(*parts), level_of(plain))


def _array(node: Tensor) -> str:
    """A constant array: its entries if they are few, else its shape."""
    value = node.value
    if value.ndim == 0:
        return number(value.item()).text
    if value.ndim > 2 or value.size > 16:
        return r"\text{constant, } " + r" \times ".join(map(str, value.shape))
    rows = [" & ".join(number(x).text for x in row) for row in np.atleast_2d(value).tolist()]
    return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"
