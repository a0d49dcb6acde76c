"""A case: a network, its data and its training, as one record that experiments change."""

from __future__ import annotations

import copy
import inspect
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError, unknown_name
from chainrule.graph.op import Array
from chainrule.nn import fitting
from chainrule.nn.inference import Inference
from chainrule.nn.layers import Layer
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.optim.optimizers import optimizer as make_optimizer
from chainrule.train import checks
from chainrule.train.fit import default_epochs
from chainrule.train.history import History


@dataclass(frozen=True, eq=False)
class Case:
    """Everything that a diagnosis is given.

    Attributes:
        network: a copy, built, with the parameters with which training starts.
        X, y: the training data as they were given.
        loss, optimizer, epochs, batch_size, schedule, sample_weight, class_weight, seed: as for
            ``fit``. shuffle: whether the batches of each epoch are drawn anew.
        validation: a pair (X, y), or None.
        metric: the program's own score, a name or a function (outputs, targets).
        trained: a copy of the network as it was handed over, if it had been trained before.
        history: the history of that training, if it was given.
        drawn: the state of the generator of ``seed`` after the parameters were drawn from it, from
            which ``fit`` goes on to draw batches; None where it drew none.
    """

    network: Sequential
    X: Any
    y: Any
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int | None = 32
    shuffle: bool = True
    validation: tuple[Any, Any] | None = None
    metric: Any = None
    schedule: Any = None
    sample_weight: Any = None
    class_weight: Any = None
    seed: int = 0
    trained: Sequential | None = None
    history: History | None = None
    drawn: Any = None

    @property
    def steps(self) -> int:
        """How many updates the training makes."""
        rows = len(self.X)
        return self.epochs * math.ceil(rows / min(self.batch_size or rows, rows))

    def generator(self) -> np.random.Generator:
        """The generator that draws the batches: where ``fit`` would take it up."""
        rng = np.random.default_rng(self.seed)
        if self.drawn is not None:
            rng.bit_generator.state = self.drawn
        return rng


def case_of(
    network: Sequential, X: Any, y: Any, *, loss: Any = None, optimizer: Any = "adam",
    epochs: int | None = None, batch_size: int | None = 32, shuffle: bool = True,
    validation: Any = None, history: History | None = None, metric: Any = None,
    schedule: Any = None, sample_weight: Any = None, class_weight: Any = None, seed: int = 0,
) -> Case:  # fmt: skip
    """The case of these arguments, all of them copied; what is left out is as in ``fit``.

    A network that has been trained is taken back to its start, which its seed tells.

    Raises:
        OptionError: an option that is not known or out of range.
        ShapeError: X is not an array of rows.
    """
    if X is None or y is None:
        raise OptionError(
            "diagnose needs the data too: cr.diagnose(net, X, y, ...), with the options of fit."
        )
    if not isinstance(network, Sequential):
        raise OptionError(
            f"diagnose takes a network, cr.Sequential(...), got {type(network).__name__}. For a "
            "program of your own give step=, forward=, parameters= and data=."
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed is a whole number of 0 or more, got {seed!r}.")
    checks.options(epochs or None, batch_size, 0, "numpy", False)
    chosen = copy.copy(make_optimizer("adam" if optimizer is None else optimizer))
    rng = np.random.default_rng(seed)
    start, trained, drawn = copied(network), None, None
    X, y = _array("X", X), _array("y", y)
    if X.ndim < 2 or not len(X):
        fitting.inputs(X, start.dtype)  # says why not
    if not y.ndim or not len(y):
        raise ShapeError(
            f"y holds a target for each row of X, of which there are {len(X)}; it has shape "
            f"{y.shape}."
        )
    if not isinstance(history, History | None):
        raise OptionError(f"history is what fit returned, got {type(history).__name__}.")
    shape = network.input_shape or np.shape(X)[1:]
    if network.is_built and (network.loss is not None or history is not None):
        trained = copied(network)
    if not network.is_built or trained is not None:
        start.build(shape, rng)
        drawn = rng.bit_generator.state
    used = network.loss_for(loss)
    start.loss = used
    if isinstance(validation, float | np.floating):
        keep, held = checks.held_out({"x": X}, validation, rng)
        validation, drawn = (X[held], y[held]), rng.bit_generator.state
        X, y = X[keep], y[keep]
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[keep]
    elif validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise OptionError("validation is a share of the rows or a pair (X, y).")
        validation = _array("X", validation[0]), _array("y", validation[1])
    if epochs is None:
        epochs = len(history) if history is not None else default_epochs(len(X), batch_size)
    return Case(
        start, X, y, used, chosen, epochs, batch_size, shuffle, validation, metric, schedule,
        sample_weight, class_weight, int(seed), trained, history, drawn,
    )  # fmt: skip


def _array(name: str, data: Any) -> Array:
    """A copy of the data as an array."""
    try:
        return np.array(data)
    except ValueError as error:
        raise ShapeError(f"{name} is not a regular array: {error}.") from error


def known_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a case, if all are known.

    Raises:
        OptionError: one is not, with the nearest name.
    """
    known = [*inspect.signature(case_of).parameters][3:]
    for name in options:
        if name not in known:
            raise unknown_name("diagnose's option", name, known)
    return options


def copied(net: Sequential) -> Sequential:
    """The same network with arrays of its own, and nothing drawn anew."""
    twin = copy.copy(net)
    twin.parameters = {name: array.copy() for name, array in net.parameters.items()}
    twin.statistics = {name: array.copy() for name, array in net.statistics.items()}
    twin._inference = Inference(twin)
    return twin


def with_layers(case: Case, layers: list[Layer], *, keep: bool, seed: int | None = None) -> Case:
    """The case with other layers, started from ``seed`` (default: its own).

    The case's seed stays, which chooses batches and the rows held back.

    With ``keep``, parameters whose name and shape are as before keep their numbers, so that
    nothing but the layers' functions differs.
    """
    old = case.network
    assert old.input_shape is not None
    net = Sequential(*layers, dtype=old.dtype).build(
        old.input_shape, case.seed if seed is None else seed
    )
    net.loss = old.loss
    if keep:
        for name, array in (net.parameters | net.statistics).items():
            before: Array | None = (old.parameters | old.statistics).get(name)
            if before is not None and before.shape == array.shape:
                array[...] = before
    return replace(case, network=net)
