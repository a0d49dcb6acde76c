"""The loop: epochs, one after the other or in blocks, with callbacks between them."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.distributed import agreed, interruptible, is_first
from chainrule.engine import compile_seconds
from chainrule.errors import DataError, OptionError, TrainingWarning
from chainrule.graph.op import Array
from chainrule.nn.metrics import metrics_of
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.optim.schedules import Schedule
from chainrule.train import nonfinite
from chainrule.train.advice import WHERE_TO_ASK, level_outside
from chainrule.train.callbacks import Callback
from chainrule.train.checkpoint import Described, refuse_another
from chainrule.train.history import History
from chainrule.train.rates import Rates
from chainrule.train.runner import Runner

#: Quick epochs are run in blocks of about this many seconds, if no callback must see each.
BLOCK_SECONDS = 0.1

Scores = Callable[[], dict[str, float]]


class Training:
    """One training as its callbacks see it: ``net``, ``optimizer``, ``history``, ``epoch``.

    ``optimizer.learning_rate`` may be changed by a callback: the next epoch uses it.
    """

    def __init__(
        self, net: Sequential, runner: Runner, optimizer: Optimizer, schedule: Schedule,
        epochs: int, callbacks: Sequence[Callback], scores: Scores | None,
        described: Described | None = None, saved: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.net, self.optimizer, self.epochs = net, optimizer, epochs
        self.history = History()
        self.epoch = 0
        self._described, self._saved = described, saved
        self.rows, self.data = runner.rows, runner.data
        self.steps_per_epoch = runner.steps_per_epoch
        self.stopping: str | None = None
        self._runner, self._schedule, self._callbacks, self._scores = (
            runner,
            schedule,
            callbacks,
            scores,
        )

    def stop(self, reason: str) -> None:
        """End the training after this epoch."""
        self.stopping = reason

    @property
    def optimizer_state(self) -> dict[str, Array]:
        """What the optimizer remembers, by name: arrays that the next step changes."""
        return self._runner.optimizer_state

    def run(self) -> History:
        """Train to the end. Ctrl-C keeps what was learnt, and says so in ``history.stopped``."""
        self._compiled = compile_seconds()
        try:
            with interruptible():
                self._start()
                block = self._runner.epochs_in(BLOCK_SECONDS, self._rates())
                while self.epoch < self.epochs and not self.stopping:
                    block = self._block(agreed(self._near(block)))
        except KeyboardInterrupt:
            self.stopping = f"interrupted by the user in epoch {self.epoch + 1}"
        except BaseException:
            self._tell("on_failure")
            raise
        self.history.stopped = self.stopping
        self._tell("on_end")
        return self.history

    def state(self) -> dict[str, Any]:
        """All that a checkpoint needs to take the training up again after this epoch."""
        described = self._described() if self._described else {}
        return {
            "is": {**described, "the batches": self._runner.order},
            "epoch": self.epoch,
            "stopped": self.stopping,
            "learning_rate": self.optimizer.learning_rate,
            "history": self.history.columns,
            "runner": self._runner.state(),
            "callbacks": [[type(c).__name__, c.state()] for c in self._callbacks],
        }

    def _start(self) -> None:
        """Tell the callbacks, and take up what was saved, if anything was."""
        saved = self._saved
        if saved is None:
            self._tell("on_start")
            return
        refuse_another(saved, {"the batches": self._runner.order})
        self.epoch, self.stopping = saved["epoch"], saved["stopped"]
        self.history.add(saved["history"])
        self._runner.restore(saved["runner"])
        self._tell("on_start")
        self.optimizer.learning_rate = saved["learning_rate"]
        kept = [[kind, state] for kind, state in saved["callbacks"] if state]
        for callback in self._callbacks:
            for place, (kind, state) in enumerate(kept):
                if kind == type(callback).__name__:
                    callback.restore(state)
                    del kept[place]
                    break

    def _block(self, epochs: int) -> int:
        """Run some epochs; returns how many to run next."""
        first, began = self.epoch, self._clock()
        before = self._runner.state()
        rates = self._rates()
        losses = self._runner.run(epochs, rates, lambda at: self._tick(first + at))
        if not np.isfinite(losses).all() or not self._runner.is_finite:
            return self._stop_at_nonfinite(before, epochs, losses, rates, began)
        self._record(losses, rates.at(range(epochs)), self._clock() - began)
        self._tell("on_epoch")
        # Callbacks run in every process of a group; what they decide is decided by the first.
        decided = agreed([self.stopping, self.optimizer.learning_rate])
        self.stopping, self.optimizer.learning_rate = decided
        seconds = max(self._clock() - began, 1e-6)
        return min(int(epochs * BLOCK_SECONDS / seconds), self._runner.growth * epochs)

    def _near(self, wanted: int) -> int:
        """About so many epochs, cut so that it leaves no trace: see ``Runner.together``."""
        together = self._runner.together
        whole = max(1, -(-wanted // together)) * together
        return int(min(whole, max(1, self._stride()), self.epochs - self.epoch))

    def _stride(self) -> float:
        """How many epochs nobody needs to look at."""
        if self._scores is not None:
            return 1
        return min([callback.stride(self) for callback in self._callbacks], default=math.inf)

    def _clock(self) -> float:
        """The time, which stands still while something is compiled."""
        self.history.compile_seconds = compile_seconds() - self._compiled
        return time.perf_counter() - self.history.compile_seconds

    def _rates(self) -> Rates:
        base = self.optimizer.learning_rate
        if not (isinstance(base, int | float | np.number) and 0 < base < math.inf):
            raise OptionError(
                f"the learning rate must stay above 0 and finite; it was set to {base!r}."
            )
        return Rates(self._schedule, float(base), self.epoch, self.epochs)

    def _record(self, losses: list[float], rates: list[float], seconds: float) -> None:
        count = len(losses)
        columns: dict[str, list[float]] = {
            "epoch": list(range(self.epoch + 1, self.epoch + count + 1)),
            "loss": losses,
        }
        if self._scores is not None:
            scores = agreed(self._scores() if is_first() else None)
            columns |= {name: [value] for name, value in scores.items()}
        columns["learning_rate"] = rates
        columns["seconds"] = [seconds / count] * count
        self.history.add(columns)
        self.epoch += count

    def _stop_at_nonfinite(
        self, before: dict[str, Any], epochs: int, losses: list[float], rates: Rates, began: float
    ) -> int:
        birth = nonfinite.find(self._runner, before, epochs, rates)
        # The history ends with the last epoch all of whose steps are kept.
        whole = (self._runner.steps - before["steps"]) // self._runner.steps_per_epoch
        if whole:
            self._record(losses[:whole], rates.at(range(whole)), self._clock() - began)
        told = str(birth) if birth else f"the loss was not finite in epoch {self.epoch + 1}"
        self.stop(told)
        what = (
            f"training stopped: {told}. The parameters are those of the last step that was finite."
        )
        advice = "Try a smaller learning rate, inputs scaled to about 1, or clip_norm=1.0."
        warnings.warn(TrainingWarning(what, f"{advice} {WHERE_TO_ASK}"), stacklevel=level_outside())
        return 1

    def _tell(self, event: str) -> None:
        for callback in self._callbacks:
            getattr(callback, event)(self)

    def _tick(self, position: float) -> None:
        for callback in self._callbacks:
            callback.on_tick(self, position)


def scores_of(
    net: Sequential, data: dict[str, Array], validation: dict[str, Array] | None, metrics: Any,
    engine: str,
) -> Scores | None:  # fmt: skip
    """What to compute after each epoch: metrics on the training data, all on validation."""
    asked = metrics_of(metrics)
    if not asked and validation is None:
        return None
    loss = net.loss_for()

    def scores(part: dict[str, Array], w: Array | None) -> dict[str, float]:
        try:
            return net._inference.scores(part["x"], part["t"], w, loss, asked, engine)
        except DataError:
            found = net._inference.scores(part["x"], part["t"], w, loss, {}, engine)
            if np.isfinite(found["loss"]):
                raise
            # Outputs that are not finite have no metrics; the next step says where they come from.
            return found | dict.fromkeys(asked, np.nan)

    def compute() -> dict[str, float]:
        found: dict[str, float] = {}
        if asked:
            of_training = scores(data, data.get("w"))
            found |= {name: value for name, value in of_training.items() if name != "loss"}
        if validation is not None:
            of_held = scores(validation, None)
            found |= {f"validation_{name}": value for name, value in of_held.items()}
        return found

    return compute
