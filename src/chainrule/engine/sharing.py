"""Sharing: stretches of calls that several threads do together, each on rows of its own.

A product's rows depend on the same rows of its left factor, and what follows entry by entry depends
on the same rows again; so a thread can go through a whole stretch without waiting for the others::

    Z = X @ W          rows 0 to 63 here, 64 to 127 there
    Z = Z + b
    H = maximum(Z, 0)

The results differ at most as those of a BLAS with another number of threads do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chainrule.engine.calls import Call, Slot
from chainrule.engine.plan import Plan
from chainrule.graph.op import Array

#: Microseconds of work, by estimate, for which handing it over pays.
PART = 30.0

#: Microseconds of a pass, by estimate, for which it is worth doing with what is shared before it:
#: two threads that make calls wait for each other at each, for Python's lock.
PASS = 3.0

#: Fewer rows than this are not worth a thread.
ROWS = 8

#: Microseconds for a multiplication with its addition, and for an entry of a pass, in float32.
PER_MULTIPLICATION, PER_ENTRY = 9e-6, 1e-4


@dataclass(frozen=True, slots=True)
class Share:
    """Calls that are done together, and the rows of each thread."""

    calls: range
    parts: tuple[slice, ...]


def shares(plan: Plan, threads: int) -> list[Share]:
    """The stretches of a plan's calls worth sharing between so many threads."""
    found: list[Share] = []
    if threads == 1 or sum(map(microseconds, plan.calls)) < 2 * PART:
        return found
    alone = {i for run in plan.runs for i in run}
    start = 0
    while start < len(plan.calls):
        stop = start
        while (
            stop < len(plan.calls)
            and stop not in alone
            and (stop == start or stop != plan.before)
            and _goes_with(plan.calls[stop], plan.calls[start:stop], plan.arrays)
        ):
            stop += 1
        if stop > start:
            calls = plan.calls[start:stop]
            rows = calls[0].writes.shape[0]
            work = sum(microseconds(call) for call in calls)
            count = min(threads, int(work / PART), rows // ROWS)
            if count > 1:
                found.append(Share(range(start, stop), parts(rows, count)))
        start = max(stop, start + 1)
    return found


def parts(size: int, count: int) -> tuple[slice, ...]:
    """``size`` entries in ``count`` stretches, as equal as can be."""
    bounds = [size * i // count for i in range(count + 1)]
    return tuple(slice(a, b) for a, b in pairwise(bounds))


def microseconds(call: Call) -> float:
    """What a call takes, by estimate."""
    if call.kind not in ("product", "ufunc"):
        return 0.0
    wide = call.writes.dtype.itemsize / 4
    if call.kind == "product":
        return PER_MULTIPLICATION * call.writes.size * call.reads[0].shape[-1] * wide
    return PER_ENTRY * call.writes.size * wide


def is_cut(slot: Slot, call: Call, place: int) -> bool:
    """Whether a thread reads rows of its own of this operand, not all of it."""
    if call.kind == "product":
        return place == 0
    return slot.ndim == 2 and slot.shape[0] == call.writes.shape[0]


def _goes_with(call: Call, before: Sequence[Call], arrays: Mapping[Slot, Array]) -> bool:
    """Whether the call works by rows, and can be done by each thread after those before it."""
    if call.kind not in ("ufunc", "product") or call.writes.ndim != 2:
        return False
    if before and before[0].writes.shape[0] != call.writes.shape[0]:
        return False
    if before and microseconds(call) < PASS:
        return False
    if any(x not in arrays for x in (*call.reads, call.writes)):
        return False
    if call.kind == "product" and [x.ndim for x in call.reads] != [2, 2]:
        return False
    operands = [
        (arrays[x], is_cut(x, c, i)) for c in (*before, call) for i, x in enumerate(c.reads)
    ]
    written = [arrays[c.writes] for c in (*before, call)]
    operands += [(array, True) for array in written]
    return not any(_in_the_way(array, *other) for array in written for other in operands)


def _in_the_way(written: Array, other: Array, cut: bool) -> bool:
    """Whether one thread could write what another reads."""
    if not np.may_share_memory(written, other):
        return False
    return not (cut and _place(written) == _place(other))


def _place(array: Array) -> tuple[object, ...]:
    return array.__array_interface__["data"], array.shape, array.strides, array.dtype
