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


@dataclass(frozen=True)
class Layer:
    """A weight of (inputs, units), and the bias that goes with it if there is one."""

    weight: str
    bias: str | None


def chain(parameters: Parameters, inputs: int) -> tuple[Layer, ...]:
    """The layers in order, or none where the shapes do not follow each other.

    The weights are the arrays of two axes, in their order; each takes as many as the one before
    gives. A bias is the first array of as many numbers that no other layer has.
    """
    weights = [name for name, array in parameters.items() if array.ndim == 2]
    free = [name for name in parameters if name not in weights]
    layers, width = [], inputs
    for name in weights:
        if parameters[name].shape[0] != width:
            return ()
        width = parameters[name].shape[1]
        fitting = [b for b in free if parameters[b].size == width]
        after = list(parameters).index(name)
        # Biases stand after their weight, or all of them after all the weights.
        ahead = [b for b in fitting if list(parameters).index(b) > after] or fitting
        layers.append(Layer(name, ahead[0] if ahead else None))
        if ahead:
            free.remove(ahead[0])
    return tuple(layers)


def fresh(
    parameters: Parameters, seed: int, bias: float = 0.0, rectified: Collection[str] = ()
) -> Parameters:
    """Parameters of the same shapes: weights N(0, 1 / inputs), other arrays N(0, bias²).

    LeCun et al. 1998, Efficient BackProp; of the weights before rectifiers, whose names are
    ``rectified``, N(0, 2 / inputs), after He et al. 2015.
    """
    rng = np.random.default_rng(seed)
    found: Parameters = {}
    for name, array in parameters.items():
        drawn = rng.standard_normal(array.shape)
        gain = 2.0 if name in rectified else 1.0
        spread = np.sqrt(gain / array.shape[0]) if array.ndim == 2 else bias
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
            shape = tuple(wider if n == units else n for n in parameters[layer.bias].shape)
            found[layer.bias] = np.zeros(shape)
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
