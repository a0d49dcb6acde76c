"""The training step as one graph: from parameters, state and a batch to new ones and the loss.

All parameters are one vector θ, of which each layer's are views; so the gradient is computed in its
place, and the optimizer's update is one pass for the whole network. Everything that changes from
step to step is an input: the batch, the rate, the key of the random numbers.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.graph.differentiate import differentiate
from chainrule.graph.graph import Graph, needed
from chainrule.graph.op import Array, Shape
from chainrule.graph.remembered import remembered
from chainrule.graph.tensor import Tensor, placeholder
from chainrule.nn.layers import Mode
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.ops import reduce
from chainrule.ops.arithmetic import square
from chainrule.ops.choice import where
from chainrule.ops.comparison import equal
from chainrule.ops.indexing import getitem
from chainrule.ops.shape import reshape
from chainrule.ops.stacking import concatenate
from chainrule.optim.optimizers import Optimizer

Shapes = Mapping[str, Shape]

#: From one step's key of random numbers to the next one's.
NEXT = np.array([0, 1], np.uint32)


@dataclass(frozen=True)
class Step:
    """A traced step, and which output replaces which input."""

    graph: Graph
    replaces: dict[int, str]


def flat(arrays: Mapping[str, Array], dtype: np.dtype[np.generic]) -> Array:
    """All arrays in one vector, in order."""
    parts = [np.zeros(0, dtype), *[np.ravel(array) for array in arrays.values()]]
    return np.concatenate(parts).astype(dtype)


def views(theta: Array, shapes: Shapes) -> dict[str, Array]:
    """The arrays that lie in the vector ``theta``, as views of it."""
    return {name: theta[start:stop].reshape(shape) for name, shape, start, stop in _places(shapes)}


def _places(shapes: Shapes) -> list[tuple[str, Shape, int, int]]:
    places, start = [], 0
    for name, shape in shapes.items():
        stop = start + int(np.prod(shape, dtype=int))
        places.append((name, shape, start, stop))
        start = stop
    return places


def unpacked(theta: Tensor, shapes: Shapes) -> dict[str, Tensor]:
    """The parameters that lie in the vector ``theta``, recorded as slices of it."""
    parts = {}
    for name, shape, start, stop in _places(shapes):
        part = reshape(getitem(theta, slice(start, stop)), shape)
        part.name = name
        parts[name] = part
    return parts


def batch_inputs(batch: Mapping[str, Array]) -> dict[str, Tensor]:
    """Placeholders for a batch: x, t, and perhaps w."""
    return {name: placeholder(array.shape, array.dtype, name) for name, array in batch.items()}


def loss_and_gradient(
    net: Sequential, loss: Loss, theta: Tensor, statistics: Mapping[str, Tensor],
    batch: Mapping[str, Tensor], key: Tensor, penalty: float = 0.0,
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:  # fmt: skip
    """The loss, its gradient with respect to the vector θ, and the new statistics.

    ``penalty`` is that of :func:`penalised`.
    """
    shapes = {name: array.shape for name, array in net.parameters.items()}
    parameters = unpacked(theta, shapes)
    output, moved = net.forward(batch["x"], parameters, statistics, Mode(training=True, key=key))
    value = loss(output, batch["t"], batch.get("w"))
    weights = [parameters[name] for name in net.weight_names]
    if penalty and weights:
        value = penalised(value, loss, weights, penalty, batch)
    gradients = differentiate(value, list(parameters.values()))
    return value, concatenate([reshape(g, -1) for g in gradients]), moved


def penalised(
    value: Tensor, loss: Loss, weights: Sequence[Tensor], alpha: float, batch: Mapping[str, Tensor]
) -> Tensor:
    """The loss ``value`` of a batch with the penalty α/2 ΣW² on the weights; biases are free.

    A mean over n rows becomes (Σ l + α/2 ΣW²) / n, with weights of rows (Σ w l + α/2 ΣW²) / Σ w, as
    if the penalty were the loss of something else in the batch; a sum becomes Σ l + α/2 ΣW².
    """
    squares = [reduce.sum(square(W)) for W in weights]
    extra: Tensor = 0.5 * alpha * functools.reduce(operator.add, squares)
    if not loss.total:
        rows: Tensor | int = batch["x"].shape[0]
        if "w" in batch:
            total = reduce.sum(batch["w"])
            rows = where(equal(total, 0.0), 1.0, total)
        extra = extra / rows
    whole: Tensor = value + extra
    return whole


def training_step(
    net: Sequential, loss: Loss, optimizer: Optimizer, state: Mapping[str, Array],
    batch: Mapping[str, Array], penalty: float = 0.0,
) -> Step:  # fmt: skip
    """Trace one step of training, for batches of these shapes.

    Inputs: theta, the optimizer's state, the statistics, rate, key, and the batch. Outputs: the
    loss, then what replaces theta, the state and the statistics, and the key if it is used.
    """
    size = sum(array.size for array in net.parameters.values())
    theta = placeholder((size,), net.dtype, "theta")
    states = {name: placeholder(a.shape, a.dtype, f"state {name}") for name, a in state.items()}
    kept = {name: placeholder(a.shape, a.dtype, name) for name, a in net.statistics.items()}
    rate = placeholder((), np.float64, "rate")
    key = placeholder((2,), np.uint32, "key")
    given = batch_inputs(batch)
    value, gradient, moved = loss_and_gradient(net, loss, theta, kept, given, key, penalty)
    new_theta, new_state = optimizer.update(theta, gradient, states, rate)
    inputs = [theta, *states.values(), *kept.values(), rate, key, *given.values()]
    outputs = [value, new_theta, *[new_state[name] for name in state], *moved.values()]
    names = ["theta", *[f"state {name}" for name in state], *moved]
    if key in set(needed(outputs)):
        outputs.append(key + NEXT)
        names.append("key")
    graph = _simplified(Graph(inputs, outputs), ())
    return Step(graph, dict(enumerate(names, start=1)))


@remembered
def _simplified(graph: Graph, names: Collection[str]) -> Graph:
    return graph.simplify()
