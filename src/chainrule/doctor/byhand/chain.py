"""The chain of layers that the shapes of parameters tell, and fresh numbers for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from chainrule.doctor.byhand.program import Parameters
from chainrule.graph.op import Array

#: Hidden units that are taken for many enough, and the factor by which a layer is widened.
MANY, FACTOR = 32, 8
#: From this on, in units of 1/√inputs, a start is too wide. Usual ones have 0.6 (uniform, LeCun) to
#: 1.4 (He et al. 2015).
WIDE = 2.5
#: Ways to read arrays of one row, as weights or as biases, that are followed.
MOST_READINGS = 64


@dataclass(frozen=True)
class Layer:
    """A weight of (inputs, units), and the bias that goes with it if there is one."""

    weight: str
    bias: str | None


def chain(parameters: Parameters, inputs: int) -> tuple[Layer, ...]:
    """The layers in order, or none where the shapes do not follow each other.

    The weights are arrays of two axes, in their order; each takes as many as the one before gives.
    A bias is the first array of as many numbers that no other layer has: of shape (units,), or
    (1, units) as a sum with ``keepdims=True`` has it. Where an array of one row could be either,
    every layer is to have a bias and every array a place.
    """
    places = list(parameters)
    best: tuple[Layer, ...] = ()
    least = (len(parameters) + 1, 0)
    for weights in _weights(parameters, inputs):
        layers = _with_biases(parameters, weights)
        left = [name for name in parameters if name not in _names(layers)]
        if any(parameters[name].ndim == 2 for name in left):
            continue  # an array of two axes that is neither breaks the chain
        bare = sum(layer.bias is None for layer in layers)
        early = sum(
            layer.bias is not None and places.index(layer.bias) < places.index(layer.weight)
            for layer in layers
        )
        if (bare + len(left), early) < least:
            best, least = layers, (bare + len(left), early)
    return best


def _weights(parameters: Parameters, inputs: int) -> list[list[str]]:
    """The ways to take arrays of two axes for the weights of a chain, the likely one first."""
    found: list[tuple[list[str], int]] = [([], inputs)]
    for name, array in parameters.items():
        if array.ndim != 2:
            continue
        longer: list[tuple[list[str], int]] = []
        for weights, width in found:
            as_weight = [([*weights, name], array.shape[1])] if array.shape[0] == width else []
            as_bias = [(weights, width)] if array.shape[0] == 1 else []
            is_next = bool(weights) and array.shape[1] == width
            longer += as_bias + as_weight if is_next else as_weight + as_bias
        found = longer[:MOST_READINGS]
    return [weights for weights, _ in found]


def _with_biases(parameters: Parameters, weights: list[str]) -> tuple[Layer, ...]:
    places = list(parameters)
    free = [name for name in places if name not in weights and _is_row(parameters[name])]
    layers = []
    for name in weights:
        fitting = [b for b in free if parameters[b].size == parameters[name].shape[1]]
        # Biases stand after their weight, or all of them after all the weights.
        ahead = [b for b in fitting if places.index(b) > places.index(name)] or fitting
        layers.append(Layer(name, ahead[0] if ahead else None))
        if ahead:
            free.remove(ahead[0])
    return tuple(layers)


def _is_row(array: Array) -> bool:
    return array.ndim != 2 or array.shape[0] == 1


def _names(layers: tuple[Layer, ...]) -> set[str]:
    return {n for layer in layers for n in (layer.weight, layer.bias) if n is not None}


def weights(parameters: Parameters, layers: tuple[Layer, ...]) -> set[str]:
    """The names of the weights: those of the layers, or of all arrays of two axes where none are.

    Without a chain, an array of one row right after one of as many columns is its bias.
    """
    if layers:
        return {layer.weight for layer in layers}
    found, columns = set(), 0
    for name, array in parameters.items():
        if array.ndim == 2:
            if array.shape != (1, columns):
                found.add(name)
            columns = array.shape[1]
    return found


def fresh(
    parameters: Parameters, layers: tuple[Layer, ...], seed: int, bias: float = 0.0,
    rectified: Collection[str] = (),
) -> Parameters:  # fmt: skip
    """Parameters of the same shapes: weights N(0, 1 / inputs), other arrays N(0, bias²).

    LeCun et al. 1998, Efficient BackProp; of the weights before rectifiers, whose names are
    ``rectified``, N(0, 2 / inputs), after He et al. 2015.
    """
    rng = np.random.default_rng(seed)
    wide = weights(parameters, layers)
    found: Parameters = {}
    for name, array in parameters.items():
        drawn = rng.standard_normal(array.shape)
        gain = 2.0 if name in rectified else 1.0
        spread = np.sqrt(gain / array.shape[0]) if name in wide else bias
        dtype = array.dtype if array.dtype.kind == "f" else np.float64
        found[name] = (drawn * spread).astype(dtype)
    return found


def redrawn(parameters: Parameters, seed: int) -> Parameters:
    """Other random numbers where there were random ones, with the same spread."""
    rng = np.random.default_rng(seed)
    found: Parameters = {}
    for name, array in parameters.items():
        spread = float(np.std(array.astype(np.float64)))
        new = array + 0.0 if spread == 0 else rng.normal(float(array.mean()), spread, array.shape)
        found[name] = np.asarray(new, array.dtype if array.dtype.kind == "f" else np.float64)
    return found


def widened(parameters: Parameters, layers: tuple[Layer, ...], seed: int) -> Parameters:
    """Every hidden layer with more units, all weights drawn afresh."""
    rng = np.random.default_rng(seed)
    found: Parameters = dict(parameters)
    width = parameters[layers[0].weight].shape[0]
    for place, layer in enumerate(layers):
        units = parameters[layer.weight].shape[1]
        wider = units if place == len(layers) - 1 else max(MANY, FACTOR * units)
        found[layer.weight] = rng.standard_normal((width, wider)) * np.sqrt(1 / width)
        if layer.bias is not None:
            shape = parameters[layer.bias].shape
            found[layer.bias] = np.zeros((*shape[:-1], wider) if shape else ())
        width = wider
    return found


@dataclass(frozen=True)
class Spread:
    """The spread of a weight in units of 1/√inputs, where 1 or 1.4 is usual."""

    weight: str
    times: float

    def __str__(self) -> str:
        return f"the weights of {self.weight} have {self.times:.3g} times the spread of 1/√inputs"


def spreads(parameters: Parameters, layers: tuple[Layer, ...]) -> tuple[Spread, ...]:
    """The spread of each layer's weight."""
    sizes: dict[str, Array] = {layer.weight: parameters[layer.weight] for layer in layers}
    return tuple(Spread(name, float(w.std() * np.sqrt(w.shape[0]))) for name, w in sizes.items())
