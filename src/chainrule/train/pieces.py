"""Pieces: training on data that come one after the other, an epoch of each, with one memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.errors import DataError
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.optim.schedules import Constant
from chainrule.train import nonfinite
from chainrule.train.rates import Rates
from chainrule.train.runner import Runner
from chainrule.train.step import flat, views

#: Runners that are kept, for the sizes of pieces used last.
KEPT = 4


class Pieces:
    """Trains ``net`` on one piece of data after the other.

    The optimizer's memory and the random numbers go on from piece to piece, and pieces of a size
    that was there before need no new plan. ``optimizer.learning_rate`` may be changed in between.

    Args:
        batch_size: rows a step; None for a whole piece.
        memory: what the optimizer remembers of an earlier training (``Training.optimizer_state``);
            one that does not fit this optimizer and network is left aside.
        penalty, shuffle, engine: as for ``fit``.
    """

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, *, batch_size: int | None,
        rng: np.random.Generator, memory: Mapping[str, Array] | None = None, penalty: float = 0.0,
        shuffle: bool = True, engine: str = "numpy",
    ) -> None:  # fmt: skip
        self.net, self.loss, self.optimizer = net, loss, optimizer
        self._batch_size, self._rng, self._engine = batch_size, rng, engine
        self._penalty, self._shuffle = penalty, shuffle
        self._memory = dict(memory or {})
        self._runners: dict[tuple[object, ...], Runner] = {}
        self._last: Runner | None = None

    @property
    def memory(self) -> dict[str, Array]:
        """A copy of what the optimizer remembers, by name."""
        arrays = self._memory if self._last is None else self._last.optimizer_state
        return {name: array.copy() for name, array in arrays.items()}

    def take(self, data: Mapping[str, Array]) -> float:
        """Train for one epoch on checked arrays (x, t, perhaps w); returns its loss.

        Raises:
            DataError: a number was not finite; the network stays at the last step before.
        """
        runner = self._runner_for(data)
        before, rates = runner.state(), Rates(Constant(), self.optimizer.learning_rate, 0, 1)
        (loss,) = runner.run(1, rates, lambda position: None)
        if not (np.isfinite(loss) and np.isfinite(runner.theta).all()):
            birth = nonfinite.find(runner, before, 1, rates)
            raise DataError(f"training stopped: {birth or 'the loss was not finite'}.")
        return loss

    def _runner_for(self, data: Mapping[str, Array]) -> Runner:
        """The runner for pieces of this size, in the state in which the last one is."""
        key = tuple((name, array.shape, array.dtype) for name, array in data.items())
        runner = self._runners.pop(key, None)
        if runner is None:
            own = {name: array.copy() for name, array in data.items()}
            runner = Runner(
                self.net, self.loss, self.optimizer, own, self._batch_size, self._rng,
                self._engine, penalty=self._penalty, shuffle=self._shuffle, steady=False,
            )  # fmt: skip
            _remember(runner, self._memory)
        for name, array in data.items():
            runner.data[name][...] = array
        theta = flat(self.net.parameters, self.net.dtype)
        if self._last is not None and self._last is not runner:
            runner.restore(self._last.state())
        runner.theta[...] = theta
        shapes = {name: array.shape for name, array in self.net.parameters.items()}
        self.net.parameters = views(runner.theta, shapes)
        self._runners[key] = self._last = runner
        if len(self._runners) > KEPT:
            del self._runners[next(iter(self._runners))]
        return runner


def _remember(runner: Runner, memory: Mapping[str, Array]) -> None:
    state = runner.optimizer_state
    shapes = {name: array.shape for name, array in state.items()}
    if shapes == {name: array.shape for name, array in memory.items()}:
        for name, array in state.items():
            array[...] = memory[name]
