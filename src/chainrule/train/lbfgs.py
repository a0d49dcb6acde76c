"""L-BFGS: the whole data at once, each epoch one iteration of SciPy's minimizer."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.distributed import agreed, current, interruptible, is_first, is_spread
from chainrule.engine import compile_seconds, program, repeated
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

    def __init__(
        self, net: Sequential, optimizer: LBFGS, epochs: int, rows: int,
        callbacks: Sequence[Callback], scores: Scores | None,
        evaluate: Callable[[Array], tuple[float, Array]],
    ) -> None:  # fmt: skip
        self.net, self.optimizer, self.epochs, self.rows = net, optimizer, epochs, rows
        self.history = History()
        self.epoch = 0
        self.stopping: str | None = None
        self._callbacks, self._scores, self._evaluate = callbacks, scores, evaluate
        self._compiled, self._began = compile_seconds(), time.perf_counter()

    def stop(self, reason: str) -> None:
        """End after this iteration."""
        self.stopping = reason

    def run(self) -> History:
        """Minimise to the end. Ctrl-C keeps what was learnt."""
        self._tell("on_start")
        try:
            with interruptible():
                last, why = self._lead() if is_first() else self._follow()
            self._move(last)
            self.stopping = why
        except KeyboardInterrupt:
            self.stopping = f"interrupted by the user in epoch {self.epoch + 1}"
        self.history.stopped = self.stopping
        self._tell("on_end")
        return self.history

    # The minimizer runs in process 0 of a group alone. Were it to run in all, on machines of
    # different kinds the last bit of a number could send one of them another way, and each would
    # wait for what the others never compute.

    def _lead(self) -> tuple[Array, str | None]:
        """Run the minimizer, from where the network is: the last point, and why it ended early."""
        minimize = optional_package("scipy.optimize", "lbfgs", "L-BFGS").minimize
        optimizer, epochs = self.optimizer, self.epochs
        result = minimize(
            self._value_and_gradient, flat(self.net.parameters, np.dtype(np.float64)), jac=True,
            method="L-BFGS-B", callback=self._after_iteration,
            options={
                "maxiter": epochs, "maxcor": optimizer.memory, "gtol": optimizer.tolerance,
                "ftol": optimizer.least_gain, "maxfun": optimizer.evaluations or 20 * epochs + 100,
            },
        )  # fmt: skip
        why = self.stopping
        if self.epoch < epochs and not why:
            why = f"L-BFGS is done: {result.message}"
        _let_follow("end", result.x, why)
        return result.x, why

    def _follow(self) -> tuple[Array, str | None]:
        """Do what the minimizer of process 0 asks for, until it ends."""
        while True:
            what, text, more = agreed(None)
            point = np.frombuffer(base64.b64decode(text), np.float64)
            if what == "end":
                return point, more
            if what == "evaluate":
                self._evaluate(point)
            else:
                self._record(point, more)

    def _value_and_gradient(self, point: Array) -> tuple[float, Array]:
        _let_follow("evaluate", point)
        value, gradient = self._evaluate(point)
        decay = self.optimizer.weight_decay
        return value + 0.5 * decay * float(point @ point), gradient + decay * point

    def _after_iteration(self, intermediate_result: Any) -> None:
        point, value = intermediate_result.x, float(intermediate_result.fun)
        _let_follow("record", point, value)
        self._record(point, value)
        if self.stopping:
            raise StopIteration

    def _record(self, point: Array, value: float) -> None:
        """Note an iteration that ended at ``point``."""
        self._move(point)
        self.epoch += 1
        self.history.compile_seconds = compile_seconds() - self._compiled
        # A clock that stands still while something is compiled.
        now = time.perf_counter() - self.history.compile_seconds
        scores = agreed(self._scores() if self._scores is not None and is_first() else {})
        columns: dict[str, list[float]] = {"epoch": [self.epoch], "loss": [value]}
        columns |= {name: [number] for name, number in scores.items()}
        columns |= {"learning_rate": [1.0], "seconds": [now - self._began]}
        self._began = now
        self.history.add(columns)
        self._tell("on_epoch")

    def _move(self, point: Array) -> None:
        start = 0
        for array in self.net.parameters.values():
            array[...] = point[start : start + array.size].reshape(array.shape)
            start += array.size

    def _tell(self, event: str) -> None:
        for callback in self._callbacks:
            getattr(callback, event)(self)


def train_lbfgs(
    net: Sequential, loss: Loss, optimizer: LBFGS, data: dict[str, Array], epochs: int,
    callbacks: Sequence[Callback], scores: Scores | None, engine: str, penalty: float = 0.0,
) -> History:  # fmt: skip
    """Minimise the loss over all rows; the minimizer works in float64, the network in its dtype.

    In a group, each device computes its share of the loss and its gradient.

    Raises:
        OptionError: a layer whose training pass is not a function of the parameters alone.
        MissingPackageError: SciPy is not installed.
    """
    optional_package("scipy.optimize", "lbfgs", "L-BFGS")
    if net.statistics or any(layer.is_random for layer in net.layers):
        raise OptionError(
            "L-BFGS needs a loss that is the same at every call: take Dropout and BatchNorm out "
            "(LayerNorm is fine), or choose Adam."
        )
    theta = flat(net.parameters, net.dtype)
    net.parameters = views(theta, {name: a.shape for name, a in net.parameters.items()})
    run = _evaluation(_graph(net, loss, data, penalty), theta, data, engine)

    def evaluate(point: Array) -> tuple[float, Array]:
        theta[...] = point
        with np.errstate(all="ignore"):
            return run()

    training: Any = Minimisation(
        net, optimizer, epochs, len(data["x"]), callbacks, scores, evaluate
    )
    history: History = training.run()
    return history


def _let_follow(what: str, point: Array, more: Any = None) -> None:
    """In a group, let the other processes do the same as process 0."""
    group = current()
    if group is not None and group.processes > 1:
        group.agree([what, base64.b64encode(point.tobytes()).decode(), more])


def _evaluation(
    graph: Graph, theta: Array, data: dict[str, Array], engine: str
) -> Callable[[], tuple[float, Array]]:
    """What computes the loss over all rows and its gradient where ``theta`` is."""
    bound = {"theta": theta} | data
    if engine == "xla" and is_spread():
        value, gradient = (np.zeros((1, *node.shape), node.dtype) for node in graph.outputs)
        spread = repeated(graph, bound, {}, engine, tuple(data), {0: value, 1: gradient})

        def by_shares() -> tuple[float, Array]:
            spread.run(iter(spread.rows))
            return value.item(), gradient[0].astype(np.float64)

        return by_shares
    whole = program(graph, bound, {}, engine)

    def alone() -> tuple[float, Array]:
        whole.run()
        return whole.outputs[0].item(), whole.outputs[1].astype(np.float64)

    return alone


def _graph(net: Sequential, loss: Loss, data: dict[str, Array], penalty: float) -> Graph:
    size = sum(array.size for array in net.parameters.values())
    theta = placeholder((size,), net.dtype, "theta")
    key = placeholder((2,), np.uint32, "key")
    given = batch_inputs(data)
    value, gradient, _ = loss_and_gradient(net, loss, theta, {}, given, key, penalty=penalty)
    return Graph([theta, *given.values()], [value, gradient]).simplify()
