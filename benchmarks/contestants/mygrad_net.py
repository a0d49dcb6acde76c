"""MyGrad: tensors that record, backward, and the update in NumPy."""

from __future__ import annotations

from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.losses import softmax_crossentropy

from contestants import tape
from work import Array, Data, Fresh, Work

ACTIVATIONS = {"sigmoid": sigmoid, "tanh": mg.tanh, "relu": relu}


def prepare(work: Work, data: Data) -> Fresh:
    """Its own softmax_crossentropy; the binary one from logits, so that no log meets a zero."""
    hidden, binary = ACTIVATIONS[work.net.hidden], work.net.output == "sigmoid"

    def logits(parameters: Any, x: Any) -> Any:
        for W, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            x = hidden(mg.matmul(x, W) + b)
        return mg.matmul(x, parameters[-2]) + parameters[-1]

    def gradient(parameters: list[Array], x: Array, t: Array) -> tuple[Any, list[Array]]:
        leaves = [mg.tensor(p, copy=False) for p in parameters]
        z = logits(leaves, x)
        loss = mg.mean(mg.logaddexp(0, z) - z * t) if binary else softmax_crossentropy(z, t)
        loss.backward()
        return loss.data, [leaf.grad for leaf in leaves]

    def outputs(parameters: list[Array], rows: Array) -> Array:
        with mg.no_autodiff:
            z = logits(parameters, rows).data
        if binary:
            return 1 / (1 + np.exp(-z))
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    targets = work.net.targets(data.labels) if binary else data.labels
    return tape.prepare(work, data, targets, gradient, outputs)
