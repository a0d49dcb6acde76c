"""Prescriptions for networks: the start, the layers, their activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule.doctor.case import Case, copied, with_layers
from chainrule.doctor.finding import Prescription
from chainrule.nn.activations import activation_name
from chainrule.nn.layers import Activation, Dense, Dropout, Layer

if TYPE_CHECKING:
    from chainrule.doctor.probes.layers import Start


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


def another_start(seed: int) -> Prescription:
    """The same network started from another seed."""

    def change(case: Case) -> Case:
        return with_layers(case, list(case.network.layers), keep=False, seed=seed)

    return Prescription(f"fit(..., seed={seed}), or restarts=10 to have it done", change)


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


def with_hidden_layer(units: int) -> Prescription:
    """A hidden layer before the only one."""

    def change(case: Case) -> Case:
        layers = list(case.network.layers)
        layers.insert(last_dense(case.network.layers), Dense(units, "tanh"))
        return with_layers(case, layers, keep=False)

    return Prescription(f"Dense({units}, 'tanh') before the last layer", change)


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


def own_softmax_replaced() -> Prescription:
    """The library's softmax in the place of the user's own."""
    text = "Dense(units, 'softmax') as the last layer: it divides by the sum of each row"
    return Prescription(text, output_activation("softmax").change)


def milder_dropout() -> Prescription:
    """Dropout of a tenth."""

    def change(case: Case) -> Case:
        layers: list[Layer] = [
            Dropout(0.1) if isinstance(layer, Dropout) else layer for layer in case.network.layers
        ]
        return with_layers(case, layers, keep=True)

    return Prescription("cr.Dropout(0.1)", change)


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
