"""fit: from data and options to a trained network and its history."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from chainrule.distributed import interrupts_held, is_spread
from chainrule.errors import ChainruleError, known_options, options_of
from chainrule.nn import fitting
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, Optimizer
from chainrule.optim.optimizers import optimizer as make_optimizer
from chainrule.optim.schedules import schedule as make_schedule
from chainrule.train import checks
from chainrule.train.advice import advise, advise_of_tries
from chainrule.train.callbacks import Progress
from chainrule.train.checkpoint import (
    NO_SEED,
    description,
    in_order,
    read_checkpoint,
    refuse_another,
    seed_for,
    seed_told,
)
from chainrule.train.chunks import runner_on_device
from chainrule.train.history import History
from chainrule.train.loop import Training, scores_of
from chainrule.train.restarts import fit_with_restarts
from chainrule.train.runner import Runner
from chainrule.train.spread import GroupRunner

#: Without ``epochs``, training is given at least this many steps, and this many epochs.
DEFAULT_STEPS, DEFAULT_EPOCHS = 2000, 20

#: With progress="auto", the live line appears in trainings longer than this many seconds.
PROGRESS_AFTER = 1.0


def fit(
    net: Sequential,
    X: Any,
    y: Any,
    *,
    loss: Any = None,
    optimizer: str | Optimizer = "adam",
    epochs: int | None = None,
    batch_size: int | None = 32,
    validation: float | tuple[Any, Any] | None = None,
    metrics: Any = (),
    schedule: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    callbacks: Any = (),
    restarts: int = 0,
    penalty: float = 0.0,
    shuffle: bool = True,
    seed: int | np.random.Generator = NO_SEED,
    engine: str = "numpy",
    memory_limit: float | None = None,
    progress: bool | str = "auto",
    resume: Any = None,
) -> History:
    """Train ``net`` on samples ``X`` (rows) and targets ``y``; returns the history.

    The first fit builds the network (its sizes from the data, its parameters from ``seed``); a
    later fit goes on from the parameters that are there. The same seed, data and engine give the
    same bits.

    Args:
        loss: a name, a ``Loss`` or a function; default by the last activation (see ``loss_for``).
        optimizer: a name or an ``Optimizer``; default Adam with a rate of 0.01.
        epochs: passes over the data; default 20, or as many as make 2,000 steps.
        batch_size: rows a step; None for all rows at once. LBFGS always takes all rows.
        validation: a share of the rows to set aside, or a pair (X, y); scored without weights.
        metrics: names or functions (outputs, targets), computed after each epoch on the training
            data and on validation.
        schedule: how the rate changes: a name, a ``Schedule``, or a function (epoch, epochs).
        sample_weight: one number a row. class_weight: {label: weight} or "balanced".
        callbacks: ``Callback`` objects or functions of the training.
        restarts: how often to start again from the next seed if training got stuck.
        penalty: α, adds α/2 ΣW² to the loss of each batch before it is divided by its rows; over
            weights, not biases. The loss in the history has it in.
        shuffle: draw the batches anew in each epoch; False takes the rows in order.
        seed: a number or a ``numpy.random.Generator``; default 0, or with ``resume`` the
            checkpoint's.
        engine: "numpy", "xla" or "reference".
        memory_limit: bytes that the data may take on the device of the xla engine; what is larger
            is streamed, in chunks of half of that. Default half the device's memory; on a CPU only
            for an X that is mapped from a file (``np.load(..., mmap_mode="r")``), of which, if it
            has the network's dtype, no more than that is copied into memory.
        progress: True, False, or "auto": a live line on a terminal after a second.
        resume: the folder of a ``Checkpoint``: go on from there, given the same data and options.
            Metrics and a pair for validation may be added: their columns have NaN before.

    Raises:
        ShapeError, DtypeError, DataError: data that do not fit, or hold NaN; see
            ``chainrule.nn.fitting``.
        OptionError: an option that is not known or out of range; a checkpoint of another training.
        FileNotFoundError, FileFormatError: no checkpoint where ``resume`` says, or a broken one.
    """
    chosen = make_optimizer(optimizer)
    checks.options(epochs, batch_size, restarts, engine, progress)
    checks.steps(penalty, shuffle)
    checks.memory(memory_limit, engine)
    X = fitting.inputs(X, net.dtype, net.input_shape)
    saved = None if resume is None else read_checkpoint(resume)
    seed = seed_for(seed, saved)
    rng = checks.generator(seed)
    first_seed = seed_told(seed, rng, saved)
    with _as_before_if_refused(net):
        if not net.is_built:
            net.build(X.shape[1:], rng)
        net.loss = net.loss_for(loss)
        checks.outputs(net, net.loss)
        data, held = checks.split(net, net.loss, X, y, sample_weight, class_weight, validation, rng)
        checks.together(net, chosen, schedule, len(data["x"]), batch_size)
        changing = make_schedule(schedule)
        listed = in_order(callbacks)
        checks.resumable(chosen, restarts, saved, listed)
        described = description(
            net, net.loss, chosen, changing, data, rng, held=held, metrics=metrics,
            seed=first_seed, batch_size=batch_size, engine=engine, penalty=penalty, shuffle=shuffle,
        )  # fmt: skip
        if saved is not None:
            refuse_another(saved, described())
        scores = scores_of(net, data, held, metrics, engine)
    if epochs is None:
        epochs = default_epochs(len(data["x"]), batch_size)
    if progress is True or (progress == "auto" and sys.stderr.isatty()):
        listed.append(Progress(after=0.0 if progress is True else PROGRESS_AFTER))

    def train(start: np.random.Generator) -> History:
        if isinstance(chosen, LBFGS):
            from chainrule.train.lbfgs import train_lbfgs

            return train_lbfgs(
                net, net.loss_for(), chosen, data, epochs, listed, scores, engine, penalty
            )
        make: Any = Runner
        if engine == "xla":
            make = GroupRunner if is_spread() else partial(runner_on_device, memory_limit)
        with interrupts_held():
            runner = make(
                net, net.loss_for(), chosen, data, batch_size, start, engine,
                penalty=penalty, shuffle=shuffle,
            )  # fmt: skip
        training = Training(net, runner, chosen, changing, epochs, listed, scores, described, saved)
        return training.run()

    history = fit_with_restarts(net, train, data, restarts, seed, rng)
    if restarts:
        advise_of_tries(history, restarts)
    # Nobody needs to be warned twice.
    elif not any(callback.said for callback in listed):
        advise(net, data, history, len(history) * -(-len(data["x"]) // (batch_size or len(X))))
    return history


def default_epochs(rows: int, batch_size: int | None) -> int:
    """The epochs of a training that was not told: enough for ``DEFAULT_STEPS`` steps."""
    steps = -(-rows // (batch_size or rows))
    return max(DEFAULT_EPOCHS, -(-DEFAULT_STEPS // steps))


@contextmanager
def _as_before_if_refused(net: Sequential) -> Iterator[None]:
    """Data or an option that is refused leaves no trace: no sizes, no parameters, no loss."""
    was_built, loss = net.is_built, net.loss
    try:
        yield
    except ChainruleError:
        net.loss = loss
        if not was_built:
            net.input_shape, net.parameters, net.statistics = None, {}, {}
        raise


#: What other libraries call it, and what it is here.
_ELSEWHERE = {
    "lr": "The rate belongs to the optimizer: optimizer=cr.Adam(0.01).",
    "learning_rate": "The rate belongs to the optimizer: optimizer=cr.Adam(0.01).",
    "verbose": "The live line is progress=True or False.",
    "validation_split": "Write validation=0.2.",
    "validation_data": "Write validation=(X, y).",
    "alpha": "The penalty on weights is penalty=0.0001.",
    "l2": "The penalty on weights is penalty=0.0001.",
    "random_state": "Write seed=0.",
}


def fit_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options of ``fit``, if all are known.

    Raises:
        OptionError: one is not, with what it is called here.
    """
    known_options("fit", options_of(fit)[3:], options, _ELSEWHERE)
    return options
