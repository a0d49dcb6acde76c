"""simplify: the same computation in fewer nodes.

Each rule looks at one node whose inputs are already simplified, and gives a simpler Tensor of the
same shape and dtype, or None. No rule changes a result by more than the sign of a zero; the stable
forms, which do, are recognised when the graph is recorded (``ops/stable.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import CONSTANT, OPS, Op, broadcast
from chainrule.graph.origin import came_from, identity_of
from chainrule.graph.recording import move, within
from chainrule.graph.tensor import Tensor

#: A constant is folded while its result has at most this many entries: a large one would be
#: stored in the graph where it is cheaper to compute it.
FOLDED_ENTRIES = 4096

_Rule = Callable[[Op, tuple[Tensor, ...]], Tensor | None]


def simplify(graph: Graph) -> Graph:
    """Fold constants, share common subexpressions, drop what changes nothing, drop the unused."""
    while True:
        # What one pass leaves behind can be another's occasion, so go on while it gets smaller.
        smaller = _passed(graph)
        if len(smaller) >= len(graph):
            return smaller
        graph = smaller


def _passed(graph: Graph) -> Graph:
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    known: dict[Any, Tensor] = {}
    with within(""):
        for node in graph.nodes[len(graph.inputs) :]:
            move(node.scope, node.place)
            become[node] = _simplified(node, tuple([become[x] for x in node.inputs]), known)
    return rebuilt(graph, become)


def _simplified(node: Tensor, inputs: tuple[Tensor, ...], known: dict[Any, Tensor]) -> Tensor:
    op = node.op
    if op is None or op is CONSTANT:
        return _shared(node, known)
    for rule in _RULES:
        simpler = rule(op, inputs)
        if simpler is not None and simpler.shape == node.shape and simpler.dtype == node.dtype:
            return _shared(simpler, known)
    return _shared(rewired(node, inputs), known)


def _shared(node: Tensor, known: dict[Any, Tensor]) -> Tensor:
    if node.op is CONSTANT and node.size <= FOLDED_ENTRIES:
        return known.setdefault((node.dtype, node.shape, node.value.tobytes()), node)
    if not node.inputs:
        return node
    return known.setdefault((node.dtype, *identity_of(node.op, node.inputs)), node)


def _fold(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """An op on constants alone is a constant."""
    if not inputs or any(x.op is not CONSTANT for x in inputs) or op.is_view:
        return None
    if np.prod(op.shape(*[x.shape for x in inputs]), dtype=np.int64) > FOLDED_ENTRIES:
        return None
    with np.errstate(all="ignore"):
        value = np.asarray(op.value(np, *[x.value for x in inputs]))
    return Tensor(CONSTANT, (), value, value.shape, value.dtype)


def _unit(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """x * 1, x / 1, x ** 1, x + 0, x - 0, identity."""
    if op.name == "identity":
        return inputs[0]
    neutral = {"multiply": 1, "divide": 1, "power": 1, "add": 0, "subtract": 0}.get(op.name)
    if neutral is None:
        return None
    a, b = inputs
    if _is_all(b, neutral):
        return a
    if op.name in ("multiply", "add") and _is_all(a, neutral):
        return b
    return None


def _twice(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """Two minus signs, two transposes, a reshape of a reshape, a cast to the same dtype."""
    x = inputs[0]
    inner = x.op
    if op.name == "astype" and op.dtype(x.dtype) == x.dtype:
        return x
    if op.name in ("reshape", "broadcast_to") and op.shape(x.shape) == x.shape:
        return x
    if op.name == "transpose" and op.axes == tuple(range(x.ndim)):  # type: ignore[attr-defined]
        return x
    if inner is None or inner.name != op.name:
        return None
    source = x.inputs[0]
    if op.name == "negative":
        return source
    if op.name == "reshape":
        return source if op.shape(x.shape) == source.shape else _applied(op, source)
    if op.name == "transpose":
        axes = tuple(inner.axes[i] for i in op.axes)  # type: ignore[attr-defined]
        if axes == tuple(range(x.ndim)):
            return source
        return _applied(OPS["transpose"](axes), source)  # type: ignore[call-arg]
    return None


def _scalar_first(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """What was spread over an array only to meet that array entry by entry need not be spread."""
    if op.name not in ("add", "subtract", "multiply", "divide"):
        return None
    slim = tuple(_unspread(x) for x in inputs)
    if _same(slim, inputs):
        return None
    if broadcast(*[x.shape for x in slim]) != broadcast(*[x.shape for x in inputs]):
        slim = (slim[0], inputs[1])
        if _same(slim, inputs) or broadcast(*[x.shape for x in slim]) != inputs[1].shape:
            return None
    return _applied(op, *slim)


def _unspread(x: Tensor) -> Tensor:
    """What a broadcast was made of, if broadcasting gives it back its shape."""
    if not came_from(x, "broadcast_to"):
        return x
    inner = x.inputs[0]
    if came_from(inner, "reshape") and inner.size == 1:
        return inner.inputs[0] if inner.inputs[0].ndim == 0 else inner
    return inner


def _spread_last(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """An op on numbers that were spread is cheaper before they are spread."""
    if not op.is_elementwise or not any(came_from(x, "broadcast_to") for x in inputs):
        return None
    slim = tuple(_unspread(x) for x in inputs)
    if any(x.size != 1 for x in slim):
        return None
    shape = broadcast(*[x.shape for x in inputs])
    return _applied(OPS["broadcast_to"](shape), _folded(op, *slim))  # type: ignore[call-arg]


def _respread(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """One number that was spread and then reshaped is spread to the new shape at once."""
    x = inputs[0]
    if op.name != "reshape" or not came_from(x, "broadcast_to"):
        return None
    inner = x.inputs[0]
    if inner.size != 1:
        return None
    number = inner if inner.ndim == 0 else _folded(OPS["reshape"](()), inner)  # type: ignore[call-arg]
    return _applied(OPS["broadcast_to"](op.shape(x.shape)), number)  # type: ignore[call-arg]


def _sign_inside(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """The sign of a multiple goes into its constant."""
    x = inputs[0]
    if op.name != "negative" or x.op is None or x.op.name != "multiply":
        return None
    for factor, other in (x.inputs, x.inputs[::-1]):
        if factor.op is CONSTANT and factor.size == 1:
            return _applied(x.op, _folded(op, factor), other)
    return None


def _moved_constant(op: Op, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """A view of a small constant is a constant, unless it repeats it."""
    (x, *rest) = inputs
    if op.name not in ("reshape", "transpose", "index") or rest or x.op is not CONSTANT:
        return None
    value = np.array(op.value(np, x.value))
    return Tensor(CONSTANT, (), value, value.shape, value.dtype)


def _same(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> bool:
    return all(x is y for x, y in zip(a, b, strict=True))


def _folded(op: Op, *inputs: Tensor) -> Tensor:
    folded = _fold(op, inputs)
    return _applied(op, *inputs) if folded is None else folded


def _applied(op: Op, *inputs: Tensor) -> Tensor:
    node: Tensor = apply(op, *inputs)
    return node


def _is_all(x: Tensor, number: float) -> bool:
    if came_from(x, "broadcast_to"):
        x = x.inputs[0]
    return x.op is CONSTANT and x.size > 0 and bool(np.all(x.value == number))


_RULES: tuple[_Rule, ...] = (
    _fold, _unit, _twice, _scalar_first, _spread_last, _respread, _sign_inside, _moved_constant,
)  # fmt: skip
