"""NumPy source: an expression of a graph as the learner would have typed it.

Each op's own template says how it is written; pieces are put together as syntax trees, so that
brackets stand where Python needs them and nowhere else. Here are the few ops whose writing depends
on shapes, or on what they are written around.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

import numpy as np

from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from, settings
from chainrule.graph.tensor import Tensor

_OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@", "power": "**",
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=", "logical_and": "&", "logical_or": "|",
}  # fmt: skip
#: What Python would read the same without brackets, and people would not: (a @ b) * c.
_BRACKETS = "_bracketed_"
#: A longer statement is broken into lines.
LONGEST_LINE = 88
_METHODS = {"sum", "mean", "max", "min", "var"}


class Source:
    """Writes expressions; ``called`` gives the identifier of a node that has one."""

    def __init__(self, called: Callable[[Tensor], str | None]) -> None:
        self.called = called
        self.used: dict[str, str] = {}

    def expression(self, node: Tensor) -> str:
        """The right side of a node's statement."""
        return ast.unparse(self._operation(node)).replace(f"{_BRACKETS}(", "(")

    def _piece(self, node: Tensor, beside: Iterable[Tensor], has_shape: bool) -> ast.expr:
        """A node inside an expression, beside other inputs of the same op.

        ``has_shape``: its shape must be seen, even if it is a constant of one entry.
        """
        name = self.called(node)
        if name is not None:
            return ast.Name(name, ast.Load())
        if node.op is CONSTANT or node.op is None:
            if has_shape or node.size != 1:
                return _parsed(array(node))
            floats = any(x is not node and x.dtype.kind == "f" for x in beside)
            return _parsed(number(node, whole=floats))
        return self._operation(node)

    def _operation(self, node: Tensor) -> ast.expr:
        if node.op is None or node.op is CONSTANT:
            return _parsed(array(node))
        inputs = self._inputs(node)
        pieces = [self._piece(x, inputs, _keeps_shape(node, x, inputs)) for x in inputs]
        if node.op.helper:
            self.used[node.op.name] = node.op.helper
        if came_from(node, "negative"):
            return _negated(pieces[0])
        if came_from(node, "multiply", "divide"):
            pieces = [_bracketed(piece) for piece in pieces]
        marks = [f"_{i}" for i in range(len(inputs))]
        if _outer(node, self.called):
            template = "np.outer(_0, _1)"
        else:
            template = _template(node, inputs, marks, pieces)
        return _Filled(dict(zip(marks, pieces, strict=True))).visit(_parsed(template))  # type: ignore[no-any-return]

    def _inputs(self, node: Tensor) -> tuple[Tensor, ...]:
        """What is written: without the broadcasts and casts that NumPy does by itself."""
        assert node.op is not None
        if _outer(node, self.called):
            return tuple(x.inputs[0] for x in node.inputs)
        inputs = list(node.inputs)
        if not node.op.is_elementwise:
            return tuple(inputs)
        for place, x in enumerate(inputs):
            if self.called(x) is not None:
                continue
            slim = [*inputs[:place], x.inputs[0] if x.inputs else x, *inputs[place + 1 :]]
            if came_from(x, "broadcast_to") or _adds_leading_axes(x):
                if np.broadcast_shapes(*[one.shape for one in slim]) == node.shape:
                    inputs = slim
            elif came_from(x, "astype") and came_from(node, "multiply"):
                others = [one.dtype for one in inputs if one is not x]
                if x.inputs[0].dtype.kind == "b" and x.dtype in others:
                    inputs = slim
        return tuple(inputs)


def _keeps_shape(node: Tensor, x: Tensor, inputs: tuple[Tensor, ...]) -> bool:
    """Whether the result would lose an axis if a constant were written as a number."""
    if x.op is not CONSTANT or not x.ndim:
        return False
    assert node.op is not None
    if not node.op.is_elementwise:
        return True
    others = [one.shape for one in inputs if one is not x]
    return np.broadcast_shapes(*others) != node.shape


def _adds_leading_axes(x: Tensor) -> bool:
    """Whether a node only puts axes of size 1 in front, which broadcasting does by itself."""
    if not came_from(x, "reshape"):
        return False
    inner = x.inputs[0].shape
    return x.shape == (*[1] * (x.ndim - len(inner)), *inner)


class _Filled(ast.NodeTransformer):
    """Puts expressions in the place of the marks of a template."""

    def __init__(self, pieces: dict[str, ast.expr]) -> None:
        self.pieces = pieces

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.pieces.get(node.id, node)


def _negated(piece: ast.expr) -> ast.expr:
    """-a / b rather than -(a / b): the sign of a product is that of its first factor."""
    if isinstance(piece, ast.BinOp) and isinstance(piece.op, ast.Mult | ast.Div):
        return ast.BinOp(_negated(piece.left), piece.op, piece.right)
    return ast.UnaryOp(ast.USub(), piece)


def _bracketed(piece: ast.expr) -> ast.expr:
    if isinstance(piece, ast.BinOp) and isinstance(piece.op, ast.MatMult):
        return ast.Call(ast.Name(_BRACKETS, ast.Load()), [piece], [])
    return piece


def _parsed(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _outer(node: Tensor, called: Callable[[Tensor], str | None]) -> bool:
    """Whether a product is that of a column and a row, both made of vectors."""
    if not came_from(node, "multiply") or node.ndim != 2:
        return False
    a, b = node.inputs
    if any(called(x) is not None or not came_from(x, "reshape") for x in (a, b)):
        return False
    u, v = a.inputs[0], b.inputs[0]
    return u.ndim == v.ndim == 1 and a.shape == (u.size, 1) and b.shape == (1, v.size)


def _template(
    node: Tensor, inputs: tuple[Tensor, ...], marks: list[str], pieces: list[ast.expr]
) -> str:
    op = node.op
    assert op is not None
    match op.name:
        case "logical_and" | "logical_or" if any(x.dtype.kind != "b" for x in inputs):
            return op.source(*marks)
        case "logical_not" if inputs[0].dtype.kind == "b":
            return "~_0"
        case name if name in _OPERATORS:
            return f"_0 {_OPERATORS[name]} _1"
        case "square":
            return "_0 ** 2"
        case "transpose" if settings(node)["axes"] == (1, 0):
            return "_0.T"
        case name if name in _METHODS:
            return _reduction(node, inputs[0], isinstance(pieces[0], ast.Name))
        case "one_hot" if node.dtype == np.float64:
            return f"np.eye({settings(node)['classes']})[_0]"
        case "reshape":
            return _reshape(node, inputs[0], isinstance(pieces[0], ast.Name))
        case "broadcast_to":
            return _spread(node, inputs[0])
        case "astype" if inputs[0].op is CONSTANT:
            return f"np.{node.dtype.name}(_0)"
        case "astype":
            return f"_0.astype({_dtype(node.dtype)})"
    return op.source(*marks)


def _reduction(node: Tensor, x: Tensor, is_name: bool) -> str:
    given = settings(node)
    axis = given["axis"]
    if isinstance(axis, tuple) and len(axis) == 1:
        (axis,) = axis
    options = [f"axis={axis}"] if axis is not None else []
    options += ["keepdims=True"] if given["keepdims"] else []
    assert node.op is not None
    if is_name and x.ndim:
        return f"_0.{node.op.name}({', '.join(options)})"
    return f"np.{node.op.name}({', '.join(['_0', *options])})"


def _reshape(node: Tensor, x: Tensor, is_name: bool) -> str:
    """A new axis as [:, None], an axis of size 1 taken away as [:, 0], else reshape."""
    if x.ndim == 1 and node.shape == (x.size, 1):
        return "_0[:, None]"
    if x.ndim == 1 and node.shape == (1, x.size):
        return "_0[None, :]"
    if x.ndim == 2 and x.shape[1] == 1 and node.shape == x.shape[:1]:
        return "_0[:, 0]"
    if x.ndim == 2 and x.shape[0] == 1 and node.shape == x.shape[1:]:
        return "_0[0]"
    if is_name and x.ndim > 2 and node.ndim == 2 and node.shape[0] == x.shape[0]:
        return "_0.reshape(len(_0), -1)"
    return f"np.reshape(_0, {node.shape})"


def _spread(node: Tensor, x: Tensor) -> str:
    if x.op is not CONSTANT or x.size != 1:
        return f"np.broadcast_to(_0, {node.shape})"
    dtype = "" if node.dtype == np.float64 else f", dtype={_dtype(node.dtype)}"
    if x.value.item() == 1:
        return f"np.ones({_shape(node)}{dtype})"
    return f"np.full({_shape(node)}, {number(x, whole=False)}{dtype})"


def _shape(node: Tensor) -> str:
    return str(node.shape[0] if node.ndim == 1 else node.shape)


def _dtype(dtype: np.dtype[np.generic]) -> str:
    return {"float64": "float", "int64": "int", "bool": "bool"}.get(dtype.name, f"'{dtype.name}'")


def wrapped(statement: str) -> str:
    """A long sum on several lines, a line for each term."""
    if len(statement) <= LONGEST_LINE:
        return statement
    match ast.parse(statement).body[0]:
        case ast.Assign(targets=[target], value=value):
            head = f"{ast.unparse(target)} = ("
        case ast.Return(value=ast.expr() as value):
            head = "return ("
        case _:
            return statement
    terms: list[str] = []
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        sign = "+" if isinstance(value.op, ast.Add) else "-"
        right = ast.unparse(ast.BinOp(ast.Name("_"), value.op, value.right))[4:]
        terms.append(f"    {sign} {right}")
        value = value.left
    lines = [head, f"    {ast.unparse(value)}", *terms[::-1], ")"]
    return "\n".join(lines) if terms else statement


def number(node: Tensor, *, whole: bool) -> str:
    """The only entry of a constant; 2.0 as 2 if ``whole``."""
    value = node.value.reshape(())[()]
    if node.dtype.kind == "f":
        if not np.isfinite(value):
            return "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"
        if whole and value == round(float(value)) and abs(value) < 1e15:
            return str(int(value))
        return repr(value.item()) if node.dtype == np.float64 else str(value)
    return str(value.item())


def array(node: Tensor) -> str:
    """A constant array with all its entries."""
    if node.size == 1 and node.ndim == 0:
        return number(node, whole=False)
    usual = node.dtype.name in ("float64", "int64", "bool")
    dtype = "" if usual else f", dtype={_dtype(node.dtype)}"
    if node.size and node.size > 1 and (node.value == node.value.flat[0]).all():
        one = Tensor(CONSTANT, (), node.value.flat[0:1].reshape(()), (), node.dtype)
        if node.dtype.kind == "f" and node.value.flat[0] in (0, 1):
            return f"np.{'ones' if node.value.flat[0] else 'zeros'}({_shape(node)}{dtype})"
        return f"np.full({_shape(node)}, {number(one, whole=False)}{dtype})"
    if not node.size:
        return f"np.zeros({_shape(node)}{dtype or ', dtype=' + _dtype(node.dtype)})"
    entries = repr(node.value.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({entries}{dtype})"
