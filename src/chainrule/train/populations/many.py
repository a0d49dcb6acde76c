"""fit_many: a whole population of networks, trained side by side.

Which result of a training is luck, and which is the method? Ask a thousand seeds. A step of one
small network costs little more than the calls it makes; batched, a thousand share each call.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.errors import OptionError, known_options, options_of
from chainrule.nn import fitting
from chainrule.nn.metrics import metrics_of
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, Optimizer
from chainrule.optim.optimizers import optimizer as make_optimizer
from chainrule.optim.schedules import schedule as make_schedule
from chainrule.train import checks
from chainrule.train.callbacks import Callback, Progress
from chainrule.train.fit import PROGRESS_AFTER, default_epochs
from chainrule.train.populations.decay import OwnDecay
from chainrule.train.populations.grid import alike, forms, known_seeds, members, numbers
from chainrule.train.populations.outcome import population_of
from chainrule.train.populations.population import Population
from chainrule.train.populations.rows import Shares
from chainrule.train.populations.stack import Stack

#: Quick epochs are run in blocks of about this many seconds for the whole population.
BLOCK_SECONDS = 0.2

#: Networks in one program: so many that the calls do not count, but no more than leave what lies
#: between two layers, of all of them, in the cache.
MOST, LEAST, CACHED_ENTRIES = 256, 16, 1 << 18


def fit_many(
    build: Sequential | Callable[..., Sequential],
    X: Any,
    y: Any,
    *,
    seeds: int | Sequence[int] = 1000,
    learning_rate: float | Sequence[float] | None = None,
    initial_scale: float | Sequence[float] = 1.0,
    weight_decay: float | Sequence[float] | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    loss: Any = None,
    optimizer: str | Optimizer = "adam",
    epochs: int | None = None,
    batch_size: int | None = 32,
    validation: float | tuple[Any, Any] | None = None,
    metrics: Any = (),
    schedule: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    engine: str = "numpy",
    progress: bool | str = "auto",
    **others: Any,
) -> Population:
    """Train a network for every combination of what is given, side by side.

    Each network is what ``fit`` alone would make of it with this seed, to rounding: it has its own
    start, its own order of rows, its own share for validation. So only with ``batch_size=None`` are
    batches shared, and training is quickest. On the XLA engine the orders are those of the numpy
    engine; ``fit`` alone shuffles on the device there, in others. Networks of one form are one
    batched program; one that is not finite any more is marked in the table and disturbs no other.
    Ctrl-C keeps what was learnt so far.

    Args:
        build: a function that gives a network, or a network (of which the layers are used).
        seeds: how many, from 0 on; or a list of them.
        learning_rate: one or several; default the optimizer's.
        initial_scale: one or several numbers that the first weights (not biases) are multiplied by.
        weight_decay: one or several λ, the penalty λ/2 Σθ² (for AdamW its decoupled decay);
            default the optimizer's.
        grid: arguments of ``build``, each with the values to try: {"hidden": [2, 4, 8]}.
        metrics: names or functions, computed once, at the end.
        loss, optimizer, epochs, batch_size, validation, schedule, sample_weight, class_weight,
            engine, progress: as those of :func:`chainrule.train.fit.fit`.

    Raises:
        OptionError: an option that is not known or out of range; L-BFGS, whose steps differ.
        ShapeError, DtypeError, DataError: data that do not fit, or hold NaN.
    """
    known_options("fit_many", options_of(fit_many)[3:], others, _ELSEWHERE)
    checks.options(epochs, batch_size, 0, engine, progress)
    chosen = _optimizer(optimizer)
    rates = numbers("learning_rate", learning_rate, chosen.learning_rate, 0.0, False)
    scales = numbers("initial_scale", initial_scale, 1.0, 0.0, False)
    decays = numbers("weight_decay", weight_decay, chosen.weight_decay, 0.0, True)
    asked = metrics_of(metrics)
    if len(decays) == 1 and weight_decay is not None:
        chosen = replace(chosen, weight_decay=decays[0])
    elif len(decays) > 1:
        chosen = OwnDecay(chosen.learning_rate, inner=chosen)
    began = time.perf_counter()
    found = forms(build, grid or {})
    given = fitting.inputs(X, found[0][1].dtype)
    wanted = members(found, rates, scales, decays, known_seeds(seeds), given.shape[1:])
    stacks: list[Stack] = []
    for same in alike(wanted):
        nets, rngs = [member.net for member in same], [member.rng for member in same]
        shares = Shares(nets, rngs, X, y, loss, sample_weight, class_weight, validation)
        checks.together(shares.net, chosen, schedule, shares.rows, batch_size)
        epochs = epochs or default_epochs(shares.rows, batch_size)
        count = _side_by_side(shares.net, min(batch_size or shares.rows, shares.rows))
        for part in np.array_split(np.arange(len(same)), -(-len(same) // count)):
            stack = Stack(
                [same[i] for i in part], shares.loss, chosen, make_schedule(schedule), epochs,
                batch_size, shares.training(part), shares.held(part), engine,
            )  # fmt: skip
            stacks.append(stack)
    stopped = _train(stacks, _Shown(stacks, progress))
    return population_of(stacks, asked, stopped, time.perf_counter() - began)


#: What other functions take, and why this one does not.
_ELSEWHERE = {
    "callbacks": "A population has none: look at its curves, or give net.fit callbacks.",
    "restarts": "Take more seeds instead: the best one is population.best.",
    "seed": "Write seeds=1000 for that many, or seeds=[7] for one.",
    "lr": "Write learning_rate=0.1, or a list.",
    "learning_rates": "Write learning_rate=[0.1, 0.01].",
    "l2": "Write weight_decay=[0, 0.001]: the penalty is weight_decay / 2 Σθ².",
    "n": "Write seeds=1000.",
}


def _optimizer(spec: Any) -> Optimizer:
    chosen = make_optimizer(spec)
    if isinstance(chosen, LBFGS):
        raise OptionError(
            "fit_many cannot use L-BFGS, whose line searches are another number of steps for each "
            "network. Choose another optimizer, or call net.fit in a loop."
        )
    return chosen


def _side_by_side(net: Sequential, rows: int) -> int:
    """How many networks to train in one program, on batches of so many rows."""
    widest = max(math.prod(shape) for _, shape, _ in net.shapes())
    return max(LEAST, min(MOST, CACHED_ENTRIES // (rows * widest)))


class _Shown:
    """The population as its live line sees it: what ``Training`` is for one network."""

    def __init__(self, stacks: Sequence[Stack], progress: bool | str) -> None:
        self._stacks = stacks
        self.epochs, self.epoch = stacks[0].epochs, 0
        self.rows = sum(stack.rows * len(stack.members) for stack in stacks)
        self.stopping: str | None = None
        self.history = SimpleNamespace(columns={"median loss": []}, compile_seconds=0.0)
        is_wanted = progress is True or (progress == "auto" and sys.stderr.isatty())
        self._line = Progress(after=0.0 if progress is True else PROGRESS_AFTER)
        self._told = self._line if is_wanted else Callback()

    def start(self) -> None:
        self._told.on_start(self)  # type: ignore[arg-type]

    def tick(self) -> None:
        """Tell how far the whole population has come."""
        done = sum(stack.position * len(stack.members) for stack in self._stacks)
        self._told.on_tick(self, done / sum(len(stack.members) for stack in self._stacks))  # type: ignore[arg-type]

    def block_is_over(self) -> None:
        self.epoch = _epochs_done(self._stacks)
        last = np.concatenate([stack.losses[stack.done - 1] for stack in self._stacks])
        finite = last[np.isfinite(last)]
        self.history.columns["median loss"] = [float(np.median(finite))] if finite.size else []
        self.tick()

    def end(self, stopping: str | None) -> None:
        self.stopping = stopping
        self._told.on_end(self)  # type: ignore[arg-type]


def _train(stacks: Sequence[Stack], shown: _Shown) -> str | None:
    """Train all stacks, some epochs each in turn; says why it ended early, or None."""
    stopped = None
    shown.start()
    try:
        block = 1
        while running := [stack for stack in stacks if stack.is_running]:
            began = time.perf_counter()
            for stack in running:
                stack.run(min(block, stack.epochs - stack.done), shown.tick)
            shown.block_is_over()
            seconds = max(time.perf_counter() - began, 1e-6)
            block = max(1, min(int(block * BLOCK_SECONDS / seconds), 4 * block))
    except KeyboardInterrupt:
        stopped = f"interrupted by the user in epoch {_epochs_done(stacks) + 1}"
    shown.end(stopped)
    return stopped


def _epochs_done(stacks: Sequence[Stack]) -> int:
    """The epochs that are over for all stacks, but for those that have failed altogether."""
    running = [stack.done for stack in stacks if stack.is_running]
    return min(running) if running else max(stack.done for stack in stacks)
