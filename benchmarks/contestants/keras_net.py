"""Keras on JAX: compile and fit. Not for float64: its Dense computed in float32 all the same."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np

from work import Array, Data, Fresh, Model, Run, Work

FEW = 100
LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "sparse_categorical_crossentropy"}
OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    # Keras has 1e-7 there, the others 1e-8.
    "adam": lambda rate: keras.optimizers.Adam(rate, epsilon=1e-8),
}


@cache
def network(model: Model) -> keras.Sequential:
    """The model, compiled by its first fit; made once, since that takes seconds."""
    jax.config.update("jax_enable_x64", model.dtype == "float64")
    keras.config.set_floatx(model.dtype)
    activations = [model.hidden] * (len(model.sizes) - 2) + [model.output]
    pairs = zip(model.sizes[1:], activations, strict=True)
    net = keras.Sequential(
        [
            keras.Input((model.sizes[0],)),
            *(keras.layers.Dense(units, activation=activation) for units, activation in pairs),
        ]
    )
    net.compile(optimizer=OPTIMIZERS[model.optimizer](model.rate), loss=LOSSES[model.output])
    return net


def prepare(work: Work, data: Data) -> Fresh:
    """The numbers of the one model are put back; it shuffles by itself."""
    net = network(work.net)
    targets = work.net.targets(data.labels) if work.net.output == "sigmoid" else data.labels

    def train() -> Any:
        return net.fit(
            data.rows,
            targets,
            batch_size=work.batch or len(data.rows),
            epochs=work.epochs,
            shuffle=work.batch is not None,
            verbose=0,
        ).history["loss"]

    def predict(rows: Array) -> Array:
        # For a few rows, calling the model is what its documentation advises.
        if len(rows) <= FEW:
            return np.asarray(net(rows))
        return np.asarray(net.predict(rows, verbose=0, batch_size=1000))

    def fresh() -> Run:
        net.set_weights([a for W, b in work.initial_parameters() for a in (W, b)])
        for variable in net.optimizer.variables:
            if variable is not net.optimizer.learning_rate:
                variable.assign(np.zeros(variable.shape))
        return Run(train, predict)

    return fresh
