"""Lowering: a graph becomes a list of NumPy calls, by letting each op write down its own.

An op's ``value(xp, *x)`` is ordinary array code. Handed a :class:`Writer` in place of NumPy and
:class:`Slot` in place of arrays, it computes nothing and leaves a list of calls behind: the same
calls in the same order as the reference engine makes, and so the same bits. A slot knows its shape,
dtype and whether its memory is in one piece; which memory it gets is the plan's business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engine.reference import reads_in_order
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, Array, Shape
from chainrule.graph.tensor import Tensor

#: What depends only on what never changes is computed while planning, up to this many entries.
FOLDED_ENTRIES = 65_536


#: Rows of up to so many entries are short: see ``Writer.max``.
NARROW = 32


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
        return _viewed(self, probe.shape, "__getitem__", (parts,), solid)

    def __add__(self, other: Any) -> Slot:
        return _WRITERS[-1].add(self, other)

    def __radd__(self, other: Any) -> Slot:
        return _WRITERS[-1].add(other, self)

    def __sub__(self, other: Any) -> Slot:
        return _WRITERS[-1].subtract(self, other)

    def __rsub__(self, other: Any) -> Slot:
        return _WRITERS[-1].subtract(other, self)

    def __mul__(self, other: Any) -> Slot:
        return _WRITERS[-1].multiply(self, other)

    def __rmul__(self, other: Any) -> Slot:
        return _WRITERS[-1].multiply(other, self)

    def __truediv__(self, other: Any) -> Slot:
        return _WRITERS[-1].divide(self, other)

    def __rtruediv__(self, other: Any) -> Slot:
        return _WRITERS[-1].divide(other, self)

    def __neg__(self) -> Slot:
        return _WRITERS[-1].negative(self)


def _outline(shape: Shape) -> Array:
    """An array of this shape, as if in one piece, that has no memory behind it."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return np.lib.stride_tricks.as_strided(np.empty((), bool), shape, strides, writeable=False)


def _viewed(x: Slot, shape: Shape, method: str, arguments: tuple[Any, ...], solid: bool) -> Slot:
    slot = Slot(shape, x.dtype, solid=solid)
    slot.base, slot.view = x, (method, arguments)
    return slot


@dataclass(eq=False, slots=True)
class Call:
    """One call of NumPy: ``kind`` says how it is written, ``reads`` what it needs.

    kind is "ufunc" (entry by entry, may write over an input), "reduce" (a ufunc's reduce),
    "product" (dot or matmul), "copy" (a cast, or a view made solid), "join" (concatenate), or
    "opaque" (an op that gives an array of its own).
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


class Writer:
    """An array namespace that writes down what it is asked to compute."""

    float32, float64 = np.float32, np.float64

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.node: Tensor | None = None
        self._known: dict[Any, Slot] = {}
        self._alive: list[Array] = []

    def __getattr__(self, name: str) -> Callable[..., Slot]:
        ufunc = getattr(np, name, None)
        if not isinstance(ufunc, np.ufunc):
            raise AttributeError(f"an open op may not use xp.{name}: it cannot be planned")
        return lambda *x: self._ufunc(ufunc, *x)

    def constant(self, value: Any) -> Slot:
        """A slot for a number or an array that never changes."""
        array = np.asarray(value)
        key = (array.dtype, array.shape, array.tobytes()) if array.size <= 64 else id(array)
        if key not in self._known:
            slot = Slot(array.shape, array.dtype)
            slot.array = np.array(array)
            self._alive.append(array)  # or another array might get its id
            self._known[key] = slot
        return self._known[key]

    def call(
        self, kind: str, function: Any, reads: tuple[Slot, ...], shape: Shape, dtype: Any,
        options: tuple[Any, ...] = (),
    ) -> Slot:  # fmt: skip
        """Write a call down, unless the very same one was written before."""
        key = (kind, function, tuple(map(id, reads)), options, dtype)
        if key in self._known:
            return self._known[key]
        slot = Slot(shape, np.dtype(dtype))
        call = Call(kind, function, reads, slot, options, self.node)
        if slot.size <= FOLDED_ENTRIES and all(x.root.array is not None for x in reads):
            slot.array = _computed(call)
        else:
            slot.call = call
            self.calls.append(call)
        self._known[key] = slot
        return slot

    def view(
        self, x: Slot, shape: Shape, method: str, arguments: tuple[Any, ...], solid: bool
    ) -> Slot:
        """A view of ``x``; the same one if it was asked for before."""
        key = (id(x), method, arguments)
        if key not in self._known:
            self._known[key] = _viewed(x, shape, method, arguments, solid)
        return self._known[key]

    def _ufunc(self, ufunc: np.ufunc, *x: Any) -> Slot:
        kinds = [s.dtype if isinstance(s, Slot) else type(s) for s in x]
        *loop, result = ufunc.resolve_dtypes((*kinds, None))
        reads = tuple(
            s if isinstance(s, Slot) else self.constant(np.asarray(s, dtype))
            for s, dtype in zip(x, loop, strict=True)
        )
        return self.call(
            "ufunc", ufunc, reads, np.broadcast_shapes(*[s.shape for s in reads]), result
        )

    def _reduce(self, ufunc: np.ufunc, x: Slot, axis: Any, keepdims: bool) -> Slot:
        gone = range(x.ndim) if axis is None else {i % x.ndim for i in np.atleast_1d(axis)}
        shape = tuple(
            1 if i in gone else size for i, size in enumerate(x.shape) if keepdims or i not in gone
        )
        dtype = ufunc.reduce(np.zeros(1, x.dtype)).dtype
        return self.call("reduce", ufunc, (x,), shape, dtype, (axis, keepdims))

    def sum(self, x: Slot, axis: Any = None, keepdims: bool = False) -> Slot:
        return self._reduce(np.add, x, axis, keepdims)

    def max(self, x: Slot, axis: Any = None, keepdims: bool = False) -> Slot:
        if x.ndim == 2 and axis == 1 and 0 < x.shape[1] <= NARROW:
            # NumPy takes the largest of each short row one by one. The largest of each column of
            # the transposed copy is the same number, in a third to a tenth of the time.
            turned = self.transpose(x, (1, 0))
            columns = self.call("copy", np.copyto, (turned,), turned.shape, x.dtype)
            return self.reshape(
                self.max(columns, 0), (x.shape[0], 1) if keepdims else (x.shape[0],)
            )
        return self._reduce(np.maximum, x, axis, keepdims)

    def min(self, x: Slot, axis: Any = None, keepdims: bool = False) -> Slot:
        return self._reduce(np.minimum, x, axis, keepdims)

    def dot(self, a: Slot, b: Slot) -> Slot:
        shape = a.shape[:-1] + (b.shape[:-2] + b.shape[-1:] if b.ndim > 1 else ())
        return self.call("product", np.dot, (a, b), shape, np.result_type(a.dtype, b.dtype))

    def matmul(self, a: Slot, b: Slot) -> Slot:
        from chainrule.ops.linear import MatMul

        shape = MatMul().shape(a.shape, b.shape)
        return self.call("product", np.matmul, (a, b), shape, np.result_type(a.dtype, b.dtype))

    def astype(self, x: Slot, dtype: Any) -> Slot:
        if x.dtype == dtype:
            return x
        made = x.call
        if made is not None and made.kind == "ufunc" and x.dtype.kind == "b":
            # A comparison writes its 0 and 1 straight into floats.
            return self.call("ufunc", made.function, made.reads, x.shape, dtype)
        return self.call("copy", np.copyto, (x,), x.shape, dtype)

    def arange(self, stop: int, dtype: Any = None) -> Slot:
        return self.constant(np.arange(stop, dtype=dtype))

    def reshape(self, x: Slot, shape: Shape) -> Slot:
        x = self.in_order(x)
        return x if shape == x.shape else self.view(x, shape, "reshape", (shape,), True)

    def in_order(self, x: Slot) -> Slot:
        """``x``, copied if its memory is not in one piece."""
        return x if x.solid else self.call("copy", np.copyto, (x,), x.shape, x.dtype)

    def expand_dims(self, x: Slot, axis: int) -> Slot:
        shape = list(x.shape)
        shape.insert(axis if axis >= 0 else x.ndim + 1 + axis, 1)
        return self.reshape(x, tuple(shape))

    def transpose(self, x: Slot, axes: tuple[int, ...]) -> Slot:
        if axes == tuple(range(x.ndim)):
            return x
        return self.view(x, tuple(x.shape[i] for i in axes), "transpose", (axes,), False)

    def broadcast_to(self, x: Slot, shape: Shape) -> Slot:
        return self.view(x, shape, "broadcast_to", (shape,), False)

    def concatenate(self, parts: tuple[Slot, ...], axis: int = 0) -> Slot:
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        dtype = np.result_type(*[part.dtype for part in parts])
        return self.call("join", np.concatenate, tuple(parts), tuple(shape), dtype, (axis,))


_WRITERS: list[Writer] = []
"""The writer at work, last: what an operator between slots writes to."""


def look(array: Array, slot: Slot) -> Array:
    """The view that ``slot`` is, of the array of its base."""
    assert slot.view is not None
    method, arguments = slot.view
    if method == "broadcast_to":
        return np.broadcast_to(array, *arguments)
    view: Array = getattr(array, method)(*arguments)
    return view


def _known_array(slot: Slot) -> Array:
    if slot.array is not None:
        return slot.array
    assert slot.base is not None
    return look(_known_array(slot.base), slot)


def _computed(call: Call) -> Array:
    """The result of a call on arrays that never change, as the plan would have computed it."""
    arrays = [_known_array(slot) for slot in call.reads]
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


def lower(graph: Graph, steady: Mapping[int, Array] | None = None) -> Lowered:
    """The NumPy calls that compute a graph, each value still without memory.

    ``steady`` has the arrays of inputs that never change, by place: what depends on these and on
    constants alone is computed here, once.
    """
    writer = Writer()
    slots: dict[Tensor, Slot] = {node: Slot(node.shape, node.dtype) for node in graph.inputs}
    for place, array in (steady or {}).items():
        slots[graph.inputs[place]].array = array
    _WRITERS.append(writer)
    try:
        for node in graph.nodes[len(graph.inputs) :]:
            writer.node = node
            slots[node] = _lowered(node, [slots[x] for x in node.inputs], writer)
    finally:
        _WRITERS.pop()
    outputs = [slots[x] for x in graph.outputs]
    return Lowered(_wanted(writer.calls, outputs), [slots[x] for x in graph.inputs], outputs)


def _wanted(calls: list[Call], outputs: list[Slot]) -> list[Call]:
    """The calls that the outputs need: a comparison that became floats is needed no more."""
    needed = {slot.root for slot in outputs}
    kept = []
    for call in reversed(calls):
        if call.writes in needed:
            kept.append(call)
            needed.update(slot.root for slot in call.reads)
    return kept[::-1]


def _lowered(node: Tensor, inputs: list[Slot], writer: Writer) -> Slot:
    op = node.op
    if op is None or op is CONSTANT:
        return writer.constant(node.value)
    if reads_in_order(op):
        inputs = [writer.in_order(x) for x in inputs]
    if op.is_open:
        slot: Slot = op.value(writer, *inputs)
        return slot

    def run(*arrays: Array) -> Array:
        return np.asarray(op.value(np, *arrays), order="C")

    return writer.call("opaque", run, tuple(inputs), node.shape, node.dtype)
