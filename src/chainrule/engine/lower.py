"""Lowering: a graph becomes a list of NumPy calls, by letting each op write down its own.

An op's ``value(xp, *x)`` is ordinary array code. Handed a :class:`Writer` in place of NumPy and
:class:`Slot` in place of arrays, it computes nothing and leaves a list of calls behind: the same
calls in the same order as the reference engine makes, and so the same bits. A slot knows its shape,
dtype and whether its memory is in one piece; which memory it gets is the plan's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.engine.calls import WRITER, Call, Lowered, Slot, computed, viewed
from chainrule.engine.reference import reads_in_order
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, Array, Shape, broadcast
from chainrule.graph.tensor import Tensor

#: What depends only on what never changes is computed while planning, up to this many entries.
FOLDED_ENTRIES = 65_536

#: Rows of up to so many entries are short, and from so many rows on there are many: see
#: ``Writer.max``.
NARROW, MANY = 32, 16


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
            slot.array = computed(call)
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
            self._known[key] = viewed(x, shape, method, arguments, solid)
        return self._known[key]

    def _ufunc(self, ufunc: np.ufunc, *x: Any) -> Slot:
        kinds: list[Any] = [s.dtype if isinstance(s, Slot) else type(s) for s in x]
        *loop, result = _resolved(ufunc, *kinds)
        reads = tuple(
            s if isinstance(s, Slot) else self.constant(np.asarray(s, dtype))
            for s, dtype in zip(x, loop, strict=True)
        )
        return self.call("ufunc", ufunc, reads, broadcast(*[s.shape for s in reads]), result)

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
        if x.ndim == 2 and axis == 1 and 0 < x.shape[1] <= NARROW and x.shape[0] >= MANY:
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


@lru_cache(1024)
def _resolved(ufunc: np.ufunc, *kinds: Any) -> tuple[np.dtype[Any], ...]:
    """The dtypes with which a ufunc works, and that of its result."""
    return ufunc.resolve_dtypes((*kinds, None))


def lower(graph: Graph, steady: Mapping[int, Array] | None = None) -> Lowered:
    """The NumPy calls that compute a graph, each value still without memory.

    ``steady`` has the arrays of inputs that never change, by place: what depends on these and on
    constants alone is computed here, once.
    """
    writer = Writer()
    slots: dict[Tensor, Slot] = {node: Slot(node.shape, node.dtype) for node in graph.inputs}
    for place, array in (steady or {}).items():
        slots[graph.inputs[place]].array = array
    at_work = WRITER.set(writer)
    try:
        for node in graph.nodes[len(graph.inputs) :]:
            writer.node = node
            slots[node] = _lowered(node, [slots[x] for x in node.inputs], writer)
    finally:
        WRITER.reset(at_work)
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
