"""Layers: the start of each layer's parameters, and what its units do on the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.graph.apply import constant
from chainrule.graph.op import Array
from chainrule.nn.activations import activation_name
from chainrule.nn.initializers import default_for, fans, initializer
from chainrule.nn.layers import Activation, Dense, Layer, Mode
from chainrule.nn.sequential import Sequential

#: Two units count as one where their outputs differ by less than this part of their size.
SAME = 1e-6
#: A unit is saturated where its activation's slope is below this part of the largest.
FLAT = 0.02


@dataclass(frozen=True)
class Start:
    """How the parameters of a Dense layer start.

    Attributes:
        name: of the weights, such as "W1".
        ratio: their spread beside that of the initializer that suits the layer.
        is_zero: all weights are 0; is_constant: all are one number.
        lowest_bias, largest_bias: the lowest bias, and the largest without its sign.
        size: how many weights there are.
    """

    name: str
    place: int
    activation: str | None
    std: float
    ratio: float
    is_zero: bool
    is_constant: bool
    lowest_bias: float
    largest_bias: float
    size: int


@dataclass(frozen=True)
class Units:
    """What the units of a layer do on some rows.

    Attributes:
        place: of the layer in the network, from 0. is_hidden: it does not give the outputs.
        size: root mean square of the outputs.
        duplicates: share of units that do what another one does.
        dead: share of units that are 0 on every row. saturated: share of outputs at their end.
    """

    place: int
    activation: str | None
    is_hidden: bool
    size: float
    duplicates: float
    dead: float
    saturated: float
    outputs: Array


def starts(net: Sequential) -> list[Start]:
    """The start of each Dense layer of ``net``."""
    found = []
    for place, (layer, _, parameters) in enumerate(net.shapes()):
        if not isinstance(layer, Dense):
            continue
        weight, bias = parameters.items()
        name = _follows(net.layers, place)
        usual = _usual_std(name, weight[1].shape)
        std = float(np.sqrt(np.mean(weight[1].astype(np.float64) ** 2)))
        found.append(
            Start(
                weight[0], place, name, std, std / usual,
                not weight[1].any(), bool(np.ptp(weight[1]) == 0) and weight[1].size > 1,
                float(bias[1].min()), float(np.abs(bias[1]).max()), weight[1].size,
            )
        )  # fmt: skip
    return found


def _follows(layers: tuple[Layer, ...], place: int) -> str | None:
    """The activation that a Dense layer's sums go through: its own or that of a layer behind."""
    for layer in layers[place:]:
        if isinstance(layer, Dense):
            if layer is not layers[place]:
                return None
            name = activation_name(layer.activation)
        elif isinstance(layer, Activation):
            name = activation_name(layer.function)
        else:
            continue
        if name not in (None, "linear"):
            return name
    return None


def _usual_std(activation: str | None, shape: tuple[int, ...]) -> float:
    """The spread of the initializer that the library itself would have chosen."""
    draw = initializer(default_for(activation, shape[-1]))
    sample = draw((max(64, shape[0]), max(64, shape[1])), np.random.default_rng(0))
    wide = fans((max(64, shape[0]), max(64, shape[1])))
    here = fans(shape)
    scale = (
        wide[0] / here[0]
        if default_for(activation, shape[-1]).startswith("he")
        else sum(wide) / sum(here)
    )
    return float(np.std(sample) * np.sqrt(scale))


def units(net: Sequential, x: Array) -> list[Units]:
    """What the units of every Dense or Activation layer do on the rows ``x``."""
    found = []
    last = len(net.layers) - 1
    for place, (layer, output) in enumerate(outputs(net, x)):
        if not isinstance(layer, Dense | Activation):
            continue
        spec = layer.activation if isinstance(layer, Dense) else layer.function
        flat = np.asarray(output, np.float64).reshape(len(x), -1)
        behind = net.layers[place + 1 :]
        found.append(
            Units(
                place,
                activation_name(spec),
                any(isinstance(later, Dense) for later in behind) and place != last,
                float(np.sqrt(np.mean(flat**2))),
                _duplicates(flat),
                float(np.mean(np.all(np.abs(flat) < 1e-12, axis=0))),
                _saturated(flat, activation_name(spec)),
                flat,
            )
        )
    return found


def outputs(net: Sequential, x: Array) -> list[tuple[Layer, Array]]:
    """The output of each layer for the rows ``x``, as in prediction."""
    found = []
    value = constant(x)
    for place in net._placed:
        own = {short: constant(net.parameters[name]) for short, name in place.parameters.items()}
        kept = {short: constant(net.statistics[name]) for short, name in place.statistics.items()}
        with np.errstate(all="ignore"):
            value, _ = place.layer.forward(value, own, kept, Mode())
        assert value.value is not None
        found.append((place.layer, value.value))
    return found


def _duplicates(flat: Array) -> float:
    """The share of units that equal an earlier one; those that are constant do not count."""
    count = flat.shape[1]
    if count < 2 or not np.isfinite(flat).all():
        return 0.0
    scale = max(float(np.abs(flat).max()), 1e-300)
    keys = np.unique(np.round(flat / (scale * SAME)), axis=1).shape[1]
    return float(1 - keys / count)


def _saturated(flat: Array, name: str | None) -> float:
    """The share of outputs that lie so near the end that the slope is below ``FLAT``."""
    if name == "tanh":
        return float(np.mean(1 - flat**2 < FLAT))
    if name == "sigmoid":
        return float(np.mean(4 * flat * (1 - flat) < FLAT))
    return 0.0
