"""micrograd: one object for each number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from micrograd.engine import Value

from contestants.stepping import loop
from work import Array, Data, Fresh, Run, Work


def exp(z: Value) -> Value:
    """micrograd has no exponential: a Value with its derivative, as its author adds tanh."""
    out = Value(math.exp(z.data), (z,), "exp")

    def backward() -> None:
        z.grad += out.data * out.grad

    out._backward = backward
    return out


def log(z: Value) -> Value:
    out = Value(math.log(z.data), (z,), "log")

    def backward() -> None:
        z.grad += out.grad / z.data

    out._backward = backward
    return out


def tanh(z: Value) -> Value:
    out = Value(math.tanh(z.data), (z,), "tanh")

    def backward() -> None:
        z.grad += (1 - out.data**2) * out.grad

    out._backward = backward
    return out


def prepare(work: Work, data: Data) -> Fresh:
    """XOR only: two layers, tanh and sigmoid."""
    X, labels = data.rows.tolist(), data.labels.tolist()

    def fresh() -> Run:
        layers = [
            ([[Value(w) for w in column] for column in W.T.tolist()], [Value(v) for v in b])
            for W, b in work.initial_parameters()
        ]
        parameters = [v for W, b in layers for column in [*W, b] for v in column]

        def output(row: list[float]) -> Any:
            (W1, b1), (W2, b2) = layers
            hidden = [
                tanh(sum((w * x for w, x in zip(column, row, strict=True)), b))
                for column, b in zip(W1, b1, strict=True)
            ]
            z = sum((w * h for w, h in zip(W2[0], hidden, strict=True)), b2[0])
            return 1 / (1 + exp(-z))

        def step(rows: Array | None) -> float:
            total: Any = 0
            for row, label in zip(X, labels, strict=True):
                p = output(row)
                total = total - log(p if label else 1 - p)
            loss = total / len(X)
            for v in parameters:
                v.grad = 0
            loss.backward()
            for v in parameters:
                v.data -= work.net.rate * v.grad
            return float(loss.data)

        def predict(rows: Array) -> Array:
            return np.array([output(row).data for row in rows.tolist()])

        return Run(lambda: loop(work, len(X), step), predict)

    return fresh
