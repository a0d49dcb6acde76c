"""The loop: a planned step that runs many times in one call, and keeps some results of each time.

Where a step takes microseconds, calling it costs as much as a few of its parts. So the loop is
written into the function: what does not change from step to step is computed before it, and each
step writes what is to be kept into a row of its own::

    def steps(rows):
        multiply(rate, share, scale)        # the same in every step: done once
        for r0, i in rows:
            data_take(i, 0, x, "clip")      # the batch: gathered into its buffer
            x_dot(w, r0)                    # kept: lies in this step's row
            ...
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import groupby, islice
from operator import length_hint
from typing import Any

import numpy as np

from chainrule.engine.blocks import blocks_of
from chainrule.engine.crew import Crew, cores, threads
from chainrule.engine.faster import faster
from chainrule.engine.lower import lower
from chainrule.engine.plan import Plan, plan
from chainrule.engine.reference import ReferenceProgram
from chainrule.engine.sharing import Share, shares
from chainrule.engine.source import Source
from chainrule.engine.together import SharedSource
from chainrule.engine.turns import Turns
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array


class Repeated:
    """A step, all of whose inputs are bound, to be run some number of times.

    ``run`` takes an iterator over some of ``rows`` and makes a step for each; what is kept of the
    step at ``rows[i]`` then lies in ``kept[place][i]``. If anything is gathered, each row is
    followed by the indices of the step's batch: ``(*rows[i], indices)``. If a number is ``fed``,
    ``run`` takes its values too, one a step. Between two runs the caller may change the bound
    arrays; within one, only what the step itself replaces changes.

    Args:
        graph, bound, replaces, steady: as for a ``Program``; every input is bound.
        kept: outputs to be kept, by place, each an array whose first axis counts the steps.
        gathered: bound inputs that are filled anew for each step, with rows of these arrays.
        fed: a bound input, a number, that is given for each step.
        room: ``buffers`` of other steps, which never run at the same time, to be used again.
    """

    def __init__(
        self, graph: Graph, bound: Mapping[str, Array], replaces: Mapping[int, str],
        steady: Collection[str], kept: Mapping[int, Array],
        gathered: Mapping[str, Array] | None = None, fed: str | None = None,
        room: Collection[Array] = (),
    ) -> None:  # fmt: skip
        gathered, names = gathered or {}, graph.input_names()
        places = {names.index(name): array for name, array in bound.items()}
        lowered = lower(faster(graph, steady), {names.index(name): bound[name] for name in steady})
        targets = {out: names.index(name) for out, name in replaces.items()}
        changing = [lowered.inputs[names.index(name)] for name in gathered]
        planned = plan(lowered, places, targets, list(kept), changing, room)
        self._crew, shared = _crew(planned)
        self._turns = None if self._crew is None else Turns(self._crew)
        writer = (
            Source(planned) if self._crew is None else SharedSource(planned, self._crew, shared)
        )
        self.rows = rows_of(kept)
        self.nbytes, self.buffers = planned.nbytes, planned.buffers
        self.names = writer.bound
        buffers = [(array, bound[name]) for name, array in gathered.items()]
        self.source, self._steps = writer.loop(buffers)
        self._fed = None if fed is None else bound[fed]

    def run(self, rows: Iterator[tuple[Any, ...]], values: Sequence[float] = ()) -> None:
        """A step for each of ``rows``."""
        with nullcontext() if self._crew is None else self._crew.at_work():
            self._run(rows, values)

    def _run(self, rows: Iterator[tuple[Any, ...]], values: Sequence[float]) -> None:
        if self._fed is None:
            if length_hint(rows, -1) < 0:  # a generator, which does not tell
                rows = iter(list(rows))
            self._make(rows, length_hint(rows))
            return
        # The calls before the loop are made again only where the number is another one.
        for value, times in stretches(values):
            self._fed[()] = value
            self._make(rows, times)

    def _make(self, rows: Iterator[tuple[Any, ...]], count: int) -> None:
        for times in [count] if self._turns is None else self._turns.of(count):
            self._steps(islice(rows, times))


def _crew(planned: Plan) -> tuple[Crew | None, list[Share]]:
    """Threads for a step in which there is enough for more than one to do, and what they share."""
    most = cores()
    found = shares(planned, most)
    if not (planned.runs or found):
        return None, []
    count = threads()
    if count != most:
        found = shares(planned, count)
    # No more than have something to do: to begin and end a thread takes some 30 µs in each run.
    useful = [len(share.parts) for share in found]
    useful += [blocks_of(planned.calls[run.start].writes.size) for run in planned.runs]
    count = min(count, max(useful, default=1))
    return (Crew(count), found) if count > 1 else (None, [])


class ReferenceRepeated:
    """The definition: the reference engine's step again and again, the results copied to rows."""

    def __init__(
        self, graph: Graph, bound: Mapping[str, Array], replaces: Mapping[int, str],
        steady: Collection[str], kept: Mapping[int, Array],
        gathered: Mapping[str, Array] | None = None, fed: str | None = None,
    ) -> None:  # fmt: skip
        self._program = ReferenceProgram(graph, bound, replaces, steady)
        self._places = list(kept)
        self._buffers = [(array, bound[name]) for name, array in (gathered or {}).items()]
        self._fed = None if fed is None else bound[fed]
        self.rows = rows_of(kept)

    def run(self, rows: Iterator[tuple[Any, ...]], values: Sequence[float] = ()) -> None:
        """A step for each of ``rows``."""
        given = iter(values)
        for row in rows:
            if self._fed is not None:
                self._fed[()] = next(given)
            for data, buffer in self._buffers:
                buffer[...] = data[row[-1]]
            self._program.run()
            for place, memory in zip(self._places, row, strict=not self._buffers):
                np.copyto(memory, self._program.outputs[place])


def rows_of(kept: Mapping[int, Array]) -> list[tuple[Array, ...]]:
    """For each step, the place of each result that is kept."""
    # A number's place is an array without axes, which a loop over the array would not give.
    views = ([array[i, ...] for i in range(len(array))] for array in kept.values())
    return list(zip(*views, strict=True))


def stretches(values: Sequence[float]) -> Iterator[tuple[float, int]]:
    """(value, times) of each stretch of equal values."""
    if values and values.count(values[0]) == len(values):  # counting is quicker than grouping
        yield values[0], len(values)
        return
    for value, same in groupby(values):
        yield value, sum(1 for _ in same)
