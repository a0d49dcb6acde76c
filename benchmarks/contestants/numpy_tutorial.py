"""NumPy by hand, as tutorials have it: one formula a line, a fresh array for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from contestants import Training
from workloads import Array, Data, Workload

Function = Callable[..., Any]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# Each hidden activation with its derivative, written from the activation's own value.
HIDDEN: dict[str, tuple[Function, Function]] = {
    "sigmoid": (sigmoid, lambda h: h * (1 - h)),
    "tanh": (np.tanh, lambda h: 1 - h**2),
}


def binary_cross_entropy(p: Array, t: Array) -> Array:
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def cross_entropy(p: Array, t: Array) -> Array:
    return -np.mean(np.sum(t * np.log(p), axis=1))


OUTPUT: dict[str, tuple[Function, Function]] = {
    "sigmoid": (sigmoid, binary_cross_entropy),
    "softmax": (softmax, cross_entropy),
}


def prepare(work: Workload, data: Data, epochs: int) -> Training:
    """Two layers, W1 b1 W2 b2, updated in place so that predict sees them."""
    (W1, b1), (W2, b2) = work.initial_parameters()
    activation, slope = HIDDEN[work.hidden]
    output, loss_of = OUTPUT[work.output]
    X, T = data.rows, targets(work, data.labels)
    rng = np.random.default_rng(work.seed)

    def step(x: Array, t: Array) -> Array:
        nonlocal W1, b1, W2, b2
        h = activation(x @ W1 + b1)
        p = output(h @ W2 + b2)
        dz2 = (p - t) / len(x)
        dz1 = dz2 @ W2.T * slope(h)
        W2 -= work.rate * (h.T @ dz2)
        b2 -= work.rate * dz2.sum(axis=0)
        W1 -= work.rate * (x.T @ dz1)
        b1 -= work.rate * dz1.sum(axis=0)
        return loss_of(p, t)

    def train() -> list[float]:
        losses = []
        for _ in range(epochs):
            if work.batch is None:
                losses.append(float(step(X, T)))
                continue
            order = rng.permutation(len(X))
            starts = range(0, len(X), work.batch)
            batches = (order[start : start + work.batch] for start in starts)
            losses.append(float(np.mean([step(X[rows], T[rows]) for rows in batches])))
        return losses

    def predict(rows: Array) -> Array:
        return output(activation(rows @ W1 + b1) @ W2 + b2)

    return Training(train, predict)


def targets(work: Workload, labels: Array) -> Array:
    """A column of 0 and 1 for a sigmoid output, one-hot rows for a softmax."""
    if work.output == "sigmoid":
        return labels.astype(work.dtype).reshape(-1, 1)
    return np.eye(work.sizes[-1], dtype=work.dtype)[labels]
