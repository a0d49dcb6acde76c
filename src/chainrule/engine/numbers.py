"""Numbers: calls on single numbers, done by Python's own arithmetic.

A call of NumPy takes a microsecond even for one number, and Python 0.03. The bits are the same, as
both round to the nearest double. Adam computes with thirteen numbers before it comes to θ; with
them so, XOR by 2-4-1 is trained in 0.6 of the time, and digits by 64-32-10 in 0.82::

    n0 = item7()           the power of β₁, from its array
    n1 = n0 * c8
    n2 = c9 - n1
    fill10(n1)             back into it, for the next step
    fill11(n2)             into another, for the passes that read it
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engine.calls import Call, Slot
from chainrule.graph.op import Array


def divided(x: float, y: float) -> float:
    """x / y where Python raises: y is 0."""
    return float(np.divide(x, y))


def no_root(x: float) -> float:
    """√x where Python raises: x is negative."""
    return float(np.sqrt(x))


#: What is written for a call, and which functions that calls, after the operands.
ARITHMETIC: dict[Any, tuple[str, *tuple[Callable[..., float], ...]]] = {
    np.add: ("{} + {}",),
    np.subtract: ("{} - {}",),
    np.multiply: ("{} * {}",),
    np.divide: ("{0} / {1} if {1} else {2}({0}, {1})", divided),
    np.negative: ("-{}",),
    np.square: ("{0} * {0}",),
    np.sqrt: ("{1}({0}) if {0} >= 0.0 else {2}({0})", math.sqrt, no_root),
}


def end(calls: Sequence[Call], places: range, arrays: Mapping[Slot, Array]) -> int:
    """Where the calls on numbers end with which ``places`` begin: there, if it is with none."""
    stop = places.start
    while stop in places and _is_on_numbers(calls[stop], arrays):
        stop += 1
    return stop


def _is_on_numbers(call: Call, arrays: Mapping[Slot, Array]) -> bool:
    """Whether Python computes this call's result bit for bit, and all memory of it is known."""
    slots = (*call.reads, call.writes)
    if any(x.shape != () or x not in arrays for x in slots):
        return False
    if any(x.dtype.kind != "f" or x.dtype.itemsize > 8 for x in slots):
        return False
    if call.kind == "copy":
        return True
    # Python computes with doubles; to turn the sign of anything shorter rounds nothing.
    fits = all(x.dtype == np.float64 for x in slots) or call.function is np.negative
    return call.kind == "ufunc" and call.function in ARITHMETIC and fits


def lines(
    calls: Sequence[Call], arrays: Mapping[Slot, Array], bind: Callable[[str, Any], str]
) -> list[str]:
    """What is written for these calls; ``bind`` gives a thing a local name that begins so."""
    writer = _Writer(arrays, bind)
    writer.write(calls)
    return writer.lines


class _Writer:
    def __init__(self, arrays: Mapping[Slot, Array], bind: Callable[[str, Any], str]) -> None:
        self._arrays, self._bind = arrays, bind
        self._names: dict[Slot, str] = {}
        self.lines: list[str] = []

    def write(self, calls: Sequence[Call]) -> None:
        """Write the calls, and what writes the results into their memory when all are made."""
        late: list[tuple[Array, str]] = []
        for call in calls:
            reads = [self._read(x) for x in call.reads]
            array = self._arrays[call.writes]
            late = [(other, x) for other, x in late if not np.may_share_memory(other, array)]
            if call.kind == "copy":  # which may round, so it is read from memory again
                self.lines.append(f"{self._bind('fill', array.fill)}({reads[0]})")
            else:
                text, *functions = ARITHMETIC[call.function]
                called = [self._bind(function.__name__, function) for function in functions]
                name = self._new_name(call.writes)
                self.lines.append(f"{name} = {text.format(*reads, *called)}")
                late.append((array, name))
        self.lines += [f"{self._bind('fill', array.fill)}({name})" for array, name in late]

    def _read(self, x: Slot) -> str:
        x = x.root if x.root.shape == () else x  # a view of a number is that number
        if x in self._names:
            return self._names[x]
        if x.array is not None:
            return self._bind("c", float(x.array))
        item = self._bind("item", self._arrays[x].item)
        name = self._new_name(x)
        self.lines.append(f"{name} = {item}()")
        return name

    def _new_name(self, x: Slot) -> str:
        return self._names.setdefault(x, f"n{len(self._names)}")
