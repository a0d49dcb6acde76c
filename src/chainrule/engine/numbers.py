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

#: What is written for a call. Where Python would raise, NumPy says what IEEE 754 has for it.
ARITHMETIC: dict[Any, str] = {
    np.add: "{0} + {1}",
    np.subtract: "{0} - {1}",
    np.multiply: "{0} * {1}",
    np.divide: "{0} / {1} if {1} else divided({0}, {1})",
    np.negative: "-{0}",
    np.square: "{0} * {0}",
    np.sqrt: "root({0}) if {0} >= 0.0 else no_root({0})",
}

#: What these lines call.
FUNCTIONS: dict[str, Callable[..., float]] = {
    "divided": lambda x, y: float(np.divide(x, y)),
    "root": math.sqrt,
    "no_root": lambda x: float(np.sqrt(x)),
}


def is_on_numbers(call: Call, arrays: Mapping[Slot, Array]) -> bool:
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


class Numbers:
    """The ``lines`` for such calls, one after the other.

    Args:
        arrays: where slots lie.
        bind: gives the local name for something, which begins like this.
    """

    def __init__(self, arrays: Mapping[Slot, Array], bind: Callable[[str, Any], str]) -> None:
        self._arrays, self._bind = arrays, bind
        self._names: dict[Slot, str] = {}
        self.lines: list[str] = []

    def write(self, calls: Sequence[Call]) -> None:
        """Write the calls, and what writes their results into memory, where others read them."""
        late: list[tuple[Array, str]] = []
        for call in calls:
            reads = [self._read(x) for x in call.reads]
            array = self._arrays[call.writes]
            late = [(other, x) for other, x in late if not np.may_share_memory(other, array)]
            if call.kind == "copy":  # which may round, so it is read from memory again
                self.lines.append(f"{self._bind('fill', array.fill)}({reads[0]})")
            else:
                name = self._new_name(call.writes)
                self.lines.append(f"{name} = {ARITHMETIC[call.function].format(*reads)}")
                late.append((array, name))
        self.lines += [f"{self._bind('fill', array.fill)}({name})" for array, name in late]

    def _read(self, x: Slot) -> str:
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
