"""Slots and calls: what a plan is made of, before anything has memory.

A slot stands for an array, a call for one call of NumPy that reads slots and writes one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chainrule.graph.op import Array, Shape
from chainrule.graph.tensor import Tensor


class Arithmetic(Protocol):
    """What an operator between slots asks for its result: ``add``, ``multiply`` and so on."""

    def __getattr__(self, name: str) -> Callable[..., Slot]: ...


WRITER: ContextVar[Arithmetic] = ContextVar("writer")
"""The writer at work, which operators between slots write to: each thread has its own."""


class Slot:
    """An array that will exist when the plan runs.

    It is one of: an input, a constant (``array``), the result of a call (``call``), or a view
    (``base`` and ``view``, a method of arrays with its arguments).
    """

    __slots__ = ("array", "base", "call", "dtype", "shape", "solid", "view")

    def __init__(self, shape: Shape, dtype: np.dtype[Any], *, solid: bool = True) -> None:
        self.shape = shape
        self.dtype = dtype
        self.solid = solid
        self.array: Array | None = None
        self.call: Call | None = None
        self.base: Slot | None = None
        self.view: tuple[str, tuple[Any, ...]] | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def root(self) -> Slot:
        """The slot whose memory this one looks at: itself, unless it is a view."""
        slot = self
        while slot.base is not None:
            slot = slot.base
        return slot

    def __getitem__(self, key: Any) -> Slot:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(part is ... for part in parts):
            parts = (*parts, ...)  # without it a single entry would be a number, not a view
        probe = _outline(self.shape)[parts]
        solid = self.solid and probe.flags.c_contiguous
        return viewed(self, probe.shape, "__getitem__", (parts,), solid)

    def __add__(self, other: Any) -> Slot:
        return WRITER.get().add(self, other)

    def __radd__(self, other: Any) -> Slot:
        return WRITER.get().add(other, self)

    def __sub__(self, other: Any) -> Slot:
        return WRITER.get().subtract(self, other)

    def __rsub__(self, other: Any) -> Slot:
        return WRITER.get().subtract(other, self)

    def __mul__(self, other: Any) -> Slot:
        return WRITER.get().multiply(self, other)

    def __rmul__(self, other: Any) -> Slot:
        return WRITER.get().multiply(other, self)

    def __truediv__(self, other: Any) -> Slot:
        return WRITER.get().divide(self, other)

    def __rtruediv__(self, other: Any) -> Slot:
        return WRITER.get().divide(other, self)

    def __neg__(self) -> Slot:
        return WRITER.get().negative(self)


def _outline(shape: Shape) -> Array:
    """An array of this shape, as if in one piece, that has no memory behind it."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return np.lib.stride_tricks.as_strided(np.empty((), bool), shape, strides, writeable=False)


def viewed(x: Slot, shape: Shape, method: str, arguments: tuple[Any, ...], solid: bool) -> Slot:
    """A slot that looks at the memory of ``x``: the result of one of an array's methods."""
    slot = Slot(shape, x.dtype, solid=solid)
    slot.base, slot.view = x, (method, arguments)
    return slot


@dataclass(eq=False, slots=True)
class Call:
    """One call of NumPy: ``kind`` says how it is written, ``reads`` what it needs.

    kind is "ufunc" (entry by entry, may write over an input), "axpby" (of a, x, b and y: a x + b y,
    in the place of y), "reduce" (a ufunc's reduce), "product" (dot or matmul), "copy" (a cast, or a
    view made solid), "join" (concatenate), or "opaque" (an op that gives an array of its own).
    """

    kind: str
    function: Callable[..., Any]
    reads: tuple[Slot, ...]
    writes: Slot
    options: tuple[Any, ...] = ()
    node: Tensor | None = None


@dataclass(slots=True)
class Lowered:
    """What came of a graph: the calls in order, and the slots of its inputs and outputs."""

    calls: list[Call]
    inputs: list[Slot]
    outputs: list[Slot]


def look(array: Array, slot: Slot) -> Array:
    """The view that ``slot`` is, of the array of its base."""
    assert slot.view is not None
    method, arguments = slot.view
    if method == "broadcast_to":
        return np.broadcast_to(array, *arguments)
    view: Array = getattr(array, method)(*arguments)
    return view


def known_array(slot: Slot) -> Array:
    """The array of a constant, or of a view of one."""
    if slot.array is not None:
        return slot.array
    assert slot.base is not None
    return look(known_array(slot.base), slot)


def computed(call: Call) -> Array:
    """The result of a call on arrays that never change, as the plan would have computed it."""
    arrays = [known_array(slot) for slot in call.reads]
    with np.errstate(all="ignore"):
        match call.kind:
            case "reduce":
                axis, keepdims = call.options
                result = call.function.reduce(arrays[0], axis, keepdims=keepdims)  # type: ignore[attr-defined]
            case "copy":
                result = arrays[0]
            case "join":
                result = np.concatenate(arrays, axis=call.options[0])
            case _:
                result = call.function(*arrays)
    return np.array(result, dtype=call.writes.dtype, order="C")
