"""The source: a plan written as one Python function, in which everything is a local name.

A line a call. Every array, constant and bound method is the default of a parameter, so a step makes
no look-ups and, opaque ops apart, allocates nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, cast

import numpy as np

from chainrule.engine import blocks, numbers
from chainrule.engine.beside import last_row, number_in, with_row
from chainrule.engine.calls import Call, Slot
from chainrule.engine.kernels import is_quicker_by_dot, parts_of
from chainrule.engine.plan import Plan
from chainrule.engine.updates import axpby
from chainrule.graph.op import Array

#: (data, batch): a batch is gathered from the data.
Buffers = Sequence[tuple[Array, Array]]


class Source:
    """Writes the function: a line a call, and the local names that it needs."""

    #: Whether BLAS is held to one thread while the function runs.
    holds_blas = False

    def __init__(self, planned: Plan, free: Sequence[Slot] = ()) -> None:
        self.plan = planned
        self.free = free
        self.names: dict[Slot, str] = {slot: f"x{i}" for i, slot in enumerate(free)}
        self.bound: dict[str, Any] = {}
        self._named: dict[int, str] = {}
        self._runs = {run.start: run for run in planned.runs}
        self.lines: list[str] = []

    def function(self, outputs: list[Slot]) -> tuple[str, Callable[..., Any], list[Array | None]]:
        """The source of one step, the step, and the arrays in which its results lie."""
        self._write_calls(range(len(self.plan.calls)))
        self._write_copies()
        returned = ", ".join(
            self.name(slot) if result is None else self._bind("a", result)
            for slot, result in zip(outputs, self.plan.results, strict=True)
        )
        parameters = [f"x{i}" for i in range(len(self.free))]
        self.lines.append(f"return ({returned},)" if self.free else "return None")
        source, step = self._compiled("step", parameters)
        return source, step, self.plan.results

    def loop(self, buffers: Buffers) -> tuple[str, Callable[..., Any]]:
        """The source of a function that makes a step for each of its rows, and the function.

        ``buffers`` are (data, batch): the batch is gathered from the data at each step's begin.
        """
        names = [f"r{i}" for i in range(len(self.plan.rows))]
        self._write_calls(range(self.plan.before))
        self.names |= zip(self.plan.rows, names, strict=True)
        variables = [*names, "i"] if buffers else names
        self.lines.append(
            f"for {', '.join(variables)}, in rows:" if variables else "for _ in rows:"
        )
        outside, self.lines = self.lines, []
        for data, batch in self._gathered_first(buffers):
            self._write_gather(data, batch)
        self._write_calls(range(self.plan.before, len(self.plan.calls)))
        self._write_copies()
        self.lines = [*outside, *[f"    {line}" for line in self.lines or ["pass"]]]
        return self._compiled("steps", ["rows"])

    def _gathered_first(self, buffers: Buffers) -> Buffers:
        """Those of the batches that are gathered before the step's first call."""
        return buffers

    def _write_gather(self, data: Array, batch: Array, indices: str = "i") -> None:
        take, into = self._bind("take", data.take), self._bind("a", batch)
        # mode="clip" checks no bounds; without it, NumPy would copy through a buffer.
        self.lines.append(f"{take}({indices}, 0, {into}, 'clip')")

    def _write_calls(self, places: range) -> None:
        i = places.start
        while i < places.stop:
            stop = numbers.end(self.plan.calls, range(i, places.stop), self.plan.arrays)
            if stop == i:
                i = self._write_from(i)
            else:
                calls = self.plan.calls[i:stop]
                self.lines += numbers.lines(calls, self.plan.arrays, self._bind)
                i = stop

    def _write_from(self, i: int) -> int:
        """Write the call at ``i``, or the run that begins there; returns where to go on."""
        run = self._runs.get(i)
        if run is None:
            self._write(self.plan.calls[i])
            return i + 1
        self._write_run(self.plan.calls[i : run.stop])
        return run.stop

    def _compiled(self, called: str, parameters: list[str]) -> tuple[str, Callable[..., Any]]:
        # Names as defaults of parameters are locals, which Python reaches fastest, and defaults by
        # place cost nothing to fill in (those of keywords would be looked up at every call).
        signature = ", ".join([*parameters, *[f"{n}={n}" for n in self.bound]])
        source = f"def {called}({signature}):\n    " + "\n    ".join(self.lines) + "\n"
        scope: dict[str, Any] = dict(self.bound)
        exec(_code(source), scope)
        return source, scope[called]

    def name(self, slot: Slot) -> str:
        """What a slot is called: a bound array, or a variable that is known by now."""
        array = self.plan.arrays.get(slot)
        if array is not None:
            return self._bind("a", array)
        if slot in self.names:
            return self.names[slot]
        if slot.base is None:
            raise AssertionError("a slot without memory is used before it is known")
        base = self.name(slot.base)
        variable = self.names[slot] = f"v{len(self.names)}"
        assert slot.view is not None
        method, arguments = slot.view
        if method == "__getitem__":
            view = f"{base}[{self._bind('key', arguments[0])}]"
        elif method == "broadcast_to":
            view = f"{self._function(np.broadcast_to, method)}({base}, {arguments[0]})"
        else:
            view = f"{base}.{method}({arguments[0]})"
        self.lines.append(f"{variable} = {view}")
        return variable

    def _bind(self, kind: str, thing: Any) -> str:
        if id(thing) not in self._named:
            name = self._named[id(thing)] = f"{kind}{len(self.bound)}"
            self.bound[name] = thing
        return self._named[id(thing)]

    def _function(self, function: Any, name: str) -> str:
        self.bound.setdefault(name, function)
        return name

    def _write(self, call: Call) -> None:
        if call.kind == "opaque":
            run = self._bind("op", call.function)
            arguments = ", ".join(self.name(x) for x in call.reads)
            variable = self.names[call.writes] = f"v{len(self.names)}"
            self.lines.append(f"{variable} = {run}({arguments})")
            return
        operands = [self.plan.arrays.get(x) for x in (*call.reads, call.writes)]
        if call.kind == "ufunc" and all(x is not None for x in operands):
            self._write_ufunc(call, cast(list[Array], operands))
            return
        out = self.name(call.writes)
        number = number_in(call)
        reads = [
            self._bind("a", last_row(self.plan.arrays[x], call.writes.shape))
            if x is number
            else self.name(x)
            for x in call.reads
        ]
        match call.kind:
            case "ufunc":
                self.lines.append(self._ufunc(call, reads, out))
            case "axpby":
                self.lines.append(f"{self._bind('axpby', self._axpby(call, self.plan.arrays))}()")
            case "reduce":
                axis, keepdims = call.options
                name = f"{call.function.__name__}_reduce"
                function = self._function(call.function.reduce, name)  # type: ignore[attr-defined]
                self.lines.append(f"{function}({reads[0]}, {axis}, None, {out}, {keepdims})")
            case "product":
                self._write_product(call, reads, out)
            case "copy":
                self.lines.append(
                    f"{self._function(np.copyto, 'copyto')}({out}, {reads[0]}, 'unsafe')"
                )
            case "join":
                self._write_join(call, reads)

    def _write_ufunc(self, call: Call, operands: Sequence[Array]) -> None:
        """A call that works entry by entry on these arrays, the last of which it writes."""
        if number_in(call) is not None:
            operands = with_row(operands)
        out, *reads = (self._bind("a", x) for x in (operands[-1], *operands[:-1]))
        self.lines.append(self._ufunc(call, reads, out))

    def _write_run(self, calls: Sequence[Call]) -> None:
        self._write_blocks(calls, slice(0, calls[0].writes.size), self.plan.arrays)

    def _write_blocks(
        self, calls: Sequence[Call], span: slice, arrays: Mapping[Slot, Array]
    ) -> None:
        """A loop over the blocks of a stretch; the pieces of every vector are cut beforehand."""
        size = calls[0].writes.size
        vectors = list(dict.fromkeys(x for call in calls for x in (*call.reads, call.writes)))
        vectors = [x for x in vectors if x.size == size]
        numbers = dict.fromkeys(x for x in map(number_in, calls) if x is not None)
        rows = {x: np.full(min(size, blocks.BLOCK), x.array) for x in numbers}
        updates = [call for call in calls if call.kind == "axpby"]
        pieces = []
        for start in range(span.start, span.stop, blocks.BLOCK):
            part = slice(start, min(start + blocks.BLOCK, span.stop))
            inside = slice(0, part.stop - part.start)
            cut = {x: arrays[x][inside if x in self.plan.local else part] for x in vectors}
            cut |= {x: row[inside] for x, row in rows.items()}
            made = [self._axpby(call, {**arrays, **cut}) for call in updates]
            pieces.append((*cut.values(), *made))
        names = {x: f"p{i}" for i, x in enumerate([*vectors, *rows])}
        called = {call: f"axpby{i}" for i, call in enumerate(updates)}
        variables = ", ".join([*names.values(), *called.values()])
        body = [
            f"{called[call]}()"
            if call in called
            else self._ufunc(
                call, [names.get(x) or self.name(x) for x in call.reads], names[call.writes]
            )
            for call in calls
        ]
        loop = f"for {variables} in {self._bind('blocks', pieces)}:"
        self.lines += [loop, *[f"    {line}" for line in body]]

    def _ufunc(self, call: Call, reads: list[str], out: str) -> str:
        function = self._function(call.function, call.function.__name__)
        # By position is quicker, but NumPy no longer takes it of these two.
        by_name = "out=" if call.function in (np.maximum, np.minimum) else ""
        return f"{function}({', '.join(reads)}, {by_name}{out})"

    def _axpby(self, call: Call, arrays: Mapping[Slot, Array]) -> Callable[[], None]:
        a, x, b, y = (arrays[slot] for slot in call.reads)
        assert _same_memory(arrays[call.writes], y)
        return axpby(a, x, b, y)

    def _write_product(self, call: Call, reads: list[str], out: str) -> None:
        left, right, made = (self.plan.arrays.get(x) for x in (*call.reads, call.writes))
        if left is not None and right is not None and made is not None:
            spans = parts_of(left, right, is_alone=self.holds_blas)
            if len(spans) > 1:
                for rows in spans:
                    self._write_rows(left[rows], right, made[rows])
                return
            if call.function is np.dot:
                self._write_rows(left, right, made)
                return
        if call.function is np.matmul:
            self._write_matmul(reads[0], reads[1], out)
        elif left is None:
            self.lines.append(f"{reads[0]}.dot({reads[1]}, {out})")
        else:
            method = self._function(left.dot, f"{reads[0]}_dot")
            self.lines.append(f"{method}({reads[1]}, {out})")

    def _write_rows(self, left: Array, right: Array, into: Array) -> None:
        """Some rows of a product."""
        name, read, out = (self._bind("a", array) for array in (left, right, into))
        if is_quicker_by_dot(left, right, into):
            self.lines.append(f"{self._function(left.dot, f'{name}_dot')}({read}, {out})")
        else:
            self._write_matmul(name, read, out)

    def _write_matmul(self, left: str, right: str, out: str) -> None:
        self.lines.append(f"{self._function(np.matmul, 'matmul')}({left}, {right}, {out})")

    def _write_join(self, call: Call, reads: list[str]) -> None:
        whole = self.plan.arrays[call.writes]
        axis, start = call.options[0], 0
        for part, read in zip(call.reads, reads, strict=True):
            stop = start + part.shape[axis]
            place = whole[(slice(None),) * axis + (slice(start, stop),)]
            start = stop
            made = self.plan.arrays.get(part)
            lies_there = made is not None and _same_memory(made, place)
            if not lies_there and (call.writes, part) not in self.plan.filled:
                into = self._bind("a", place)
                self.lines.append(f"{self._function(np.copyto, 'copyto')}({into}, {read})")

    def _write_copies(self) -> None:
        for source, memory in self.plan.copies:
            given, into = (
                self.name(x) if isinstance(x, Slot) else self._bind("a", x)
                for x in (source, memory)
            )
            self.lines.append(f"{self._function(np.copyto, 'copyto')}({into}, {given})")


@lru_cache(maxsize=128)
def _code(source: str) -> CodeType:
    return compile(source, "<planned step>", "exec")


def _same_memory(a: Array, b: Array) -> bool:
    return (
        a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and a.nbytes == b.nbytes
    )
