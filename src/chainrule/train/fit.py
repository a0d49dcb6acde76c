"""fit: from data and options to a trained network and its history."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.engine import PROGRAMS
from chainrule.errors import ChainruleError, DataError, OptionError, unknown_name
from chainrule.graph.op import Array
from chainrule.nn import fitting
from chainrule.nn.activations import NAMED as ACTIVATIONS
from chainrule.nn.layers import Activation, BatchNorm, Dense
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, Optimizer
from chainrule.optim.optimizers import optimizer as make_optimizer
from chainrule.optim.schedules import schedule as make_schedule
from chainrule.train.callbacks import Progress, callback
from chainrule.train.history import History
from chainrule.train.loop import Training, scores_of
from chainrule.train.restarts import fit_with_restarts
from chainrule.train.runner import Runner

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
    seed: int | np.random.Generator = 0,
    engine: str = "numpy",
    progress: bool | str = "auto",
) -> History:
    """Train ``net`` on samples ``X`` (rows) and targets ``y``; returns the history.

    The first fit builds the network (its sizes from the data, its parameters from ``seed``); a
    later fit goes on from the parameters that are there. The same seed, data and engine give the
    same bits.

    Args:
        loss: a name, a ``Loss`` or a function; default by the last activation (see ``loss_for``).
        optimizer: a name or an ``Optimizer``; default Adam with a rate of 0.01.
        epochs: passes over the data; default 20, or as many as make 2,000 steps.
        batch_size: rows a step, shuffled anew each epoch; None for all rows at once. LBFGS always
            takes all rows.
        validation: a share of the rows to set aside, or a pair (X, y); scored without weights.
        metrics: names or functions (outputs, targets), computed after each epoch on the training
            data and on validation.
        schedule: how the rate changes: a name, a ``Schedule``, or a function (epoch, epochs).
        sample_weight: one number a row. class_weight: {label: weight} or "balanced".
        callbacks: ``Callback`` objects or functions of the training.
        restarts: how often to start again from the next seed if training got stuck.
        seed: a number or a ``numpy.random.Generator``.
        engine: "numpy", "xla" or "reference".
        progress: True, False, or "auto": a live line on a terminal after a second.

    Raises:
        ShapeError, DtypeError, DataError: data that do not fit, or hold NaN; see
            ``chainrule.nn.fitting``.
        OptionError: an option that is not known or out of range.
    """
    chosen = make_optimizer(optimizer)
    _check(epochs, batch_size, restarts, engine, progress)
    X = fitting.inputs(X, net.dtype, net.input_shape)
    rng = _generator(seed)
    with _as_before_if_refused(net):
        if not net.is_built:
            net.build(X.shape[1:], rng)
        net.loss = net.loss_for(loss)
        _check_outputs(net, net.loss)
        data, held = _split(net, net.loss, X, y, sample_weight, class_weight, validation, rng)
        _check_together(net, chosen, schedule, len(data["x"]), batch_size)
        changing = make_schedule(schedule)
        listed = [
            callback(c) for c in (callbacks if isinstance(callbacks, list | tuple) else [callbacks])
        ]
        scores = scores_of(net, data, held, metrics, engine)
    if epochs is None:
        steps = -(-len(data["x"]) // (batch_size or len(data["x"])))
        epochs = max(DEFAULT_EPOCHS, -(-DEFAULT_STEPS // steps))
    if progress is True or (progress == "auto" and sys.stderr.isatty()):
        listed.append(Progress(after=0.0 if progress is True else PROGRESS_AFTER))

    def train(start: np.random.Generator) -> History:
        if isinstance(chosen, LBFGS):
            from chainrule.train.lbfgs import train_lbfgs

            return train_lbfgs(net, net.loss_for(), chosen, data, epochs, listed, scores, engine)
        runner = Runner(net, net.loss_for(), chosen, data, batch_size, start, engine)
        return Training(net, runner, chosen, changing, epochs, listed, scores).run()

    return fit_with_restarts(net, train, data, restarts, seed, rng)


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
    "shuffle": "Batches are always shuffled, by seed=.",
    "random_state": "Write seed=0.",
}


def known_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options of ``fit``, if all are known.

    Raises:
        OptionError: one is not, with what it is called here.
    """
    known = list(inspect.signature(fit).parameters)[3:]
    for name in options:
        if name in _ELSEWHERE:
            raise OptionError(f"fit has no option {name!r}. {_ELSEWHERE[name]}")
        if name not in known:
            raise unknown_name("fit's option", name, known)
    return options


def _generator(seed: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"seed is a whole number of 0 or more, or a numpy.random.Generator; got {seed!r}."
        ) from error


def _check_outputs(net: Sequential, loss: Loss) -> None:
    """Refuse a loss of probabilities where the outputs are none."""
    suited = {"cross_entropy": ("softmax",), "binary_cross_entropy": ("sigmoid", "softmax")}
    last = net.layers[-1]
    name = net.last_activation or "linear"
    if not net.parameters:
        raise OptionError("there is nothing to train: no layer of the network has parameters.")
    if loss.name not in suited or not isinstance(last, Dense | Activation):
        return
    if name in ACTIVATIONS and name not in suited[loss.name]:
        units = net.output_shape[-1]
        raise OptionError(
            f"{loss.name} needs outputs that are probabilities, and the last activation is {name}. "
            f"Write Dense({units}, {suited[loss.name][0]!r}), or choose loss='mean_squared_error'."
        )


def _split(
    net: Sequential, loss: Loss, X: Array, y: Any, sample_weight: Any, class_weight: Any,
    validation: Any, rng: np.random.Generator,
) -> tuple[dict[str, Array], dict[str, Array] | None]:  # fmt: skip
    """Checked training data and checked validation data."""
    t = fitting.targets(y, loss, len(X), net.output_shape, net.dtype)
    w = fitting.weights(sample_weight, class_weight, t, net.dtype)
    data = {"x": X, "t": t} | ({} if w is None else {"w": w})
    if validation is None:
        return data, None
    if isinstance(validation, tuple | list):
        if len(validation) != 2:
            raise OptionError("validation is a share of the rows or a pair (X, y).")
        held_x = fitting.inputs(validation[0], net.dtype, net.input_shape)
        held_t = fitting.targets(validation[1], loss, len(held_x), net.output_shape, net.dtype)
        return data, {"x": held_x, "t": held_t}
    if not (isinstance(validation, float | np.floating) and 0 < validation < 1):
        raise OptionError(
            "validation is a share of the rows between 0 and 1, or a pair (X, y); got "
            f"{validation!r}."
        )
    count = round(len(X) * validation)
    if count in (0, len(X)):
        raise DataError(
            f"validation={validation} of {len(X)} rows leaves nothing on one side. Give more rows, "
            "or a pair (X, y)."
        )
    order = rng.permutation(len(X))
    parts = [np.sort(order[count:]), np.sort(order[:count])]
    train, held = ({name: array[rows] for name, array in data.items()} for rows in parts)
    if w is not None and not train["w"].any():
        raise DataError(
            f"validation={validation} sets aside every row whose weight is above 0. Give more "
            "rows, another seed, or a pair (X, y)."
        )
    return train, held


def _check(epochs: Any, batch_size: Any, restarts: Any, engine: str, progress: Any) -> None:
    for name, value, least in (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("restarts", restarts, 0),
    ):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise OptionError(f"{name} is a whole number of {least} or more, got {value!r}.")
    if engine not in PROGRAMS:
        raise unknown_name("engine", engine, PROGRAMS)
    if progress not in (True, False, "auto"):
        raise OptionError(f"progress is True, False or 'auto', got {progress!r}.")


def _check_together(
    net: Sequential, chosen: Optimizer, schedule: Any, rows: int, batch_size: int | None
) -> None:
    """Refuse before the first step what would fail, or be ignored, in the middle of training."""
    if isinstance(chosen, LBFGS) and schedule is not None:
        raise OptionError("LBFGS finds its own step in each iteration: it takes no schedule.")
    normed = any(isinstance(layer, BatchNorm) for layer in net.layers)
    size = min(batch_size or rows, rows)
    if normed and rows == 1:
        raise OptionError("BatchNorm cannot train on one row, which has no spread.")
    if normed and rows % size == 1:
        other = next(n for n in range(size + 1, rows + 1) if rows % n != 1)
        raise OptionError(
            f"batches of {size} leave a last batch of one row ({rows} rows), which has no spread "
            f"for BatchNorm. Choose another batch_size, such as {other}."
        )
