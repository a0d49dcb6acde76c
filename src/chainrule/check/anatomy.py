"""Anatomy: which nodes of a recorded loss are the products, biases, samples and penalties.

A loss written in plain NumPy has no layers. What people mean by them is read off the graph: a
product is a matmul of something that depends on the data with something that is a parameter, seen
through transposes and reshapes; a bias is a parameter that is added, stretched along the samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.check.evidence import Array
from chainrule.check.replay import Replay
from chainrule.graph import Tensor
from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from

MOVES = ("reshape", "transpose", "index", "broadcast_to", "identity", "astype")


@dataclass(frozen=True, eq=False)
class Product:
    """A matmul ``node`` of a weight and something that depends on the data, ``input``.

    ``weight`` is the operand that came from the parameter ``name`` by moves alone.
    """

    node: Tensor
    name: str
    weight: Tensor
    input: Tensor


@dataclass(frozen=True, eq=False)
class Bias:
    """An addition ``node`` in which the parameter ``name``, perhaps moved, is the ``operand``.

    ``axes`` are those axes of the node along which it is stretched.
    """

    node: Tensor
    name: str
    operand: Tensor
    axes: tuple[int, ...]


class Anatomy:
    """What the parts of a recorded loss are.

    Attributes:
        products, biases: each use of a weight and of a bias, in the order of the forward pass.
        samples: the number of samples m; 1 if there is no telling.
        logits: the last node before the output's activation or the loss, where there is one.
        penalties: the terms of the loss that depend on parameters alone.
        data: the nodes on the way from a parameter to the output that depend on the data.
    """

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.data = _fed(replay)
        self.penalties = tuple(_penalties(replay, self.data))
        self.products = tuple(self._products())
        self.biases = tuple(self._biases())
        self.samples = self._samples()
        self.inner = replay.ancestors(*[product.input for product in self.products])
        self.logits = self._logits()

    def source(self, x: Tensor) -> Tensor:
        """What ``x`` is before transposes, reshapes and the like."""
        while came_from(x, *MOVES):
            x = x.inputs[0]
        return x

    def as_operand(self, product: Product, array: Array) -> Array:
        """An array like the parameter, moved as the parameter is on its way into the product."""
        moves = []
        node = product.weight
        while node not in self.replay.names:
            moves.append(node)
            node = node.inputs[0]
        for move in reversed(moves):
            assert move.op is not None
            rest = [self.replay.values[x] for x in move.inputs[1:]]
            array = np.asarray(move.op.value(np, array, *rest))
        return array

    def _products(self) -> Iterator[Product]:
        for node in self.replay.nodes:
            if not came_from(node, "matmul") or node not in self.data:
                continue
            for weight, other in (node.inputs, node.inputs[::-1]):
                name = self.replay.names.get(self.source(weight))
                if name is not None and self.source(other) not in self.replay.names:
                    yield Product(node, name, weight, other)
                    break

    def _biases(self) -> Iterator[Bias]:
        for node in self.replay.nodes:
            if not came_from(node, "add", "subtract") or node not in self.data:
                continue
            for operand, other in (node.inputs, node.inputs[::-1]):
                name = self.replay.names.get(self.source(operand))
                if name is not None and self.source(other) not in self.replay.names:
                    yield Bias(node, name, operand, _stretched(self.source(operand), node, operand))
                    break

    def _samples(self) -> int:
        counts: Counter[int] = Counter()
        for product in self.products:
            others = [i for i in range(product.node.ndim) if i not in _unit_axes(product)]
            size = 1
            for i in others:
                size *= product.node.shape[i]
            counts[size] += 1
        if not counts:
            for bias in self.biases:
                size = 1
                for i in bias.axes:
                    size *= bias.node.shape[i]
                counts[size] += 1
        return counts.most_common(1)[0][0] if counts else 1

    def _logits(self) -> Tensor | None:
        last = [p for p in self.products if p.node not in self.inner]
        if not last:
            return None
        node = last[-1].node
        while True:
            users = [user for user in self.replay.users[node] if user in self.data]
            if len(users) != 1 or not came_from(users[0], "add", "subtract", *MOVES):
                return node
            if came_from(users[0], "index") and users[0].size != node.size:
                return node
            others = [x for x in users[0].inputs if x is not node]
            if any(self.source(x) not in self.replay.names for x in others):
                return node
            node = users[0]

    def sample_axes(self, node: Tensor) -> tuple[int, ...]:
        """The axes of ``node`` along which the samples lie; none if there is no telling."""
        for product in self.products:
            if product.node.shape == node.shape:
                units = _unit_axes(product)
                return tuple(i for i in range(node.ndim) if i not in units)
        for bias in self.biases:
            if bias.node.shape == node.shape and bias.axes:
                return bias.axes
        return ()

    def after(self, node: Tensor) -> str:
        """The weight whose product is the nearest before ``node``, or nothing."""
        before = self.replay.ancestors(node)
        return next((p.name for p in reversed(self.products) if p.node in before), "")


def _unit_axes(product: Product) -> tuple[int, ...]:
    """The axes of a product that came from the weight."""
    node = product.node
    if product.weight is node.inputs[0]:
        return tuple(range(node.ndim - 2, node.ndim - 1)) if product.input.ndim > 1 else (0,)
    return (node.ndim - 1,)


def _stretched(parameter: Tensor, node: Tensor, operand: Tensor) -> tuple[int, ...]:
    shape = (1,) * (node.ndim - operand.ndim) + operand.shape
    if came_from(operand, "broadcast_to"):
        inner = operand.inputs[0]
        shape = (1,) * (node.ndim - inner.ndim) + inner.shape
    return tuple(
        i for i, (a, b) in enumerate(zip(shape, node.shape, strict=True)) if a == 1 and b != 1
    )


def _fed(replay: Replay) -> set[Tensor]:
    """The nodes on the way that depend on an array which is no parameter."""
    fed: set[Tensor] = set()
    for node in replay.nodes:
        is_data = node.op is CONSTANT and node.ndim > 0
        if is_data or any(x in fed for x in node.inputs):
            fed.add(node)
    if replay.output not in fed:  # data given as plain numbers
        return set(replay.leads) - set(replay.graph.inputs)
    return fed & replay.leads.keys()


def _penalties(replay: Replay, data: set[Tensor]) -> Iterator[Tensor]:
    """The largest terms of the loss that depend on parameters alone."""
    stack = [replay.output]
    while stack:
        node = stack.pop()
        if node not in replay.leads:
            continue
        if node not in data:
            if node.op is not None and node.size == 1:
                yield node
            continue
        if came_from(node, "add", "subtract", "multiply", "divide", "negative", *MOVES):
            stack.extend(node.inputs)
