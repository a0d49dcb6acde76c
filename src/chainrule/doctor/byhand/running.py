"""Running a program by hand: its own loop on copies, measured on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.doctor.byhand.reading import Targets, constant, share
from chainrule.graph.op import Array

#: What a run may cost, in multiplications, and a step's calls in the same coin (as in
#: ``doctor.experiment``; plain NumPy pays more for its calls). Its steps, at least and at most.
MOST_WORK, WORK_OF_A_STEP = 1.2e10, 2e6
FEWEST_STEPS, MOST_STEPS = 400, 6000
#: Steps of a loop that did not say how it goes through its rows.
UNKNOWN_STEPS = 2000
#: A step that takes longer is no plain backward pass.
SLOW_SECONDS = 0.005
#: Below this many rows none is held back: a fifth of them would say nothing.
FEWEST_TO_HOLD, MOST_HELD = 50, 500
#: With fewer rows than these nothing can be learnt.
FEWEST_GOOD = 2
#: How often a run is measured.
LOOKS = 12


@dataclass(frozen=True, eq=False)
class Portions:
    """The rows that experiments train on and those they hold back, and what is expected of them."""

    X: Array
    y: Array
    targets: Targets
    held_x: Array | None
    held: Targets | None

    @property
    def level(self) -> float:
        """The loss of the best constant answer on the training rows; 1 where that is 0."""
        return constant(self.targets)


@dataclass(frozen=True, eq=False)
class Run:
    """How a run went. Losses are shares of the constant answer's: 1 is nothing learnt, 0 all.

    Attributes:
        curve: (epoch, share on the training rows, share on those held back or NaN).
        seen: the parameters at those epochs.
        failed: what ended it: an exception, or numbers that are not finite; "" if nothing did.
        raised: whether it was an exception.
        steps: how many updates were made.
    """

    curve: tuple[tuple[int, float, float], ...]
    seen: tuple[Parameters, ...] = field(repr=False)
    failed: str
    raised: bool
    steps: int
    epochs: int

    @property
    def share(self) -> float:
        """The share that is left on the training rows."""
        return self._end(1)

    @property
    def held_share(self) -> float:
        """The same on the rows held back; that of the training rows where none are."""
        return self.share if math.isnan(self.curve[0][2]) else self._end(2)

    @property
    def best_held_share(self) -> float:
        """The lowest share on held rows on the way."""
        column = 1 if math.isnan(self.curve[0][2]) else 2
        return min([self.held_share, *[row[column] for row in self.curve[1:]]])

    @property
    def parameters(self) -> Parameters:
        """The parameters at the end, or when they were finite last."""
        return self.seen[-1]

    def _end(self, column: int) -> float:
        if self.failed:
            return math.inf
        last = [row[column] for row in self.curve[-3:]]
        return min(last[-1], float(np.median(last)))


def portions(program: Program, targets: Targets) -> Portions:
    """A fifth of the rows held back, chosen by the seed; the order of the rows stays."""
    X, y = program.data
    rows = len(X)
    order = np.random.default_rng(program.seed).permutation(rows)
    count = 0 if rows < FEWEST_TO_HOLD else min(MOST_HELD, rows // 5)
    held, kept = np.sort(order[:count]), np.sort(order[count:])
    if not count:
        return Portions(X, y, targets, None, None)
    return Portions(X[kept], y[kept], targets.rows(kept), X[held], targets.rows(held))


def affordable_epochs(program: Program, parts: Portions) -> int:
    """The program's epochs as far as they are affordable; as many as are where none were said."""
    with program.undisturbed():
        sizes = [len(X) for X, _ in program.epoch(parts.X, parts.y)]
    numbers = sum(array.size for array in program.parameters.values())
    work = WORK_OF_A_STEP + 6 * numbers * max(sizes)
    steps = min(MOST_STEPS, max(FEWEST_STEPS, MOST_WORK / work))
    if is_slow(program, parts):
        steps = FEWEST_STEPS
    if program.batches is None and len(sizes) > 1:
        steps = min(steps, UNKNOWN_STEPS)
    affordable = max(1, math.ceil(steps / len(sizes)))
    if program.epochs is None or program.batches is None:
        return affordable
    # Experiments train on four fifths of the rows: as many steps as the program makes.
    own = math.ceil(program.epochs * len(program.data[0]) / len(parts.X))
    return min(own, affordable)


def is_slow(program: Program, parts: Portions) -> bool:
    """Whether a step takes far more than its matrix products, as differences of the loss do."""
    taken = []
    with program.undisturbed():
        try:
            X, y = next(iter(program.epoch(parts.X, parts.y)))
            p = {name: array.copy() for name, array in program.parameters.items()}
            for _ in range(2):
                began = time.perf_counter()
                p = program.stepped(p, X, y)
                taken.append(time.perf_counter() - began)
        except Exception:  # told by the run
            return False
    return min(taken) > SLOW_SECONDS


def run(program: Program, parts: Portions, epochs: int | None = None) -> Run:
    """Train a copy by the program's own loop."""
    count = affordable_epochs(program, parts) if epochs is None else epochs
    with program.undisturbed():
        return _run(program, parts, count)


def _run(program: Program, parts: Portions, count: int) -> Run:
    p = {name: array.copy() for name, array in program.parameters.items()}
    curve: list[tuple[int, float, float]] = []
    seen: list[Parameters] = []
    steps, failed, raised = 0, "", False

    def look(epoch: int) -> None:
        curve.append((epoch, *_shares(program, parts, p)))
        seen.append({name: array.copy() for name, array in p.items()})

    try:
        look(0)
        stops = {math.ceil(count * i / LOOKS) for i in range(1, LOOKS + 1)}
        # Closer at first, where an overfit network is at its best.
        stops |= {math.ceil(count / 2**i) for i in range(4, 8)}
        for epoch in range(1, count + 1):
            for X, y in program.epoch(parts.X, parts.y):
                before = {name: array.copy() for name, array in p.items()}
                p = program.stepped(p, X, y)
                steps += 1
                if not finite(p.values()):
                    seen.append(before)
                    failed = f"after {steps} steps the parameters are not finite any more"
                    break
            if failed:
                break
            if epoch in stops:
                look(epoch)
    except Exception as error:  # whatever the user's code raises is what is to be told
        failed, raised = f"step {steps + 1} raised {type(error).__name__}: {error}", True
    if not curve:
        curve, seen = [(0, math.inf, math.nan)], [program.parameters]
    return Run(tuple(curve), tuple(seen), failed, raised, steps, count)


def _shares(program: Program, parts: Portions, p: Parameters) -> tuple[float, float]:
    on_train = share(program.forward(p, parts.X), parts.targets)
    if parts.held is None or parts.held_x is None:
        return on_train, math.nan
    return on_train, share(program.forward(p, parts.held_x), parts.held)


def finite(arrays: Iterable[Array]) -> bool:
    """Whether every number of every array is one."""
    return all(np.isfinite(array).all() for array in arrays)


def good_rows(X: Array, y: Array) -> Array:
    """For each row whether all its numbers are finite."""
    wide = np.hstack([np.asarray(part, np.float64).reshape(len(part), -1) for part in (X, y)])
    return np.asarray(np.isfinite(wide).all(axis=1))


def without_bad_rows(program: Program) -> Program:
    """The program on the rows that are finite."""
    X, y = program.data
    kept = good_rows(X, y)
    return with_data(program, X[kept], y[kept])


def without_bad_columns(program: Program) -> Program:
    """The program with a 0 in place of every input that is not finite."""
    X = program.data[0]
    return with_data(program, np.where(np.isfinite(X), X, 0))


def sound(program: Program) -> Program:
    """The program on what is sound of its data: rows without NaN, or filled up if there are none.

    It is the same program where all numbers are finite.
    """
    good = good_rows(*program.data)
    if good.all():
        return program
    return (without_bad_rows if good.sum() >= FEWEST_GOOD else without_bad_columns)(program)


def with_data(program: Program, X: Array, y: Array | None = None) -> Program:
    """The program on other inputs, and other targets if they are given."""
    return replace(program, data=(X, program.data[1] if y is None else y))
