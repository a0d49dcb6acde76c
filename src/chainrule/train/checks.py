"""Checks before training: what cannot work is refused before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from chainrule.distributed import current
from chainrule.engine import PROGRAMS
from chainrule.engine.xla import jax_module
from chainrule.errors import DataError, OptionError, unknown_name
from chainrule.graph.op import Array
from chainrule.nn import fitting
from chainrule.nn.activations import NAMED as ACTIVATIONS
from chainrule.nn.layers import Activation, BatchNorm, Dense
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, Optimizer
from chainrule.train.callbacks import Callback
from chainrule.train.checkpoint import Checkpoint


def generator(seed: Any) -> np.random.Generator:
    """A generator of its own, from a seed."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"seed is a whole number of 0 or more, or a numpy.random.Generator; got {seed!r}."
        ) from error


def outputs(net: Sequential, loss: Loss) -> None:
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


def split(
    net: Sequential, loss: Loss, X: Array, y: Any, sample_weight: Any, class_weight: Any,
    validation: Any, rng: np.random.Generator,
) -> tuple[dict[str, Array], dict[str, Array] | None]:  # fmt: skip
    """Checked training data and checked validation data."""
    data = training_data(net, loss, X, y, sample_weight, class_weight)
    if validation is None:
        return data, None
    if isinstance(validation, tuple | list):
        return data, validation_data(net, loss, validation)
    parts = held_out(data, validation, rng)
    train, held = ({name: array[rows] for name, array in data.items()} for rows in parts)
    return train, held


def training_data(
    net: Sequential, loss: Loss, X: Array, y: Any, sample_weight: Any, class_weight: Any
) -> dict[str, Array]:
    """Checked x and t, and w where rows have weights."""
    t = fitting.targets(y, loss, len(X), net.output_shape, net.dtype)
    w = fitting.weights(sample_weight, class_weight, t, net.dtype)
    return {"x": X, "t": t} | ({} if w is None else {"w": w})


def validation_data(net: Sequential, loss: Loss, pair: Any) -> dict[str, Array]:
    """Checked x and t of a pair (X, y)."""
    if len(pair) != 2:
        raise OptionError("validation is a share of the rows or a pair (X, y).")
    x = fitting.inputs(pair[0], net.dtype, net.input_shape)
    return {"x": x, "t": fitting.targets(pair[1], loss, len(x), net.output_shape, net.dtype)}


def held_out(
    data: dict[str, Array], validation: Any, rng: np.random.Generator
) -> tuple[Array, Array]:
    """The places of the rows to train on, and of the share of rows that is set aside."""
    rows = len(data["x"])
    if not (isinstance(validation, float | np.floating) and 0 < validation < 1):
        raise OptionError(
            "validation is a share of the rows between 0 and 1, or a pair (X, y); got "
            f"{validation!r}."
        )
    count = round(rows * validation)
    if count in (0, rows):
        raise DataError(
            f"validation={validation} of {rows} rows leaves nothing on one side. Give more rows, "
            "or a pair (X, y)."
        )
    order = rng.permutation(rows)
    train, held = np.sort(order[count:]), np.sort(order[:count])
    if "w" in data and not data["w"][train].any():
        raise DataError(
            f"validation={validation} sets aside every row whose weight is above 0. Give more "
            "rows, another seed, or a pair (X, y)."
        )
    return train, held


def options(epochs: Any, batch_size: Any, restarts: Any, engine: str, progress: Any) -> None:
    """Refuse numbers out of range and unknown engines."""
    for name, value, least in (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("restarts", restarts, 0),
    ):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise OptionError(f"{name} is a whole number of {least} or more, got {value!r}.")
    if not isinstance(engine, str) or engine not in PROGRAMS:
        raise unknown_name("engine", engine, PROGRAMS)
    if engine == "xla":
        jax_module()  # if it is not installed, that is said before anything is computed
    group = current()
    if group is not None and group.processes > 1 and engine != "xla":
        raise OptionError(
            f"this process has joined a group of {group.processes}, and only engine='xla' trains "
            f"in groups; got engine={engine!r}."
        )
    if not isinstance(progress, bool | str) or progress not in (True, False, "auto"):
        raise OptionError(f"progress is True, False or 'auto', got {progress!r}.")


def resumable(chosen: Optimizer, restarts: int, saved: Any, callbacks: Sequence[Callback]) -> None:
    """Refuse what cannot be taken up again."""
    is_kept = any(isinstance(c, Checkpoint) for c in callbacks)
    if saved is not None and isinstance(chosen, LBFGS):
        raise OptionError("L-BFGS cannot be resumed, because SciPy keeps its state to itself.")
    if restarts and (is_kept or saved is not None):
        raise OptionError(
            f"restarts={restarts} and checkpoints do not go together: a checkpoint is of one "
            "start. Choose one of them."
        )


def steps(penalty: Any, shuffle: Any) -> None:
    """Refuse a penalty that is no number of 0 or more, and a shuffle that is neither yes nor no."""
    number = isinstance(penalty, Real) and not isinstance(penalty, bool)
    if not (number and 0 <= penalty < math.inf):
        raise OptionError(f"penalty is a number of 0 or more, got {penalty!r}.")
    if not isinstance(shuffle, bool):
        raise OptionError(f"shuffle is True or False, got {shuffle!r}.")


def memory(limit: Any, engine: str) -> None:
    """Refuse a limit that is none, or that nobody keeps to."""
    if limit is None:
        return
    number = isinstance(limit, int | float | np.number) and not isinstance(limit, bool)
    if not (number and 0 < limit < np.inf):
        raise OptionError(f"memory_limit is a number of bytes, such as 2e9, got {limit!r}.")
    if engine != "xla":
        raise OptionError(
            f"memory_limit is for engine='xla', which puts data on a device. The {engine} engine "
            "reads every batch from X where it is: leave memory_limit out."
        )


def together(
    net: Sequential, chosen: Optimizer, schedule: Any, rows: int, batch_size: int | None
) -> None:
    """Refuse before the first step what would fail, or be ignored, in the middle of training."""
    group = current()
    if isinstance(chosen, LBFGS) and group is not None and group.processes > 1:
        raise OptionError("L-BFGS trains in one process, not in a group: choose Adam.")
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
