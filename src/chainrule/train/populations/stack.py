"""A stack: networks of one form, trained side by side as one batched program.

The training step of one network (``train/step``) is batched, so every call of NumPy serves all of
them. Each network keeps what it would have alone: its start, its rate, its order of rows, its key
of random numbers, and so the course of its training, to rounding.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engine import Repeatable, Runnable, program, repeated
from chainrule.engine.lanes import lane_count
from chainrule.graph.batch import batch
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.optim.optimizers import Optimizer
from chainrule.optim.schedules import Constant, Schedule
from chainrule.train.populations.member import Member, draw_the_same
from chainrule.train.populations.rows import Rows
from chainrule.train.populations.scoring import Scorer
from chainrule.train.step import Step, flat, training_step, views
from chainrule.train.steps import COUNT


@dataclass(slots=True)
class _Batch:
    """The step on one batch shape, the buffers that it reads, and the program made of it."""

    graph: Graph
    replaces: dict[int, str]
    arrays: dict[str, Array]
    steady: list[str]
    program: Runnable | None = None


class Stack:
    """Trains ``members`` on ``rows`` by steps of ``optimizer``; ``held`` is validated on.

    ``losses`` and ``validation`` are (epochs, members). ``done`` counts the epochs that are over.
    """

    def __init__(
        self, members: Sequence[Member], loss: Loss, optimizer: Optimizer, schedule: Schedule,
        epochs: int, batch_size: int | None, rows: Rows, held: Rows | None, engine: str,
    ) -> None:  # fmt: skip
        self.members, self.loss, self.optimizer = members, loss, optimizer
        self.schedule, self.epochs, self.engine = schedule, epochs, engine
        self.data, self.held = rows, held
        self.net = members[0].net
        self.rows = len(rows)
        self.batch_size = min(batch_size or self.rows, self.rows)
        self.done = self.steps = 0
        #: All have the same rows in the same order: one batch serves all.
        self.is_common = rows.index is None and (
            self.batch_size == self.rows or draw_the_same(members)
        )
        self.is_random = any(layer.is_random for layer in self.net.layers)
        thetas = [flat(member.net.parameters, self.net.dtype) for member in members]
        self._state = optimizer.init(thetas[0])
        self._steps: dict[int, Step] = {}
        self._keys = [[member.rng.integers(2**32), 0] for member in members]
        self.axis = self._best_axis()
        self.arrays = self._side_by_side(thetas)
        self._rates = np.array([member.learning_rate for member in members])
        self._batches: dict[int, _Batch] = {}
        self._repeated: tuple[Repeatable, Array] | None = None
        self._watched = np.zeros(0, np.intp)
        self.losses = np.full((epochs, len(members)), np.nan)
        self.validation: Array | None = None
        self._kept = {name: self.arrays[name].copy() for name in ("theta", *self.net.statistics)}
        if held is not None:
            self.validation = self.losses.copy()
            self._held = self.scorer(held)

    def _side_by_side(self, thetas: list[Array]) -> dict[str, Array]:
        """What stands behind the inputs of the step, the batch apart, for all members."""
        members = self.members
        each: dict[str, list[Any]] = {"theta": thetas}
        states = [self.optimizer.init(theta) for theta in thetas]
        each |= {f"state {name}": [state[name] for state in states] for name in self._state}
        if "decay" in self._state:
            each["state decay"] = [np.array(member.weight_decay) for member in members]
        each |= {name: [m.net.statistics[name] for m in members] for name in self.net.statistics}
        arrays = {name: np.stack(parts, self.axis) for name, parts in each.items()}
        arrays["rate"] = np.zeros(len(members))
        keys = np.array(self._keys, np.uint32)
        arrays["key"] = np.stack(list(keys), self.axis) if self.is_random else keys[0]
        return arrays

    # --- the program ---------------------------------------------------------------------------

    def _best_axis(self) -> int:
        """Where the axis of the members is to lie: in front, or last if the engine prefers that."""
        step = self._traced(self.batch_size)
        last = batch(step.graph, len(self.members), self._stacked(step), -1)
        return -1 if lane_count(last) == len(self.members) else 0

    def _traced(self, rows: int) -> Step:
        if rows not in self._steps:
            one = {name: array[:1].repeat(rows, 0) for name, array in self.data.data.items()}
            step = training_step(self.net, self.loss, self.optimizer, self._state, one)
            self._steps[rows] = step
        return self._steps[rows]

    def _stacked(self, step: Step) -> list[str]:
        """The inputs of which each member has its own."""
        shared = {"x", "t", "w"} if self.is_common else set()
        shared |= set() if self.is_random else {"key"}
        return [name for name in step.graph.input_names() if name not in shared]

    def _batch(self, rows: int) -> _Batch:
        if rows not in self._batches:
            step = self._traced(rows)
            graph = batch(step.graph, len(self.members), self._stacked(step), self.axis).simplify()
            given = self.data.buffers(rows, len(self.members), not self.is_common, self.axis)
            steady: list[str] = []
            if rows == self.rows:
                self.data.gather(slice(None), given, self.axis)
                steady += given
            if isinstance(self.schedule, Constant):
                self.arrays["rate"][...] = self._rates
                steady.append("rate")
            self._batches[rows] = _Batch(graph, step.replaces, given, steady)
        return self._batches[rows]

    def _program(self, rows: int) -> Runnable:
        """What makes a step on so many rows."""
        batch = self._batch(rows)
        if batch.program is None:
            bound = self.arrays | batch.arrays
            batch.program = program(batch.graph, bound, batch.replaces, self.engine, batch.steady)
        return batch.program

    def _loop(self) -> tuple[Repeatable, Array]:
        """What makes many steps on all rows, and where it leaves their losses."""
        if self._repeated is None:
            batch, losses = self._batch(self.rows), np.zeros((COUNT, len(self.members)))
            losses = losses.astype(batch.graph.outputs[0].dtype)
            bound = self.arrays | batch.arrays
            made = repeated(
                batch.graph, bound, batch.replaces, self.engine, batch.steady, {0: losses}
            )
            self._repeated = made, losses
        return self._repeated

    def scorer(self, rows: Rows) -> Scorer:
        """The scores of the members as they are at the time."""
        bound = {name: self.arrays[name] for name in ("theta", *self.net.statistics)}
        return Scorer(self.net, self.loss, bound, len(self.members), self.axis, rows, self.engine)

    # --- training ------------------------------------------------------------------------------

    def run(self, epochs: int, tick: Callable[[], None]) -> None:
        """Train for some epochs. A member that is not finite any more is marked, and stays behind.

        Ctrl-C leaves whole epochs in ``losses``, and the parameters as they are at that moment.
        """
        before, first = self._copy(), self.done
        try:
            with np.errstate(all="ignore"):
                if self._is_quiet:
                    self._run_quietly(epochs)
                else:
                    for _ in range(epochs):
                        self._epoch(tick)
        finally:
            failing = self._failing(first)
            if failing.size:
                self._settle(before, failing)

    @property
    def is_running(self) -> bool:
        """There are epochs left, and members that are finite."""
        return self.done < self.epochs and any(member.failed is None for member in self.members)

    @property
    def position(self) -> float:
        """How far the training is, in epochs."""
        return self.steps / -(-self.rows // self.batch_size)

    @property
    def _is_quiet(self) -> bool:
        """Nothing is to be done between two steps."""
        constant = isinstance(self.schedule, Constant)
        full = self.batch_size == self.rows
        return constant and full and not self.is_random and self.validation is None

    def _run_quietly(self, epochs: int) -> None:
        loop, losses = self._loop()
        last = self.done + epochs
        while self.done < last:
            count = min(COUNT, last - self.done)
            rows = iter(loop.rows[:count])
            try:
                loop.run(rows)
            finally:
                made = count - operator.length_hint(rows)  # fewer if it was interrupted
                self.losses[self.done : self.done + made] = losses[:made]
                self.done = self.steps = self.done + made

    def _epoch(self, tick: Callable[[], None]) -> None:
        position = float(self.done)
        if self.batch_size == self.rows:
            self.losses[self.done] = self._step(None, position)[0]
        else:
            self.losses[self.done] = self._shuffled_epoch(position, tick)
        if self.validation is not None:
            self.validation[self.done] = self._held.losses()
        self.done += 1

    def _shuffled_epoch(self, position: float, tick: Callable[[], None]) -> Array:
        orders = self._orders()
        total, weight = np.zeros(len(self.members)), np.zeros(())
        for start in range(0, self.rows, self.batch_size):
            places = orders[..., start : start + self.batch_size]
            value, share = self._step(places, position + start / self.rows)
            total += value * share
            weight = weight + share
            tick()
        return total if self.loss.total else total / weight

    def _orders(self) -> Array:
        """The order of rows in an epoch: one for all, or (members, rows)."""
        if self.is_common:
            return self.members[0].rng.permutation(self.rows)
        return np.stack([member.rng.permutation(self.rows) for member in self.members])

    def _step(self, places: Array | None, position: float) -> tuple[Array, Array]:
        """One step; returns the losses and their share of a mean."""
        count = self.rows if places is None else places.shape[-1]
        batch = self._batch(count)
        if places is not None:
            self.data.gather(places, batch.arrays, self.axis)
        if not isinstance(self.schedule, Constant):
            factor = self.schedule.rate(1.0, position, self.epochs)
            np.multiply(self._rates, factor, self.arrays["rate"])
        if self.is_random:
            np.moveaxis(self.arrays["key"], self.axis, 0)[:, 1] = self.steps
        run = self._program(count)
        run.run()
        self.steps += 1
        value = run.outputs[0]
        if self._watched.size:
            self._look(value)
        if self.loss.total:
            return value, np.ones(())
        if "w" not in batch.arrays:
            return value, np.array(float(count))
        w = batch.arrays["w"]
        return value, w.sum() if self.is_common else np.moveaxis(w, self.axis, 0).sum(-1)

    # --- members that are not finite any more ----------------------------------------------------

    def _failing(self, first: int) -> Array:
        """The members that have failed since the epoch ``first``."""
        finite = self._are_finite() & np.isfinite(self.losses[first : self.done]).all(0)
        known = np.array([member.failed is not None for member in self.members])
        return np.flatnonzero(~finite & ~known)

    def _are_finite(self) -> Array:
        """Of which members all that a step changes is finite."""
        finite = np.ones(len(self.members), bool)
        for name, array in self.arrays.items():
            if name not in ("rate", "key"):
                own = np.moveaxis(array, self.axis, 0).reshape(len(finite), -1)
                finite &= np.isfinite(own).all(1)
        return finite

    def _settle(self, before: dict[str, Any], failing: Array) -> None:
        """Replay from the state ``before``, to keep the last finite state of each."""
        last = self.done
        self._restore(before)
        for i in failing:
            self.members[i].failed = last or 1
        self._keep(failing)
        self._watched = failing
        with np.errstate(all="ignore"):
            while self.done < last:
                self._epoch(lambda: None)
        for i in self._watched.tolist():  # failed in an epoch that was interrupted, and is undone
            self.members[i].failed = None
        self._watched = failing[:0]

    def _look(self, losses: Array) -> None:
        """After a step of the replay: keep what is finite, and mark what is not."""
        watched = self._watched
        finite = np.isfinite(losses[watched]) & self._are_finite()[watched]
        self._keep(watched[finite])
        for i in watched[~finite]:
            self.members[i].failed = self.done + 1
        self._watched = watched[finite]

    def _keep(self, members: Array) -> None:
        for name, kept in self._kept.items():
            now = np.moveaxis(self.arrays[name], self.axis, 0)
            np.moveaxis(kept, self.axis, 0)[members] = now[members]

    def _copy(self) -> dict[str, Any]:
        """Everything that a step changes."""
        return {
            "arrays": {name: array.copy() for name, array in self.arrays.items()},
            "counts": (self.done, self.steps),
            "orders": [member.rng.bit_generator.state for member in self.members],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        for name, array in self.arrays.items():
            array[...] = state["arrays"][name]
        self.done, self.steps = state["counts"]
        for member, order in zip(self.members, state["orders"], strict=True):
            member.rng.bit_generator.state = order

    def settled(self, i: int) -> dict[str, Array]:
        """The parameters and statistics of a member: the last that were finite."""
        arrays = self.arrays if self.members[i].failed is None else self._kept
        own = {name: np.moveaxis(arrays[name], self.axis, 0)[i].copy() for name in self._kept}
        shapes = {name: array.shape for name, array in self.net.parameters.items()}
        return views(own.pop("theta"), shapes) | own
