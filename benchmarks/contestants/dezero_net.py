"""DeZero: variables, its own losses and its own optimizers.

It was written for a NumPy that still had ``np.int``, which is given back to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

if not hasattr(np, "int"):
    np.int = int  # type: ignore[attr-defined]

import dezero
from dezero import functions, layers, optimizers

from contestants.stepping import loop
from work import Array, Data, Fresh, Run, Work

ACTIVATIONS = {"sigmoid": functions.sigmoid, "tanh": functions.tanh, "relu": functions.relu}


def prepare(work: Work, data: Data) -> Fresh:
    """A Model of Linear layers; XOR's loss from the probabilities, as it has no other."""
    binary = work.net.output == "sigmoid"
    X = data.rows
    T = work.net.targets(data.labels) if binary else data.labels
    hidden = ACTIVATIONS[work.net.hidden]

    class Network(dezero.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.linear = []
            for i, (W, b) in enumerate(work.initial_parameters()):
                layer = layers.Linear(W.shape[1], in_size=W.shape[0], dtype=W.dtype)
                layer.W.data, layer.b.data = W, b
                setattr(self, f"layer{i}", layer)
                self.linear.append(layer)

        def forward(self, x: Any) -> Any:
            for layer in self.linear[:-1]:
                x = hidden(layer(x))
            return self.linear[-1](x)

    def fresh() -> Run:
        net = Network()
        rate = work.net.rate
        made = optimizers.Adam(rate) if work.net.optimizer == "adam" else optimizers.SGD(rate)
        optimizer = made.setup(net)

        def step(rows: Array | None) -> Array:
            x, t = (X, T) if rows is None else (X[rows], T[rows])
            z = net(x)
            if binary:
                p = functions.sigmoid(z)
                loss = functions.sum(
                    -(t * functions.log(p) + (1 - t) * functions.log(1 - p))
                ) / len(x)
            else:
                loss = functions.softmax_cross_entropy(z, t)
            net.cleargrads()
            loss.backward()
            optimizer.update()
            value: Array = loss.data
            return value

        def predict(rows: Array) -> Array:
            with dezero.no_grad():
                z = net(rows)
                outputs: Array = (functions.sigmoid(z) if binary else functions.softmax(z)).data
            return outputs

        return Run(lambda: loop(work, len(X), step), predict)

    return fresh
