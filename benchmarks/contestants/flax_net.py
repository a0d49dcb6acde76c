"""Flax (nnx) with Optax, as its documentation trains: a compiled step on model and optimizer."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from contestants.stepping import loop
from work import Array, Data, Fresh, Model, Run, Work

ACTIVATIONS = {"sigmoid": nnx.sigmoid, "tanh": nnx.tanh, "relu": nnx.relu}
OPTIMIZERS = {"sgd": optax.sgd, "adam": optax.adam}


class Network(nnx.Module):  # type: ignore[misc]
    """Dense layers; gives logits."""

    def __init__(self, work: Work) -> None:
        model = work.net
        self.activation = ACTIVATIONS[model.hidden]
        pairs = zip(model.sizes, model.sizes[1:], strict=False)
        self.layers = nnx.List([nnx.Linear(n, m, rngs=nnx.Rngs(0)) for n, m in pairs])
        for layer, (W, b) in zip(self.layers, work.initial_parameters(), strict=True):
            layer.kernel, layer.bias = nnx.Param(jnp.asarray(W)), nnx.Param(jnp.asarray(b))

    def __call__(self, x: Any) -> Any:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


@cache
def compiled_step(model: Model) -> Any:
    def loss(net: Network, x: Any, t: Any) -> Any:
        if model.output == "sigmoid":
            return optax.sigmoid_binary_cross_entropy(net(x), t).mean()
        return optax.softmax_cross_entropy_with_integer_labels(net(x), t).mean()

    @nnx.jit
    def step(net: Network, optimizer: Any, X: Any, T: Any, rows: Any) -> Any:
        x, t = (X, T) if rows is None else (X[rows], T[rows])
        value, gradients = nnx.value_and_grad(loss)(net, x, t)
        optimizer.update(net, gradients)
        return value

    return step


@cache
def compiled_outputs(model: Model) -> Any:
    @nnx.jit
    def outputs(net: Network, x: Any) -> Any:
        return nnx.sigmoid(net(x)) if model.output == "sigmoid" else nnx.softmax(net(x))

    return outputs


def prepare(work: Work, data: Data) -> Fresh:
    """The data are on the device before the clock starts."""
    jax.config.update("jax_enable_x64", work.net.dtype == "float64")
    X = jnp.asarray(data.rows)
    T = jnp.asarray(work.net.targets(data.labels) if work.net.output == "sigmoid" else data.labels)

    def fresh() -> Run:
        net = Network(work)
        optimizer = nnx.Optimizer(net, OPTIMIZERS[work.net.optimizer](work.net.rate), wrt=nnx.Param)

        def step(rows: Array | None) -> Any:
            return compiled_step(work.net)(net, optimizer, X, T, rows)

        return Run(
            lambda: loop(work, len(X), step, lambda losses: float(jnp.mean(jnp.stack(losses)))),
            lambda rows: np.asarray(compiled_outputs(work.net)(net, rows)),
        )

    return fresh
