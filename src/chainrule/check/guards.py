"""Numerical guards: log(y + 1e-7), clip(y, 1e-12, 1 - 1e-12). What is the loss without them?

A guard keeps a loss finite. Backward passes are written for the loss without it, and rightly so;
held against the guarded loss they would be called wrong, by 1e-7, or by much more where y is small.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.check.surroundings import names_of
from chainrule.graph import Graph, Tensor
from chainrule.graph.graph import rebuilt, rewired
from chainrule.graph.op import CONSTANT, FUNCTIONS
from chainrule.graph.recording import within

#: A constant this small beside a 0 or a 1 is a guard.
GUARD = 1e-5


def without_guards(graph: Graph) -> Graph | None:
    """The recorded loss without its guards; None if it has none."""
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    removed = False
    for node in graph.nodes[len(graph.inputs) :]:
        inputs = tuple(become[x] for x in node.inputs)
        kept = _guarded(node, inputs)
        if kept is not None and kept.shape == node.shape:
            become[node], removed = kept, True
            continue
        with within(node.scope, node.place):
            # Recorded anew, the log of a softmax finds its stable form.
            is_log = node.op is not None and node.op.name == "log"
            become[node] = FUNCTIONS["log"](*inputs) if is_log else rewired(node, inputs)
    return rebuilt(graph, become) if removed else None


def _guarded(node: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """What a guard protects, if ``node`` is one."""
    name = node.op.name if node.op is not None else ""
    if name == "clip":
        op: Any = node.op
        low, high = op.low, op.high
        fine = (low is None or _is_small(low)) and (high is None or _is_small(1 - high))
        return inputs[0] if fine and low != high else None
    test = _GUARDS.get(name)
    if test is None:
        return None
    for x, other in ((0, 1), (1, 0)):
        constant = inputs[other]
        in_place = name != "subtract" or other == 1
        if constant.op is CONSTANT and in_place and inputs[x].op is not CONSTANT:
            value = np.asarray(constant.value)
            if value.size and all(test(float(v)) for v in value.flat):
                return inputs[x]
    return None


def _is_small(value: float) -> bool:
    return 0 <= value <= GUARD


_GUARDS: dict[str, Callable[[float], bool]] = {
    "add": lambda c: 0 < c <= GUARD,
    "subtract": lambda c: 0 < c <= GUARD,
    "maximum": lambda c: 0 < c <= GUARD,
    "minimum": lambda c: 1 - GUARD <= c < 1,
}


@contextmanager
def guards_removed(functions: Sequence[types.FunctionType]) -> Iterator[bool]:
    """Inside, the functions compute with 0 for 1e-7 and 1 for 1 - 1e-7; yields whether any does.

    For code that cannot be recorded. Numbers in the code, defaults of arguments and global numbers
    are meant; all are put back.
    """
    put_back: list[Callable[[], None]] = []
    try:
        for function in functions:
            put_back += _remove(function)
        yield bool(put_back)
    finally:
        for restore in reversed(put_back):
            restore()


def _remove(function: types.FunctionType) -> Iterator[Callable[[], None]]:
    code, defaults, outside = function.__code__, function.__defaults__, function.__globals__
    numbers = tuple(map(_unguarded, code.co_consts))
    if _differ(numbers, code.co_consts):
        function.__code__ = code.replace(co_consts=numbers)
        yield lambda: setattr(function, "__code__", code)
    if defaults and _differ(list(map(_unguarded, defaults)), defaults):
        function.__defaults__ = tuple(map(_unguarded, defaults))
        yield lambda: setattr(function, "__defaults__", defaults)
    for cell in function.__closure__ or ():
        held = _content(cell)
        if _unguarded(held) is not held:
            cell.cell_contents = _unguarded(held)
            yield lambda cell=cell, held=held: setattr(cell, "cell_contents", held)  # type: ignore[misc]
    for name in set(names_of(code)):
        value = outside.get(name)
        if _unguarded(value) is not value:
            outside[name] = _unguarded(value)
            yield lambda name=name, value=value: outside.__setitem__(name, value)  # type: ignore[misc]


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        return None


def _unguarded(value: Any) -> Any:
    if isinstance(value, float):
        if 0 < value <= GUARD:
            return 0.0
        if 1 - GUARD <= value < 1:
            return 1.0
    return value


def _differ(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return any(x is not y for x, y in zip(a, b, strict=True))
