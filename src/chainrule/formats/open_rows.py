"""A program for any number of rows, from programs that were recorded for 2, 3 and 5.

What is the same in all three stays as it is; a number that grows evenly with the rows is written as
``len(X)``, or what is computed from it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from chainrule.errors import OptionError

#: How many rows a computation is recorded for, to see what in it depends on them.
ROWS = (2, 3, 5)


def open_rows(program: Callable[[int], str], batch: str) -> str:
    """The program, ``batch`` being the argument whose length is the number of rows.

    Raises:
        OptionError: something else than numbers that grow evenly depends on the rows.
    """
    first, *others = [program(rows) for rows in ROWS]
    if all(other == first for other in others):
        return first
    trees = [ast.walk(ast.parse(text)) for text in (first, *others)]
    changes = []
    try:
        for nodes in zip(*trees, strict=True):
            if len({type(node) for node in nodes}) > 1:
                raise _uneven()
            if isinstance(nodes[0], ast.Constant):
                values = [node.value for node in nodes]
                if len(set(map(repr, values))) > 1:
                    changes.append((nodes[0], _line(values, batch)))
            elif len({tuple(_labels(node)) for node in nodes}) > 1:
                raise _uneven()
    except ValueError:  # one of them has more nodes
        raise _uneven() from None
    lines = [line.encode() for line in first.splitlines(keepends=True)]
    for node, text in sorted(changes, key=lambda one: (one[0].lineno, -one[0].col_offset)):
        line = lines[node.lineno - 1]
        end = node.end_col_offset
        lines[node.lineno - 1] = line[: node.col_offset] + text.encode() + line[end:]
    return b"".join(lines).decode()


def _labels(node: ast.AST) -> Iterator[str]:
    """The names in a node itself: of a variable, an attribute, a function, a keyword."""
    return (str(value) for _, value in ast.iter_fields(node) if isinstance(value, str))


def _line(values: list[object], batch: str) -> str:
    """A number that grows evenly, as it is computed from the rows."""
    a, b, c = values
    if not all(type(value) in (int, float) for value in values):
        raise _uneven()
    slope = (b - a) / (ROWS[1] - ROWS[0])  # type: ignore[operator]
    start = a - slope * ROWS[0]
    if start + slope * ROWS[2] != c:
        raise _uneven()
    if isinstance(a, int):
        slope, start = int(slope), int(start)
    factor = "" if slope == 1 else f"{slope} * "
    text = f"{factor}len({batch})" + (f" + {start}" if start else "")
    return text if text == f"len({batch})" else f"({text})"


def _uneven() -> OptionError:
    return OptionError(
        "the forward pass depends on the number of rows in a way that a program for any number "
        "cannot follow: an activation or a layer of your own counts rows. net.graph(rows).program()"
        " is the program for so many."
    )
