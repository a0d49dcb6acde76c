"""Equinox with Optax: a filtered, compiled step on a model that is a pytree."""

from __future__ import annotations

from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from contestants.stepping import loop
from work import Array, Data, Fresh, Model, Run, Work

ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}
OPTIMIZERS = {"sgd": optax.sgd, "adam": optax.adam}


def network(work: Work) -> Any:
    """An MLP that gives logits, with the workload's first parameters."""
    sizes = work.net.sizes
    net = eqx.nn.MLP(
        sizes[0],
        sizes[-1],
        sizes[1],
        len(sizes) - 2,
        activation=ACTIVATIONS[work.net.hidden],
        key=jax.random.key(0),
    )
    layers = work.initial_parameters()
    values = [jnp.asarray(a) for W, b in layers for a in (W.T, b)]
    return eqx.tree_at(
        lambda tree: [a for layer in tree.layers for a in (layer.weight, layer.bias)], net, values
    )


@cache
def compiled_step(model: Model) -> Any:
    optimizer = OPTIMIZERS[model.optimizer](model.rate)

    @eqx.filter_value_and_grad
    def loss(net: Any, x: Any, t: Any) -> Any:
        logits = jax.vmap(net)(x)
        if model.output == "sigmoid":
            return optax.sigmoid_binary_cross_entropy(logits, t).mean()
        return optax.softmax_cross_entropy_with_integer_labels(logits, t).mean()

    @eqx.filter_jit
    def step(net: Any, state: Any, X: Any, T: Any, rows: Any) -> Any:
        x, t = (X, T) if rows is None else (X[rows], T[rows])
        value, gradients = loss(net, x, t)
        updates, state = optimizer.update(gradients, state, net)
        return eqx.apply_updates(net, updates), state, value

    return step


@cache
def compiled_outputs(model: Model) -> Any:
    @eqx.filter_jit
    def outputs(net: Any, x: Any) -> Any:
        logits = jax.vmap(net)(x)
        return jax.nn.sigmoid(logits) if model.output == "sigmoid" else jax.nn.softmax(logits)

    return outputs


def prepare(work: Work, data: Data) -> Fresh:
    """The data are on the device before the clock starts."""
    jax.config.update("jax_enable_x64", work.net.dtype == "float64")
    X = jnp.asarray(data.rows)
    T = jnp.asarray(work.net.targets(data.labels) if work.net.output == "sigmoid" else data.labels)

    def fresh() -> Run:
        net = network(work)
        optimizer = OPTIMIZERS[work.net.optimizer](work.net.rate)
        state = optimizer.init(eqx.filter(net, eqx.is_inexact_array))

        def step(rows: Array | None) -> Any:
            nonlocal net, state
            net, state, value = compiled_step(work.net)(net, state, X, T, rows)
            return value

        return Run(
            lambda: loop(work, len(X), step, lambda losses: float(jnp.mean(jnp.stack(losses)))),
            lambda rows: np.asarray(compiled_outputs(work.net)(net, rows)),
        )

    return fresh
