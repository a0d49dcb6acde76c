"""Sources: the variable to which the user's own line assigned a node.

A traced node knows the lines that were running. If such a line belongs to a statement
``name = expression``, the last node that the statement recorded is what it assigned. Where this is
not certain (two statements on a line, several targets, a function that returns several things, no
source to look at) no name is given: a wrong name would be worse than none.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from chainrule.graph.origin import came_from
from chainrule.graph.recording import Line, Place
from chainrule.graph.tensor import Tensor

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SEVERAL = (ast.Tuple, ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp)


@dataclass(frozen=True)
class _Assignment:
    """A statement with one variable on its left, in a call of a certain depth."""

    file: str
    line: int
    depth: int
    target: str
    value: ast.expr


def assigned(nodes: Iterable[Tensor]) -> list[tuple[Tensor, str]]:
    """The nodes that a statement assigned, with the variable: callers first, then in order."""
    found: list[tuple[_Assignment, Tensor]] = []
    running: dict[_Assignment, Tensor] = {}
    for node in nodes:
        now = set(_assignments(node))
        found += [(one, running.pop(one)) for one in list(running) if one not in now]
        running |= dict.fromkeys(now, node)
    found += running.items()
    clear = [(one, node) for one, node in found if _is_value(one, node)]
    order = {node: i for i, node in enumerate(dict.fromkeys(node for _, node in clear))}
    clear.sort(key=lambda pair: (pair[0].depth, order[pair[1]]))
    return [(node, one.target) for one, node in clear]


def _lines(node: Tensor) -> tuple[Line, ...]:
    """The lines that were running, the outermost first."""
    return node.place.lines[::-1] if isinstance(node.place, Place) else ()


def _assignments(node: Tensor) -> Iterator[_Assignment]:
    for depth, (file, line, function) in enumerate(_lines(node)):
        # A lambda or a comprehension lies inside a statement that assigns something else.
        if function.startswith("<"):
            continue
        match _statements(file).get(line):
            case ast.Assign(targets=[ast.Name(id=target)], value=value) as statement:
                yield _Assignment(file, statement.lineno, depth, target, value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) as statement:
                yield _Assignment(file, statement.lineno, depth, target, value)


def _is_value(statement: _Assignment, last: Tensor) -> bool:
    """Whether the last node recorded is surely what the expression gives."""
    inner = _lines(last)[statement.depth + 1 :]
    match statement.value:
        case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.Attribute():
            return not inner
        case ast.Subscript():
            return not inner and came_from(last, "index")
        case ast.Call():
            return not inner or not _gives_several(*inner[0])
    return False


def _gives_several(file: str, line: int, function: str) -> bool:
    """Whether a function returns a tuple, a list or a dict."""
    bodies = [
        node
        for node in ast.walk(_tree(file))
        if isinstance(node, _Function)
        and node.name == function
        and node.lineno <= line <= (node.end_lineno or line)
    ]
    returned = [
        node.value for body in bodies for node in ast.walk(body) if isinstance(node, ast.Return)
    ]
    return not bodies or any(isinstance(value, _SEVERAL) for value in returned)


@lru_cache(maxsize=64)
def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # a cell with magics, or a file that has changed since
        return ast.Module([], [])


def _tree(file: str) -> ast.Module:
    return _parsed("".join(linecache.getlines(file)))


def _statements(file: str) -> dict[int, ast.stmt | None]:
    return _by_line(_tree(file))


@lru_cache(maxsize=64)
def _by_line(tree: ast.Module) -> dict[int, ast.stmt | None]:
    """The statement that each line belongs to; None where a line has two."""
    found: dict[int, ast.stmt | None] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt) or hasattr(node, "body"):
            continue
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            found[line] = None if line in found else node
    return found
