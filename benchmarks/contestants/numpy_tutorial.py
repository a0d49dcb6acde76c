"""NumPy by hand, as tutorials have it: one formula a line, a fresh array for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from contestants.stepping import loop
from work import ADAM, Array, Data, Fresh, Run, Work

Function = Callable[..., Any]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def relu(z: Array) -> Array:
    return np.maximum(z, 0)


# Each hidden activation with its derivative, written from the activation's own value.
HIDDEN: dict[str, tuple[Function, Function]] = {
    "sigmoid": (sigmoid, lambda h: h * (1 - h)),
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "relu": (relu, lambda h: h > 0),
}


def binary_cross_entropy(p: Array, t: Array) -> Array:
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p), axis=(-2, -1))


def cross_entropy(p: Array, t: Array) -> Array:
    return -np.mean(np.sum(t * np.log(p), axis=-1), axis=-1)


OUTPUT: dict[str, tuple[Function, Function]] = {
    "sigmoid": (sigmoid, binary_cross_entropy),
    "softmax": (softmax, cross_entropy),
}


class Network:
    """Dense layers: W and b of each, with a leading axis of networks where there are many."""

    def __init__(self, work: Work, weights: list[Array], biases: list[Array]) -> None:
        self.W, self.b = weights, biases
        self.rate = work.net.rate
        self.adam = work.net.optimizer == "adam"
        self.activation, self.slope = HIDDEN[work.net.hidden]
        self.output, self.loss = OUTPUT[work.net.output]
        self.m = [np.zeros_like(p) for p in self.parameters()]
        self.v = [np.zeros_like(p) for p in self.parameters()]
        self.steps = 0

    def parameters(self) -> list[Array]:
        return [*self.W, *self.b]

    def forward(self, x: Array) -> list[Array]:
        values = [x]
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            values.append(self.activation(values[-1] @ W + b))
        return [*values, self.output(values[-1] @ self.W[-1] + self.b[-1])]

    def step(self, x: Array, t: Array) -> Array:
        values = self.forward(x)
        p = values.pop()
        dz = (p - t) / len(x)
        dW, db = [], []
        for i in reversed(range(len(self.W))):
            h = values[i]
            dW.insert(0, h.swapaxes(-1, -2) @ dz)
            db.insert(0, dz.sum(axis=-2, keepdims=dz.ndim == 3))
            if i > 0:
                dz = dz @ self.W[i].swapaxes(-1, -2) * self.slope(h)
        self.update(dW + db)
        return self.loss(p, t)

    def update(self, gradients: list[Array]) -> None:
        self.steps += 1
        b1, b2 = ADAM["beta1"], ADAM["beta2"]
        for i, (p, g) in enumerate(zip(self.parameters(), gradients, strict=True)):
            if not self.adam:
                p -= self.rate * g
                continue
            self.m[i] = b1 * self.m[i] + (1 - b1) * g
            self.v[i] = b2 * self.v[i] + (1 - b2) * g**2
            m = self.m[i] / (1 - b1**self.steps)
            v = self.v[i] / (1 - b2**self.steps)
            p -= self.rate * m / (np.sqrt(v) + ADAM["epsilon"])


def training(work: Work, data: Data, network: Network) -> Run:
    """The loop around the network's step."""
    X, T = data.rows, work.net.targets(data.labels)

    def step(rows: Array | None) -> Array:
        return network.step(X, T) if rows is None else network.step(X[rows], T[rows])

    mean = np.mean if work.networks == 1 else lambda losses: np.mean(losses, axis=0)
    return Run(lambda: loop(work, len(X), step, mean), lambda rows: network.forward(rows)[-1])


def prepare(work: Work, data: Data) -> Fresh:
    """One network."""

    def fresh() -> Run:
        layers = work.initial_parameters()
        return training(work, data, Network(work, [W for W, _ in layers], [b for _, b in layers]))

    return fresh


def prepare_many(work: Work, data: Data) -> Fresh:
    """All networks in one stack: the same lines, with one axis more in front."""

    def fresh() -> Run:
        seeds = range(work.seed, work.seed + work.networks)
        layers = list(zip(*map(work.net.initial_parameters, seeds), strict=True))
        weights = [np.stack([W for W, _ in layer]) for layer in layers]
        biases = [np.stack([b[None] for _, b in layer]) for layer in layers]
        return training(work, data, Network(work, weights, biases))

    return fresh
