"""JAX by hand: a compiled step for each batch, or a compiled scan over all steps of an epoch."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from contestants.stepping import loop
from work import ADAM, Array, Data, Fresh, Model, Run, Work

ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}


def logits(model: Model, parameters: Any, x: Any) -> Any:
    for W, b in parameters[:-1]:
        x = ACTIVATIONS[model.hidden](x @ W + b)
    W, b = parameters[-1]
    return x @ W + b


def loss(model: Model, parameters: Any, x: Any, t: Any) -> Any:
    z = logits(model, parameters, x)
    if model.output == "sigmoid":
        return jnp.mean(jnp.maximum(z, 0) - z * t + jnp.log1p(jnp.exp(-jnp.abs(z))))
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], axis=1))


def update(model: Model, state: Any, x: Any, t: Any) -> tuple[Any, Any]:
    """One step: (parameters, optimizer state) to the next, and the loss."""
    parameters, moments = state
    value, gradients = jax.value_and_grad(partial(loss, model))(parameters, x, t)
    if model.optimizer == "sgd":
        stepped = jax.tree.map(lambda p, g: p - model.rate * g, parameters, gradients)
        return (stepped, moments), value
    first, second, count = moments
    b1, b2 = ADAM["beta1"], ADAM["beta2"]
    count = count + 1
    first = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, second, gradients)
    scale = model.rate / (1 - b1**count)
    root = 1 / (1 - b2**count)
    stepped = jax.tree.map(
        lambda p, m, v: p - scale * m / (jnp.sqrt(v * root) + ADAM["epsilon"]),
        parameters,
        first,
        second,
    )
    return (stepped, (first, second, count)), value


def start(work: Work) -> Any:
    """First parameters and optimizer state."""
    parameters = [(jnp.asarray(W), jnp.asarray(b)) for W, b in work.initial_parameters()]
    if work.net.optimizer == "sgd":
        return parameters, ()
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return parameters, (zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), "float32"))


@cache
def compiled_step(model: Model) -> Any:
    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, X: Any, T: Any, rows: Any) -> Any:
        return update(model, state, *((X, T) if rows is None else (X[rows], T[rows])))

    return step


@cache
def compiled_scan(model: Model) -> Any:
    @partial(jax.jit, donate_argnums=0, static_argnames="epochs")
    def scan(state: Any, X: Any, T: Any, batches: Any, epochs: int) -> Any:
        if batches is None:
            return lax.scan(lambda s, _: update(model, s, X, T), state, None, length=epochs)
        return lax.scan(lambda s, rows: update(model, s, X[rows], T[rows]), state, batches)

    return scan


@cache
def compiled_outputs(model: Model) -> Any:
    @jax.jit
    def outputs(parameters: Any, x: Any) -> Any:
        z = logits(model, parameters, x)
        return jax.nn.sigmoid(z) if model.output == "sigmoid" else jax.nn.softmax(z)

    return outputs


def prepare(work: Work, data: Data, *, scan: bool = False) -> Fresh:
    """Compiled before the clock starts; the data are on the device."""
    jax.config.update("jax_enable_x64", work.net.dtype == "float64")
    X = jnp.asarray(data.rows)
    T = jnp.asarray(work.net.targets(data.labels) if work.net.output == "sigmoid" else data.labels)
    whole = ahead(work, X, T) if scan else None

    def fresh() -> Run:
        state = start(work)

        def train() -> Any:
            if whole is not None:
                return scanned()
            return loop(work, len(X), step, lambda losses: float(jnp.mean(jnp.stack(losses))))

        def step(rows: Array | None) -> Any:
            nonlocal state
            state, value = compiled_step(work.net)(state, X, T, rows)
            return value

        def scanned() -> Any:
            nonlocal state
            if work.batch is None:
                state, values = whole(state, X, T, None)
                return np.asarray(values)
            means = []
            for batches in work.orders(len(X)):
                full = [rows for rows in batches if len(rows) == work.batch]
                state, values = whole(state, X, T, np.stack(full).astype(np.int32))
                for rows in batches[len(full) :]:
                    state, _ = compiled_step(work.net)(state, X, T, rows)
                means.append(float(jnp.mean(values)))
            return means

        return Run(train, lambda rows: np.asarray(compiled_outputs(work.net)(state[0], rows)))

    return fresh


def ahead(work: Work, X: Any, T: Any) -> Any:
    """The scan, compiled for the whole work."""
    scan = compiled_scan(work.net)
    if work.batch is None:
        return scan.lower(start(work), X, T, None, epochs=work.epochs).compile()
    whole = min(len(X) // work.batch, work.steps or len(X))
    batches = np.zeros((whole, work.batch), np.int32)
    return scan.lower(start(work), X, T, batches, epochs=1).compile()


def prepare_many(work: Work, data: Data, *, scan: bool = True) -> Fresh:
    """All networks by vmap of the update, all epochs in one scan."""
    jax.config.update("jax_enable_x64", work.net.dtype == "float64")
    X, T = jnp.asarray(data.rows), jnp.asarray(work.net.targets(data.labels))
    each = jax.vmap(partial(update, work.net), in_axes=(0, None, None))

    @partial(jax.jit, donate_argnums=0)
    def train(states: Any) -> Any:
        return lax.scan(lambda s, _: each(s, X, T), states, None, length=work.epochs)

    def starts() -> Any:
        seeds = range(work.seed, work.seed + work.networks)
        layers = zip(*map(work.net.initial_parameters, seeds), strict=True)
        stacked = [tuple(jnp.stack(kind) for kind in zip(*layer, strict=True)) for layer in layers]
        return stacked, ()

    compiled = train.lower(starts()).compile()
    outputs = jax.jit(
        jax.vmap(lambda p, x: jax.nn.sigmoid(logits(work.net, p, x)), in_axes=(0, None))
    )

    def fresh() -> Run:
        states = starts()

        def run() -> Any:
            nonlocal states
            states, values = compiled(states)
            return np.asarray(values)

        return Run(run, lambda rows: np.asarray(outputs(states[0], rows)))

    return fresh
