"""autograd: a loss written in its NumPy, value_and_grad, and the update in NumPy."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad

from contestants import tape
from work import Array, Data, Fresh, Work

ACTIVATIONS = {
    "sigmoid": lambda z: 0.5 * (anp.tanh(0.5 * z) + 1),
    "tanh": anp.tanh,
    "relu": lambda z: anp.maximum(z, 0),
}


def prepare(work: Work, data: Data) -> Fresh:
    """Losses from logits, so that no logarithm meets a zero."""
    hidden, binary = ACTIVATIONS[work.net.hidden], work.net.output == "sigmoid"

    def logits(parameters: Any, x: Any) -> Any:
        for W, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            x = hidden(anp.dot(x, W) + b)
        return anp.dot(x, parameters[-2]) + parameters[-1]

    @value_and_grad
    def gradient(parameters: Any, x: Array, t: Array) -> Any:
        z = logits(parameters, x)
        if binary:
            return anp.mean(anp.logaddexp(0, z) - z * t)
        top = z - anp.max(z, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(top), axis=1)) - anp.sum(top * t, axis=1))

    def outputs(parameters: list[Array], rows: Array) -> Array:
        z = logits(parameters, rows)
        if binary:
            return 1 / (1 + np.exp(-z))
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    return tape.prepare(work, data, work.net.targets(data.labels), gradient, outputs)
