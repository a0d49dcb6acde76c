"""Prescriptions: the repairs that experiments try, each a change of the case in one thing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.doctor.case import Case, copied, with_layers
from chainrule.doctor.finding import Prescription
from chainrule.graph.op import Array
from chainrule.nn.activations import activation_name
from chainrule.nn.layers import Activation, Dense, Dropout, Layer
from chainrule.nn.losses import NAMED

if TYPE_CHECKING:
    from chainrule.doctor.probes.layers import Start


def scaled_inputs() -> tuple[Prescription, Prescription]:
    """The two ways of scaling: each column by itself, or all by the same two numbers.

    The first is for tables. The second is for images, where a pixel that is nearly always the same
    would else be blown up to noise.
    """
    apart = (
        "mean, spread = X.mean(axis=0), X.std(axis=0); "
        "X = (X - mean) / np.where(spread > 0, spread, 1)   "
        "# and the same two arrays for every row that is predicted"
    )
    together = (
        "mean, spread = X.mean(), X.std(); X = (X - mean) / spread   "
        "# and the same two numbers for every row that is predicted"
    )
    return _scaled(apart, axis=0), _scaled(together, axis=None)


def _scaled(text: str, axis: int | None) -> Prescription:
    """X with mean 0 and spread 1, and the validation rows by the same numbers."""

    def change(case: Case) -> Case:
        X = np.asarray(case.X, np.float64)
        mean, spread = X.mean(axis=axis), X.std(axis=axis)
        spread = np.where(spread > 1e-6 * max(float(np.abs(X).max()), 1e-300), spread, 1.0)

        def scaled(rows: Any) -> Array:
            result: Array = (np.asarray(rows, np.float64) - mean) / spread
            return result

        held = case.validation and (scaled(case.validation[0]), case.validation[1])
        return replace(case, X=scaled(X), validation=held)

    return Prescription(text, change)


def fresh_starts(case: Case, starts: int = 3) -> tuple[Prescription, ...]:
    """Fresh weights from the case's own seed, and from others in case that one is unlucky."""
    return tuple(_fresh_weights(case.seed + i, bool(i)) for i in range(starts))


def _fresh_weights(seed: int, is_another: bool) -> Prescription:
    """All layers started by the initializers that suit their activations, biases at 0."""

    def change(case: Case) -> Case:
        layers = [
            replace(layer, weight_init=None, bias_init="zeros")
            if isinstance(layer, Dense)
            else layer
            for layer in case.network.layers
        ]
        return with_layers(case, layers, keep=False, seed=seed)

    return Prescription(
        "leave out weight_init= and bias_init=: Dense then starts as suits its activation"
        + (f"; and seed={seed}" if is_another else ""),
        change,
    )


def rescaled_weights(starts: Sequence[Start]) -> Prescription:
    """The very same weights, each layer's brought to the spread that suits it."""

    def change(case: Case) -> Case:
        net = copied(case.network)
        for start in starts:
            if start.ratio > 0:
                net.parameters[start.name] /= net.dtype.type(start.ratio)
        return replace(case, network=net)

    return Prescription(
        "leave out weight_init=: each layer's weights then start with the spread that suits it",
        change,
    )


def zero_biases() -> Prescription:
    """All biases at 0, the weights as they are."""

    def change(case: Case) -> Case:
        net = copied(case.network)
        for name, array in net.parameters.items():
            if name.startswith("b") and not name.startswith("beta"):
                array[...] = 0
        return replace(case, network=net)

    return Prescription("leave out bias_init=: biases then start at 0", change)


def another_rate(factor: float, now: float) -> Prescription:
    """The learning rate times ``factor``; it is ``now``."""

    def change(case: Case) -> Case:
        optimizer = copy.copy(case.optimizer)
        optimizer.learning_rate = case.optimizer.learning_rate * factor
        return replace(case, optimizer=optimizer)

    return Prescription(f"learning_rate={now * factor:.3g} instead of {now:.3g}", change)


def another_start(seed: int) -> Prescription:
    """The same network started from another seed."""

    def change(case: Case) -> Case:
        return with_layers(case, list(case.network.layers), keep=False, seed=seed)

    return Prescription(f"fit(..., seed={seed}), or restarts=10 to have it done", change)


def wider(factor: int, least: int) -> Prescription:
    """Every hidden layer with ``factor`` times its units, and at least ``least``."""

    def change(case: Case) -> Case:
        last = last_dense(case.network.layers)
        layers: list[Layer] = [
            replace(layer, units=max(least, layer.units * factor), weight_init=None)
            if isinstance(layer, Dense) and place != last
            else layer
            for place, layer in enumerate(case.network.layers)
        ]
        return with_layers(case, layers, keep=False)

    return Prescription(
        f"{factor} times as many units in the hidden layers, at least {least}", change
    )


def hidden_activation(name: str) -> Prescription:
    """The hidden layers with the activation ``name``, with the start that suits it."""

    def change(case: Case) -> Case:
        last = last_dense(case.network.layers)
        layers: list[Layer] = []
        for place, layer in enumerate(case.network.layers):
            if place < last and isinstance(layer, Dense):
                layer = replace(layer, activation=name, weight_init=None)
            if place < last and isinstance(layer, Activation):
                continue
            layers.append(layer)
        return with_layers(case, layers, keep=False)

    return Prescription(f"Dense(units, {name!r}) for the hidden layers", change)


def output_activation(name: str | None) -> Prescription:
    """The outputs by ``name`` and nothing else, the parameters as they are."""

    def change(case: Case) -> Case:
        last = last_dense(case.network.layers)
        layers = list(case.network.layers)
        final = layers[last]
        assert isinstance(final, Dense)
        layers[last] = replace(final, activation=name)
        kept = [
            layer
            for place, layer in enumerate(layers)
            if place <= last or not isinstance(layer, Activation)
        ]
        return with_layers(case, kept, keep=True)

    return Prescription(
        f"Dense(units, {name!r}) as the last layer, and no activation behind it", change
    )


def standard_loss(name: str) -> Prescription:
    """The library's own loss ``name``."""

    def change(case: Case) -> Case:
        net = copied(case.network)
        net.loss = NAMED[name]
        return replace(case, network=net, loss=NAMED[name])

    return Prescription(f"loss={name!r}", change)


def own_softmax_replaced() -> Prescription:
    """The library's softmax in the place of the user's own."""
    text = "Dense(units, 'softmax') as the last layer: it divides by the sum of each row"
    return Prescription(text, output_activation("softmax").change)


def standard_outputs(kind: str) -> Prescription:
    """The activation and the loss that belong to probabilities, or to classes."""
    activation, loss = {
        "classes": ("softmax", "cross_entropy"),
        "probability": ("sigmoid", "binary_cross_entropy"),
    }[kind]
    outputs, measured = output_activation(activation), standard_loss(loss)
    return Prescription(
        f"Dense(units, {activation!r}) as the last layer, and loss={loss!r}",
        lambda case: measured.change(outputs.change(case)),
    )


def shuffled_batches() -> Prescription:
    """Batches drawn anew in each epoch."""
    return Prescription(
        "shuffle the rows in every epoch (fit does it)", lambda case: replace(case, shuffle=True)
    )


def last_dense(layers: tuple[Layer, ...]) -> int:
    """The place of the last Dense; -1 where there is none."""
    return max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=-1)


def output_activations(layers: tuple[Layer, ...]) -> list[str]:
    """The names of the activations that the last sums go through, in order."""
    last = last_dense(layers)
    found = []
    for layer in layers[max(last, 0) :]:
        if isinstance(layer, Dense | Activation):
            spec = layer.activation if isinstance(layer, Dense) else layer.function
            name = activation_name(spec)
            if name not in (None, "linear"):
                found.append(str(name))
    return found


def finite_rows() -> Prescription:
    """Only the rows all of whose numbers are finite, in training and in validation."""

    def kept(X: Any, y: Any) -> tuple[Array, Array, Array]:
        numbers = [np.asarray(part, np.float64).reshape(len(X), -1) for part in (X, y)]
        rows: Array = np.array(np.isfinite(np.hstack(numbers)).all(axis=1))
        return np.asarray(X)[rows], np.asarray(y)[rows], rows

    def change(case: Case) -> Case:
        X, y, rows = kept(case.X, case.y)
        held = None if case.validation is None else kept(*case.validation)[:2]
        weight = case.sample_weight
        weight = None if weight is None else np.asarray(weight)[rows]
        return replace(case, X=X, y=y, validation=held, sample_weight=weight)

    return Prescription(
        "rows = np.isfinite(X).all(axis=1); X, y = X[rows], y[rows]   # or fill in what is missing",
        change,
    )


def reformed_targets(text: str, form: Callable[[Array], Array]) -> Prescription:
    """Targets in another form, in training and in validation."""

    def change(case: Case) -> Case:
        held = case.validation and (case.validation[0], form(np.asarray(case.validation[1])))
        return replace(case, y=form(np.asarray(case.y)), validation=held)

    return Prescription(text, change)


def validation_as_training(together: bool, times_more: float = 1.0) -> Prescription:
    """Validation brought to the mean and spread of the training rows.

    All columns ``together`` by the same two numbers, or each by its own. The spread of few rows is
    known to some percent only: ``times_more`` tries another.
    """

    def change(case: Case) -> Case:
        assert case.validation is not None
        X, held = np.asarray(case.X, np.float64), np.asarray(case.validation[0], np.float64)
        mean, spread = X.mean(axis=0), X.std(axis=0)
        there, width = held.mean(axis=0), held.std(axis=0)
        if together:
            times = _rms(spread) / max(_rms(width), 1e-300) * times_more
            scaled = held * times + float(np.mean(mean - there * times))
        else:
            scaled = (held - there) / np.where(width > 0, width, 1.0) * spread + mean
        return replace(case, validation=(scaled, case.validation[1]))

    return Prescription(
        "scale the rows of validation as those of X were, by the same numbers"
        + ("" if together else ", column by column"),
        change,
    )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def renumbered_classes(order: tuple[int, ...]) -> Prescription:
    """The classes of training by the numbers that validation gives them."""

    def change(case: Case) -> Case:
        y = np.asarray(case.y)
        if y.ndim == 2 and y.shape[1] == len(order):
            renumbered = np.zeros_like(y)
            renumbered[:, list(order)] = y
        else:
            renumbered = np.asarray(order)[y.astype(int)].astype(y.dtype)
        return replace(case, y=renumbered)

    return Prescription(
        f"y = np.array({list(order)})[y], so that training numbers the classes as validation does",
        change,
    )


def fewer_epochs(epochs: int) -> Prescription:
    """So many epochs and no more."""
    return Prescription(
        f"epochs={epochs}, or callbacks=[cr.EarlyStopping()], which keeps the best; more rows and "
        "fewer units help further",
        lambda case: replace(case, epochs=epochs),
    )


def standardised_targets() -> Prescription:
    """Targets with mean 0 and spread 1, and those of validation by the same numbers."""

    def change(case: Case) -> Case:
        y = np.asarray(case.y, np.float64)
        mean, spread = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1.0)
        held = case.validation and (case.validation[0], (case.validation[1] - mean) / spread)
        return replace(case, y=(y - mean) / spread, validation=held)

    return Prescription(
        "mean, spread = y.mean(), y.std(); y = (y - mean) / spread   "
        "# and predictions are net.predict(X) * spread + mean",
        change,
    )


def with_hidden_layer(units: int) -> Prescription:
    """A hidden layer before the only one."""

    def change(case: Case) -> Case:
        layers = list(case.network.layers)
        layers.insert(last_dense(case.network.layers), Dense(units, "tanh"))
        return with_layers(case, layers, keep=False)

    return Prescription(f"Dense({units}, 'tanh') before the last layer", change)


def optimizer_with(**settings: float | None) -> Prescription:
    """The optimizer with other settings."""

    def change(case: Case) -> Case:
        optimizer = copy.copy(case.optimizer)
        for name, value in settings.items():
            setattr(optimizer, name, value)
        return replace(case, optimizer=optimizer)

    return Prescription(", ".join(f"{name}={value}" for name, value in settings.items()), change)


def milder_dropout() -> Prescription:
    """Dropout of a tenth."""

    def change(case: Case) -> Case:
        layers: list[Layer] = [
            Dropout(0.1) if isinstance(layer, Dropout) else layer for layer in case.network.layers
        ]
        return with_layers(case, layers, keep=True)

    return Prescription("cr.Dropout(0.1)", change)


def more_epochs(times: int) -> Prescription:
    """So many times the epochs."""
    return Prescription(
        f"{times} times the epochs", lambda case: replace(case, epochs=case.epochs * times)
    )


def constant_rate() -> Prescription:
    """The same rate in all epochs."""
    return Prescription("leave out schedule=", lambda case: replace(case, schedule=None))
