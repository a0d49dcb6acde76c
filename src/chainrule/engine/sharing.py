"""Sharing: stretches of calls that several threads do together, each on rows of its own.

A product's rows depend on the same rows of its left factor, and what follows entry by entry depends
on the same rows again; so a thread can go through a whole stretch without waiting for the others::

    Z = X @ W          rows 0 to 63 here, 64 to 127 there
    Z = Z + b
    H = maximum(Z, 0)

The results differ at most as those of a BLAS with another number of threads do. A step on two cores
against the same jobs done by one: 784-100-10, batches of 100, 0.72 of the time; 784-512-512-10, 128
and Adam, 0.58; 54-256-256-7, 1,024 and Adam, 0.59.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chainrule.engine import bells
from chainrule.engine.calls import Call, Slot
from chainrule.engine.plan import Plan
from chainrule.graph.op import Array

#: Microseconds of work, by estimate, for which handing it over pays.
PART = 30.0

#: Parts begin at a multiple of this, if they are not tiny: it suits the kernels of products, and in
#: a vector it is a cache line of float32.
WHOLE = 16

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
        stretch, stop = _Stretch(plan.arrays), start
        while (
            stop < len(plan.calls)
            and stop not in alone
            and (stop == start or stop != plan.before)
            and stretch.takes_in(plan.calls[stop])
        ):
            stop += 1
        if stop > start:
            calls = plan.calls[start:stop]
            rows = calls[0].writes.shape[0]
            work = sum(microseconds(call) for call in calls)
            count = min(threads, int(work / PART), rows // ROWS)
            if count > 1:
                found.append(Share(range(start, stop), parts(rows, count, work)))
        start = max(stop, start + 1)
    return found


def parts(size: int, count: int, work: float) -> tuple[slice, ...]:
    """``size`` rows that take ``work`` microseconds in all, in ``count`` stretches.

    The first is the caller's. All end together, though one thread begins later than another; but
    nobody gets less than half of an equal part.
    """
    starts = np.array(bells.kind().starts(count))
    missed = count * starts.max() - starts.sum()
    starts *= min(1.0, work / 2 / missed)
    ends = (work + starts.sum()) / count
    each = size * (ends - starts) / work
    whole = WHOLE if each.min() >= 2 * WHOLE else 1
    bounds = [0]
    for after, end in zip(range(count - 1, 0, -1), np.cumsum(each).tolist(), strict=False):
        rows = whole * round(end / whole)
        bounds.append(min(max(rows, bounds[-1] + 1), size - after))
    return tuple(slice(a, b) for a, b in pairwise([*bounds, size]))


def microseconds(call: Call) -> float:
    """What a call takes, by estimate."""
    if call.kind not in ("product", "ufunc", "axpby"):
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


@dataclass(frozen=True, slots=True)
class _Operand:
    """An array that a call reads or writes; ``is_cut``: each thread keeps to its own rows of it."""

    array: Array
    is_cut: bool
    is_written: bool

    @property
    def key(self) -> tuple[object, ...]:
        return (*_place(self.array), self.is_cut, self.is_written)


class _Stretch:
    """Calls one after the other that each thread can do for its own rows."""

    def __init__(self, arrays: Mapping[Slot, Array]) -> None:
        self._arrays = arrays
        self._rows: int | None = None
        # Buffers are used again and again, so there are few of these however long the stretch is.
        self._operands: dict[tuple[object, ...], _Operand] = {}

    def takes_in(self, call: Call) -> bool:
        """Take the call in, if each thread can do its rows of it after those of the others."""
        if not self._is_by_rows(call):
            return False
        operands = {operand.key: operand for operand in self._operands_of(call)}
        new = [operand for key, operand in operands.items() if key not in self._operands]
        operands |= self._operands
        if any(_in_the_way(one, other) for one in new for other in operands.values()):
            return False
        self._operands, self._rows = operands, call.writes.shape[0]
        return True

    def _is_by_rows(self, call: Call) -> bool:
        if call.kind not in ("ufunc", "product") or call.writes.ndim != 2:
            return False
        goes_on = self._rows is not None
        if goes_on and (call.writes.shape[0] != self._rows or microseconds(call) < PASS):
            return False
        if any(x not in self._arrays for x in (*call.reads, call.writes)):
            return False
        return call.kind == "ufunc" or [x.ndim for x in call.reads] == [2, 2]

    def _operands_of(self, call: Call) -> Iterator[_Operand]:
        for i, x in enumerate(call.reads):
            yield _Operand(self._arrays[x], is_cut(x, call, i), False)
        yield _Operand(self._arrays[call.writes], True, True)


def _in_the_way(one: _Operand, other: _Operand) -> bool:
    """Whether one thread could write what another reads or writes."""
    if not (one.is_written or other.is_written):
        return False
    if not np.may_share_memory(one.array, other.array):
        return False
    return not (one.is_cut and other.is_cut and _place(one.array) == _place(other.array))


def _place(array: Array) -> tuple[object, ...]:
    return array.__array_interface__["data"], array.shape, array.strides, array.dtype
