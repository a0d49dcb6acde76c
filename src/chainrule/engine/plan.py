"""The plan: which call writes where. A pure function from calls to memory.

A buffer is taken when a result is born and given back after its last reader, so that later results
use the same memory; a call that works entry by entry writes over an input that nobody needs any
more; parts that are to be joined are computed in their place in the whole; and what replaces an
input (new parameters) is written into that input's own memory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.engine import blocks
from chainrule.engine.blocks import runs
from chainrule.engine.calls import Call, Lowered, Slot, known_array, look
from chainrule.engine.memory import Pool
from chainrule.engine.order import numbers_first, products_late, unchanging_first
from chainrule.engine.updates import updates_in_one
from chainrule.graph.op import Array

#: Calls that write where they are told to.
WRITING = ("ufunc", "axpby", "reduce", "product", "copy")


@dataclass(slots=True)
class Plan:
    """``calls`` in order, with the array of every slot that has memory of its own.

    Slots without an array are known only while running: inputs that are handed in at each call,
    results of opaque ops, and views of these. ``copies`` are done at the end, in order: (from,
    into). ``results`` has the array in which each output lies then, where one is known. ``runs``
    are stretches of calls to be done in blocks; ``local`` slots live inside of one, in its room.
    ``filled`` has the parts that already lie in a whole: (whole, part). ``buffers`` are
    what another plan may use between two runs of this one.
    In a loop, the first ``before`` calls are done once, and ``rows`` are known step by step: a row
    is either a result, written there at once, or what a copy goes to.
    """

    calls: list[Call]
    arrays: dict[Slot, Array]
    copies: list[tuple[Slot | Array, Slot | Array]] = field(default_factory=list)
    results: list[Array | None] = field(default_factory=list)
    nbytes: int = 0
    buffers: list[Array] = field(default_factory=list)
    runs: list[range] = field(default_factory=list)
    local: set[Slot] = field(default_factory=set)
    filled: set[tuple[Slot, Slot]] = field(default_factory=set)
    before: int = 0
    rows: list[Slot] = field(default_factory=list)


def plan(
    lowered: Lowered,
    bound: Mapping[int, Array],
    replaces: Mapping[int, int],
    kept: Collection[int] | None = None,
    changing: Collection[Slot] = (),
    room: Collection[Array] = (),
) -> Plan:
    """Give every result its memory.

    Args:
        lowered: the calls.
        bound: arrays that are the memory of inputs, by the input's place. Inputs not named here
            are handed in at each run.
        replaces: output place to the place of the bound input whose memory it is to end in.
        kept: for a step in a loop: the outputs that are not replaced, to end in rows.
        changing: inputs that are filled anew for each step of the loop.
        room: buffers of another plan, which never runs at the same time, to be used again.
    """
    targets = {output: lowered.inputs[place] for output, place in replaces.items()}
    touched = None if kept is None else {*targets.values(), *changing}
    rows = [lowered.outputs[output] for output in kept or ()]
    planner = _Planner(lowered, bound, targets, rows, touched, room)
    for row in rows:
        planner.write_row(row)
    for output, target in targets.items():
        planner.write_home(lowered.outputs[output], target)
    planner.join_in_place()
    planner.find_local()
    planner.assign()
    planner.deliver(targets, len(bound) == len(lowered.inputs))
    planner.plan.nbytes, planner.plan.buffers = planner.pool.nbytes, planner.pool.made
    return planner.plan


class _Planner:
    def __init__(
        self,
        lowered: Lowered,
        bound: Mapping[int, Array],
        targets: Mapping[int, Slot],
        rows: Collection[Slot],
        changing: Collection[Slot] | None,
        room: Collection[Array],
    ) -> None:
        late = {call.writes for call in lowered.calls if call.kind == "opaque"}
        late |= {x for place, x in enumerate(lowered.inputs) if place not in bound}
        replaced = {lowered.outputs[output]: target for output, target in targets.items()}
        ordered = products_late(numbers_first(lowered.calls))
        unknown = late | {output.root for output in rows}
        unknown |= {lowered.inputs[i] for i, x in bound.items() if not x.flags.c_contiguous}
        ordered = numbers_first(updates_in_one(ordered, lowered.outputs, replaced, unknown))
        first, rest = unchanging_first(ordered, changing)
        self.calls = [*first, *rest]
        self.outputs = lowered.outputs
        self.born = {call.writes: i for i, call in enumerate(self.calls)}
        self.last_read: dict[Slot, int] = {}
        for i, call in enumerate(self.calls):
            for slot in call.reads:
                self.last_read[slot.root] = i
        for slot in (*self.outputs, *(call.writes for call in first)):
            self.last_read[slot.root] = len(self.calls)
        self.plan = Plan(list(self.calls), {}, before=len(first))
        for place, array in bound.items():
            self.plan.arrays[lowered.inputs[place]] = array
        self.plan.runs = [
            range(run.start + start, run.stop + start)
            for part, start in ((first, 0), (rest, len(first)))
            for run in runs(part, late)
        ]
        # Memory decided before the sweep: the arrays of inputs to be replaced, parts of a whole.
        self.home: dict[Slot, Array | Slot | tuple[Slot, int]] = {}
        self.pool = Pool(room)
        self.late: list[tuple[Slot, Array | Slot]] = []
        self.rowed: set[Slot] = set()

    def write_row(self, output: Slot) -> None:
        """Let ``output`` end in a row of its own, which is known only step by step."""
        self.rowed.add(output)
        viewed = any(x.root is output and x is not output for c in self.calls for x in c.reads)
        made = output.call
        if (
            made is not None
            and made.kind in WRITING
            and output.size < blocks.BLOCK
            and self.born[output] >= self.plan.before
            and output not in self.home
            and not viewed
        ):
            self.home[output] = output
            self.plan.rows.append(output)
            return
        row = Slot(output.shape, output.dtype)
        self.plan.rows.append(row)
        self.late.append((output, row))

    def write_home(self, output: Slot, target: Slot) -> None:
        """Let ``output`` end in the memory of the input ``target``."""
        memory = self.plan.arrays[target]
        if output is target:
            return
        if output in self.home:
            self.late.append((output, memory))
            return
        slot, last = output, self.last_read.get(target, -1)
        while self._may_live_in(slot, memory, last):
            self.home[slot] = memory
            call = slot.call
            assert call is not None
            # What is only made in order to be overwritten here may live here as well.
            before = [
                x for x in call.reads if self._dies_at(x, self.born[slot]) and x not in self.home
            ]
            fitting = [
                x for x in before if x.shape == slot.shape and self._may_live_in(x, memory, last)
            ]
            if call.kind != "ufunc" or not fitting:
                break
            slot = fitting[0]
        if output not in self.home:
            self.late.append((output, memory))

    def _may_live_in(self, slot: Slot, memory: Array, last_read: int) -> bool:
        call = slot.call
        return (
            call is not None
            and call.kind in WRITING
            and slot.shape == memory.shape
            and slot.dtype == memory.dtype
            and (
                self.born[slot] > last_read
                or (call.kind in ("ufunc", "axpby") and self.born[slot] == last_read)
            )
        )

    def _dies_at(self, slot: Slot, i: int) -> bool:
        return slot.base is None and slot.call is not None and self.last_read[slot] == i

    def join_in_place(self) -> None:
        """Compute parts of a joined array where they will lie, so that joining costs nothing."""
        for call in self.calls:
            if call.kind != "join" or any(call.options):
                continue
            start = 0
            for part in call.reads:
                root = part.root
                made = root.call
                if (
                    part.solid
                    and root.size == part.size
                    and made is not None
                    and made.kind in WRITING
                    and root.dtype == call.writes.dtype
                    and root not in self.home
                ):
                    self.home[root] = (call.writes, start)
                    # The whole keeps its memory for as long as any part of it is read.
                    whole = call.writes
                    self.last_read[whole] = max(self.last_read[whole], self.last_read[root])
                start += part.size
            if any(part.root.array is not None for part in call.reads):
                self._fill(call)

    def _fill(self, call: Call) -> None:
        """Write the parts that never change once and for all, into memory shared with no other."""
        whole = call.writes
        if whole in self.home or whole.root is not whole:
            return
        self.plan.arrays[whole] = memory = self.pool.own(whole.shape, whole.dtype)
        start = 0
        for part in call.reads:
            if part.root.array is not None:
                memory.reshape(-1)[start : start + part.size] = known_array(part).ravel()
                self.plan.filled.add((whole, part))
            start += part.size

    def _owner(self, slot: Slot) -> Slot:
        """The slot that holds the memory: the whole, if ``slot`` is computed in its place there."""
        home = self.home.get(slot.root)
        return home[0] if isinstance(home, tuple) else slot.root

    def find_local(self) -> None:
        """What is born and read for the last time inside one run."""
        for run in self.plan.runs:
            for i in run:
                slot = self.calls[i].writes
                if slot not in self.home and self.last_read.get(slot, i) < run.stop:
                    self.plan.local.add(slot)

    def assign(self) -> None:
        """One sweep through the calls, taking and giving back buffers."""
        taken: dict[Slot, Array] = {}
        held: list[Array] = []
        inside = {i for run in self.plan.runs for i in run[1:]}
        for i, call in enumerate(self.calls):
            slot = call.writes
            known = slot in self.plan.arrays or self.home.get(slot) is slot
            if call.kind != "opaque" and not known:
                self.plan.arrays[slot] = self._memory(slot, call, i, taken)
            for read in {self._owner(x) for x in (*call.reads, slot)}:
                if self.last_read.get(read, i) == i and read in taken:
                    held.append(taken.pop(read))
            # Blocks go through a run again and again: what one call of it needs no more must not
            # be written over by a later one before the last block is done.
            if i + 1 not in inside:
                self.pool.free += held
                held.clear()
        for slot in {x for call in self.calls for x in call.reads} | set(self.outputs):
            self._realise(slot)

    def _memory(self, slot: Slot, call: Call, i: int, taken: dict[Slot, Array]) -> Array:
        home = self.home.get(slot)
        if isinstance(home, np.ndarray):
            return home
        if isinstance(home, tuple):
            whole, start = home
            if whole not in self.plan.arrays:
                self.plan.arrays[whole] = self._shaped(whole, taken)
            flat = self.plan.arrays[whole].reshape(-1)
            return flat[start : start + slot.size].reshape(slot.shape)
        if call.kind == "ufunc":
            for read in call.reads:
                fits = read.shape == slot.shape and read.dtype == slot.dtype
                fits = fits and (read in self.plan.local) == (slot in self.plan.local)
                if fits and read in taken and self._dies_at(read, i):
                    taken[slot] = taken.pop(read)
                    return self.plan.arrays[read]
        return self._shaped(slot, taken)

    def _shaped(self, slot: Slot, taken: dict[Slot, Array]) -> Array:
        shape = (blocks.BLOCK,) if slot in self.plan.local else slot.shape
        nbytes = math.prod(shape) * slot.dtype.itemsize
        raw = self.pool.take(nbytes)
        taken[slot] = raw
        return raw[:nbytes].view(slot.dtype).reshape(shape)

    def deliver(self, targets: Mapping[int, Slot], all_bound: bool) -> None:
        """Say where each output lies in the end, and copy what does not lie there by itself."""
        overwritten = {target for i, target in targets.items() if self.outputs[i] is not target}
        for i, slot in enumerate(self.outputs):
            if i not in targets and slot in self.rowed:
                continue
            result = self.plan.arrays.get(targets.get(i, slot))
            stale = i not in targets and slot.root in overwritten
            if stale or (result is None and all_bound):
                result = self.pool.own(slot.shape, slot.dtype)
                self.late.append((slot, result))
            self.plan.results.append(result)
        # An input's old value is put aside before anything is written over it.
        for slot, memory in self.late:
            source: Slot | Array = slot
            if slot.root in overwritten:
                source = self.pool.own(slot.shape, slot.dtype)
                self.plan.copies.insert(0, (slot, source))
            self.plan.copies.append((source, memory))

    def _realise(self, slot: Slot) -> None:
        """The array of a constant or a view, where it is known before running."""
        chain: list[Slot] = []
        while slot not in self.plan.arrays and slot.base is not None:
            chain.append(slot)
            slot = slot.base
        if slot.array is not None:
            self.plan.arrays[slot] = slot.array
        if slot not in self.plan.arrays:
            return
        for view in reversed(chain):
            self.plan.arrays[view] = look(self.plan.arrays[slot], view)
            slot = view
