"""What a crew does together: stretches of a plan written as jobs, one for each thread.

The thread that runs the loop does the first job itself, while the hands do the others::

    start(part_2)       for a hand: rows 50 to 99 of the batch are gathered, and of X @ W
    part_1()            rows 0 to 49
    wait()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule.engine.blocks import blocks_of
from chainrule.engine.calls import Call, Slot
from chainrule.engine.crew import Crew
from chainrule.engine.kernels import parts_of
from chainrule.engine.memory import aligned
from chainrule.engine.plan import Plan
from chainrule.engine.sharing import Share, is_cut, microseconds, parts
from chainrule.engine.source import Buffers, Source
from chainrule.graph.op import Array


class SharedSource(Source):
    """Writes a loop in which the calls of ``shares`` and long runs are done by a whole crew."""

    holds_blas = True

    def __init__(self, planned: Plan, crew: Crew, shares: Sequence[Share]) -> None:
        super().__init__(planned)
        self._crew = crew
        self._shares = {share.calls.start: share for share in shares}
        self._gathers: dict[int, list[tuple[Array, Array]]] = {}

    def _gathered_first(self, buffers: Buffers) -> Buffers:
        first = list[tuple[Array, Array]]()
        for data, batch in buffers:
            share = self._share_that_gathers(batch)
            by = first if share is None else self._gathers.setdefault(share.calls.start, [])
            by.append((data, batch))
        return first

    def _share_that_gathers(self, batch: Array) -> Share | None:
        """The share that begins to read a batch, if each of its threads reads its own rows alone.

        Nothing before it reads the batch, so each thread can gather what it goes on with.
        """
        readers = [i for i, call in enumerate(self.plan.calls) if self._reads(call, batch)]
        for share in self._shares.values():
            if not readers or readers[0] not in share.calls:
                continue
            inside = [self.plan.calls[i] for i in readers if i in share.calls]
            alone = all(
                is_cut(call.reads[place], call, place)
                and self.plan.arrays[call.reads[place]] is batch
                for call in inside
                for place in self._reads(call, batch)
            )
            return share if alone else None
        return None

    def _reads(self, call: Call, batch: Array) -> list[int]:
        """The places among what a call reads that look at the batch."""
        arrays = [self.plan.arrays.get(x) for x in call.reads]
        return [
            place
            for place, array in enumerate(arrays)
            if array is not None and np.may_share_memory(array, batch)
        ]

    def _write_from(self, i: int) -> int:
        share = self._shares.get(i)
        if share is None:
            return super()._write_from(i)
        gathers = self._gathers.get(i, [])
        jobs = [self._of_rows(share.calls, rows, gathers) for rows in share.parts]
        self._write_together(jobs, "i" if gathers else "")
        return share.calls.stop

    def _write_together(self, jobs: Sequence[Callable[..., Any]], given: str = "") -> None:
        """The first job is done here, the others by the crew meanwhile."""
        hands = self._crew.hands[: len(jobs) - 1]
        for hand, job in zip(hands, jobs[1:], strict=True):
            start, part = self._bind("start", hand.start), self._bind("part", job)
            if given:
                part = f"{self._function(partial, 'partial')}({part}, {given})"
            self.lines.append(f"{start}({part})")
        self.lines.append(f"{self._bind('part', jobs[0])}({given})")
        self.lines += [f"{self._bind('wait', hand.wait)}()" for hand in hands]

    def _of_rows(self, calls: range, rows: slice, gathers: Buffers) -> Callable[..., Any]:
        """A function that does the calls for some rows, once it has gathered these."""
        part = Source(self.plan)
        for data, batch in gathers:
            part._write_gather(data, batch[rows], f"i[{part._bind('rows', rows)}]")
        for call in self.plan.calls[calls.start : calls.stop]:
            reads = [
                self.plan.arrays[x][rows] if is_cut(x, call, i) else self.plan.arrays[x]
                for i, x in enumerate(call.reads)
            ]
            out = self.plan.arrays[call.writes][rows]
            if call.kind == "ufunc":
                part._write_ufunc(call, [*reads, out])
            else:
                left, right = reads
                for span in parts_of(left, right, is_alone=True):
                    part._write_rows(left[span], right, out[span])
        return part._compiled("part", ["i"] if gathers else [])[1]

    def _write_run(self, calls: Sequence[Call]) -> None:
        """A loop over blocks for each thread."""
        size = calls[0].writes.size
        threads = min(len(self._crew.hands) + 1, blocks_of(size))
        if threads == 1 or any(x not in self.plan.arrays for call in calls for x in call.reads):
            super()._write_run(calls)
            return
        jobs = []
        for span in parts(size, threads, sum(map(microseconds, calls))):
            part = Source(self.plan)
            part._write_blocks(calls, span, {**self.plan.arrays, **self._room()})
            jobs.append(part._compiled("part", [])[1])
        self._write_together(jobs)

    def _room(self) -> dict[Slot, Array]:
        """Memory of its own for a thread's blocks, laid out as that of the plan.

        What shares a piece of memory there does so here: the fewer pieces, the more of all that a
        block needs stays in the cache.
        """
        pieces: dict[tuple[object, ...], Array] = {}
        room = dict[Slot, Array]()
        for x in self.plan.local:
            planned = self.plan.arrays[x]
            place = (*planned.__array_interface__["data"], x.dtype)
            room[x] = pieces.setdefault(place, aligned(planned.shape, x.dtype))
        return room
