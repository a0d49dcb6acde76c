"""The runner of the XLA engine: whole epochs on the device, of which the host sees the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from chainrule.distributed import interrupts_held
from chainrule.engine.xla.compiled import compiled
from chainrule.engine.xla.epochs import MOST_STEPS, Epochs, permutation
from chainrule.engine.xla.resident import resident
from chainrule.engine.xla.runtime import all_dtypes, full_memory_told, jax_module
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.optim.schedules import Constant
from chainrule.train.rates import Rates
from chainrule.train.runner import Runner
from chainrule.train.step import Step, training_step

#: Seconds after which the host looks up: for progress, callbacks and Ctrl-C.
CALL_SECONDS = 0.25

#: Steps of the first call of a program whose pace is not known.
FIRST_STEPS = 16

#: How many times as many epochs may be asked for after the first ones.
GROWTH = 64

#: Seconds a step has taken at best, by program: a second training begins with calls of full length.
_paces: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


class Passes:
    """Passes over some rows: what a call hands to the next, and the programs by their rates."""

    def __init__(self, epochs: Epochs) -> None:
        self.epochs = epochs
        self.carried = epochs.start()
        self.programs: dict[int, Callable[..., Any]] = {}


class EpochsRunner(Runner):
    """Trains by a program that makes many steps in a call, with all data on the device.

    Rows are shuffled there, by numbers that the fit's seed decides: their order is another one than
    the numpy engine's. Before and after every call of ``run``, the parameters and all else that a
    step changes lie in the host's arrays, as those of any runner.
    """

    growth = GROWTH

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, data: dict[str, Array],
        batch_size: int | None, rng: np.random.Generator, engine: str, *, penalty: float = 0.0,
        shuffle: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(
            net, loss, optimizer, data, batch_size, rng, engine, penalty=penalty, shuffle=shuffle
        )
        self._order_key = rng.integers(2**32, size=2, dtype=np.uint32)
        self._traced: dict[int, Step] = {}
        self._open()
        # How the steps are cut into calls, which is a matter of time, must not show in the bits.
        self.together = self._all.epochs.at_once
        bound, changing = self.bound(), set(self.step_on(self.batch_size).replaces.values())
        # As the program takes them: a vector that it keeps in parts is here the views of these.
        cuts = self._all.epochs.cuts
        self._changing: dict[str, Any] = {
            name: cuts[name](array).arrays if name in cuts else array
            for name, array in bound.items() if name in changing
        }  # fmt: skip
        self._others = {
            name: array for name, array in bound.items() if name not in {*changing, "rate"}
        }
        self._state: dict[str, Any] = self._changing
        self._loss = np.nan

    def _open(self) -> None:
        """Put the data on the device."""
        self._all = self._passes(self.rows)
        with all_dtypes(), full_memory_told():
            # All rows at once are read as they are; else they are gathered, batch by batch.
            put = jax_module().device_put if self.batch_size == self.rows else resident
            self._held = {name: put(array) for name, array in self.data.items()}

    def _passes(self, rows: int) -> Passes:
        """Passes over so many rows."""
        batch = min(self.batch_size, rows)
        rest = rows % batch
        steps = self.step_on(batch), self.step_on(rest) if rest else None
        return Passes(Epochs(*steps, rows, batch, not self.loss.total, self.shuffle))

    def step_on(self, size: int) -> Step:
        """The step for batches of so many rows: traced at first need."""
        if size not in self._traced:
            batch = {
                name: np.broadcast_to(array[:1], (size, *array.shape[1:]))
                for name, array in self.data.items()
            }
            self._traced[size] = training_step(
                self.net, self.loss, self.optimizer, self.optimizer_state, batch, self.penalty
            )
        return self._traced[size]

    def epochs_in(self, seconds: float, rates: Rates) -> int:
        """How many epochs take about so many seconds, as far as the program's pace is known."""
        pace = self._pace(rates)
        return 1 if pace is None else max(1, int(seconds / pace / self.steps_per_epoch))

    def run(self, epochs: int, rates: Rates, tick: Callable[[float], None]) -> list[float]:
        """Train for some epochs; returns the loss of each, averaged over its batches' rows.

        Args:
            rates: at positions in these epochs (0 to ``epochs``).
            tick: told the position now and then.
        """
        losses: list[float] = []
        first, last = self.steps, self.steps + epochs * self.steps_per_epoch
        with self._on_device():
            while self.steps < last:
                losses += self._call(min(self._most(rates), last - self.steps), rates, first)
                if self.steps < last:
                    tick(self._position(self.steps - first))
        return losses

    def batches(self) -> list[Array]:
        """The rows of each batch of the epoch that comes next."""
        if self.batch_size == self.rows:
            return [np.arange(self.rows)]
        order = self._order_of_rows(self.steps // self.steps_per_epoch, self.rows)
        return [order[i : i + self.batch_size] for i in range(0, self.rows, self.batch_size)]

    def _order_of_rows(self, number: int, rows: int) -> Array:
        """The order that the device takes so many rows in, in the pass of this number."""
        return drawn_order(self._order_key, number, rows) if self.shuffle else np.arange(rows)

    def make_step(self, batch: Array, rate: float) -> float:
        """The step that comes next, on its ``batch``; returns the loss of the epoch so far."""
        with self._on_device():
            self._call(1, Rates(Constant(), rate, 0, 1), self.steps)
        return self._loss

    def state(self) -> dict[str, Any]:
        """Everything that a step changes, copied."""
        sums = np.array(self._all.carried["sums"])
        return super().state() | {"sums": sums, "order_key": self._order_key.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a copied state."""
        super().restore(state)
        self._order_key[...] = state["order_key"]
        self._all.carried["sums"] = state["sums"].copy()

    # --- calls ---------------------------------------------------------------------------------

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """What steps change lies on the device meanwhile, and comes back whatever happens."""
        jax = jax_module()
        with all_dtypes():
            with interrupts_held():
                # Not jax.numpy.array, which compiles for each shape that it meets.
                self._state = jax.tree.map(
                    lambda x: jax.device_put(np.array(x, order="C")), self._changing
                )
            try:
                yield
            finally:
                with interrupts_held(second_breaks=False):
                    here, there = map(jax.tree.leaves, (self._changing, self._state))
                    for array, moved in zip(here, there, strict=True):
                        if not moved.is_deleted():  # as it is if a call failed
                            np.copyto(array, np.asarray(moved))
                    self._state = self._changing

    def _call(self, count: int, rates: Rates, first: int) -> list[float]:
        """Make some steps in one call; returns the losses of the epochs that ended in it.

        ``first`` is the step at which the rates begin.
        """
        start, stop, each = self.steps, self.steps + count, self.steps_per_epoch
        numbers = self._numbers(rates, range(start - first, stop - first))
        losses = self._run(self._all, self._held, numbers, start, stop)
        self._loss = losses[(stop - 1) // each - start // each].item()
        ended: list[float] = losses[: stop // each - start // each].tolist()
        return ended

    def _run(
        self, passes: Passes, held: dict[str, Any], numbers: Array, start: int, stop: int
    ) -> Array:
        """The losses of the passes that the steps ``start`` to ``stop`` belong to."""
        program = self._program(passes, held, len(numbers))
        began = time.perf_counter()
        # An interrupt between the call and the keeping of its results would lose both these and,
        # because the program takes over their memory, what it was given.
        with interrupts_held(second_breaks=False), full_memory_told():
            carried, found = program(
                passes.carried | {"state": self._state}, held, self._others, self._order_key,
                numbers, np.int64(start), np.int64(stop),
            )  # fmt: skip
            self._state = carried.pop("state")
            passes.carried = carried
            losses = np.asarray(found)  # waits until all steps are made
            self.steps += stop - start
        seconds = (time.perf_counter() - began) / (stop - start)
        _paces[program] = min(seconds, _paces.get(program, np.inf))
        return losses

    def _program(self, passes: Passes, held: dict[str, Any], numbers: int) -> Callable[..., Any]:
        """The program that is given so many rates."""
        if numbers not in passes.programs:
            fed = (np.zeros(numbers), np.int64(0), np.int64(0))
            carried = passes.carried | {"state": self._state}
            passes.programs[numbers] = passes.epochs.compile(
                (carried, held, self._others, self._order_key, *fed)
            )
        return passes.programs[numbers]

    def _pace(self, rates: Rates) -> float | None:
        """Seconds a step, if that is known."""
        program = self._main_program(1 if rates.is_constant else MOST_STEPS)
        return None if program is None else _paces.get(program)

    def _main_program(self, numbers: int) -> Callable[..., Any] | None:
        """The program that makes most of the steps."""
        with all_dtypes():
            return self._program(self._all, self._held, numbers)

    def _most(self, rates: Rates) -> int:
        """The steps of the next call."""
        pace = self._pace(rates)
        steps = FIRST_STEPS if pace is None else min(MOST_STEPS, 1 + int(CALL_SECONDS / pace))
        return -(-steps // self.together) * self.together

    def _numbers(self, rates: Rates, steps: range) -> Array:
        """One rate for all of these steps, or a table that begins with one for each."""
        if rates.is_constant:
            return np.array([rates(0)])
        table = np.zeros(MOST_STEPS)
        table[: len(steps)] = [rates(self._position(step)) for step in steps]
        return table

    def _position(self, steps: int) -> float:
        """After so many steps: the position in epochs."""
        epochs, steps = divmod(steps, self.steps_per_epoch)
        return epochs + steps * self.batch_size / self.rows


def drawn_order(key: Array, number: int, rows: int) -> Array:
    """The order of so many rows that the device draws in the pass of this number."""
    with all_dtypes():
        function, place = partial(permutation, rows=rows), np.int64(number)
        return np.asarray(compiled(("order", rows), function, (key, place))(key, place))
