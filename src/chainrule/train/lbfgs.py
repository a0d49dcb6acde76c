"""L-BFGS: the whole data at once, each epoch one iteration of SciPy's minimizer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.engine import compile_seconds, program
from chainrule.errors import OptionError, optional_package
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.graph.tensor import placeholder
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS
from chainrule.train.callbacks import Callback
from chainrule.train.history import History
from chainrule.train.loop import Scores
from chainrule.train.step import batch_inputs, flat, loss_and_gradient, views


class Minimisation:
    """An L-BFGS run as its callbacks see it: what ``Training`` is for the other optimizers."""

    def __init__(self, net: Sequential, optimizer: LBFGS, epochs: int, rows: int) -> None:
        self.net, self.optimizer, self.epochs, self.rows = net, optimizer, epochs, rows
        self.history = History()
        self.epoch = 0
        self.stopping: str | None = None

    def stop(self, reason: str) -> None:
        """End after this iteration."""
        self.stopping = reason


def train_lbfgs(
    net: Sequential, loss: Loss, optimizer: LBFGS, data: dict[str, Array], epochs: int,
    callbacks: Sequence[Callback], scores: Scores | None, engine: str, penalty: float = 0.0,
) -> History:  # fmt: skip
    """Minimise the loss over all rows; the minimizer works in float64, the network in its dtype.

    Raises:
        OptionError: a layer whose training pass is not a function of the parameters alone.
        MissingPackageError: SciPy is not installed.
    """
    minimize = optional_package("scipy.optimize", "lbfgs", "L-BFGS").minimize
    if net.statistics or any(layer.is_random for layer in net.layers):
        raise OptionError(
            "L-BFGS needs a loss that is the same at every call: take Dropout and BatchNorm out "
            "(LayerNorm is fine), or choose Adam."
        )
    theta = flat(net.parameters, net.dtype)
    net.parameters = views(theta, {name: a.shape for name, a in net.parameters.items()})
    run = program(_graph(net, loss, data, penalty), {"theta": theta} | data, {}, engine)
    training: Any = Minimisation(net, optimizer, epochs, len(data["x"]))
    compiled = compile_seconds()
    began = [time.perf_counter()]

    def value_and_gradient(point: Array) -> tuple[float, Array]:
        theta[...] = point
        with np.errstate(all="ignore"):
            run.run()
        decay = optimizer.weight_decay
        value = run.outputs[0].item() + 0.5 * decay * float(point @ point)
        return value, run.outputs[1].astype(np.float64) + decay * point

    def after_iteration(intermediate_result: Any) -> None:
        theta[...] = intermediate_result.x
        training.epoch += 1
        training.history.compile_seconds = compile_seconds() - compiled
        # A clock that stands still while something is compiled.
        now = time.perf_counter() - training.history.compile_seconds
        columns = {"epoch": [training.epoch], "loss": [float(intermediate_result.fun)]}
        columns |= {name: [value] for name, value in (scores() if scores else {}).items()}
        columns |= {"learning_rate": [1.0], "seconds": [now - began[0]]}
        began[0] = now
        training.history.add(columns)
        for callback in callbacks:
            callback.on_epoch(training)
        if training.stopping:
            raise StopIteration

    for callback in callbacks:
        callback.on_start(training)
    try:
        result = minimize(
            value_and_gradient, theta.astype(np.float64), jac=True, method="L-BFGS-B",
            callback=after_iteration,
            options={
                "maxiter": epochs, "maxcor": optimizer.memory, "gtol": optimizer.tolerance,
                "ftol": optimizer.least_gain, "maxfun": optimizer.evaluations or 20 * epochs + 100,
            },
        )  # fmt: skip
        theta[...] = result.x
        if training.epoch < epochs and not training.stopping:
            training.stopping = f"L-BFGS is done: {result.message}"
    except KeyboardInterrupt:
        training.stopping = f"interrupted by the user in epoch {training.epoch + 1}"
    training.history.stopped = training.stopping
    for callback in callbacks:
        callback.on_end(training)
    history: History = training.history
    return history


def _graph(net: Sequential, loss: Loss, data: dict[str, Array], penalty: float) -> Graph:
    size = sum(array.size for array in net.parameters.values())
    theta = placeholder((size,), net.dtype, "theta")
    key = placeholder((2,), np.uint32, "key")
    given = batch_inputs(data)
    value, gradient, _ = loss_and_gradient(net, loss, theta, {}, given, key, penalty=penalty)
    return Graph([theta, *given.values()], [value, gradient]).simplify()
