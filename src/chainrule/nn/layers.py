"""Layers: functions that build graph.

A layer describes; it holds no arrays. Its parameters and running statistics are handed to
``forward`` and the statistics' new values come back, so that one description serves training,
prediction and any engine. Rows are samples, and shapes of layers leave the rows out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import OptionError, ShapeError, Teaching
from chainrule.graph.op import Array, Shape
from chainrule.graph.tensor import Tensor
from chainrule.nn.activations import ActivationFunction, activation_function, activation_name
from chainrule.nn.initializers import default_for, initialize
from chainrule.ops.cast import astype
from chainrule.ops.comparison import greater_equal
from chainrule.ops.exponential import sqrt
from chainrule.ops.random import uniform
from chainrule.ops.reduce import mean, var
from chainrule.ops.shape import reshape
from chainrule.settings import number

LAYERS: dict[str, type[Layer]] = {}
"""Every layer by the name of its class: how a saved model finds them again."""

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Mode:
    """How a forward pass is meant: for training or not, and where its random numbers come from.

    ``key`` is an input of the graph (another one at each step); ``stream`` tells layers apart.
    """

    training: bool = False
    key: Tensor | None = None
    stream: int = 0


class Layer(metaclass=Teaching):
    """What a network is made of."""

    #: What other libraries' options are here.
    elsewhere: ClassVar[Mapping[str, str]] = {}

    #: Draws random numbers while training, so that the step needs a key.
    is_random: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        LAYERS[cls.__name__] = cls

    def build(
        self, shape: Shape, rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> dict[str, Array]:
        """New parameters by their short names (W, b), for inputs of ``shape``."""
        return {}

    def statistics(self, shape: Shape, dtype: np.dtype[Any]) -> dict[str, Array]:
        """Running statistics by their short names, as they are before any training."""
        return {}

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one output, given that of one input.

        Raises:
            ShapeError: the layer cannot take such inputs.
        """
        return shape

    def forward(
        self, x: Tensor, p: Tensors, s: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The output, and the new values of the statistics (none where nothing changes)."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """The arguments that make this layer again: what a model file keeps."""
        if not is_dataclass(self):
            return {}
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}


@dataclass(frozen=True)
class Dense(Layer):
    """Y = f(X W + b): every output is a weighted sum of all inputs, then the activation f.

    X is (n, inputs), W (inputs, units), b (units,), Y (n, units).

    Args:
        units: the number of outputs.
        activation: a name (see ``chainrule.nn.activations``), a function of a Tensor, or None.
        weight_init: an initializer's name, a number, or a function (shape, rng) -> array; None
            chooses by the activation: He's for the rectifiers, Glorot's for the others.
        bias_init: likewise; zeros by default.

    Raises:
        OptionError: units is not a positive whole number, or an unknown name.
    """

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("in_features", "input_dim", "input_shape", "n_inputs"),
            "The size of the inputs is taken from the data, or from net.build(input_shape).",
        ),
        **dict.fromkeys(("out_features", "n_units", "hidden"), "Write units=10."),
        **dict.fromkeys(("bias", "use_bias"), "A bias is always there; bias_init is its start."),
        **dict.fromkeys(
            ("kernel_initializer", "initializer", "init"), 'Write weight_init="he_normal".'
        ),
    }  # fmt: skip
    units: int
    activation: str | ActivationFunction | None = None
    weight_init: Any = field(default=None, kw_only=True)
    bias_init: Any = field(default="zeros", kw_only=True)

    def __post_init__(self) -> None:
        if (
            isinstance(self.units, bool)
            or not isinstance(self.units, int | np.integer)
            or self.units < 1
        ):
            raise OptionError(f"Dense needs a positive whole number of units, got {self.units!r}.")
        activation_function(self.activation)

    def build(
        self, shape: Shape, rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> dict[str, Array]:
        self.output_shape(shape)
        name = activation_name(self.activation)
        weights = default_for(name, self.units) if self.weight_init is None else self.weight_init
        return {
            "W": initialize(weights, (shape[0], self.units), rng, dtype, "weights of Dense"),
            "b": initialize(self.bias_init, (self.units,), rng, dtype, "biases of Dense"),
        }

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(
                f"Dense takes rows of numbers, and here each sample has shape {shape}. Put "
                "cr.Flatten() before it."
            )
        return (int(self.units),)

    def forward(
        self, x: Tensor, p: Tensors, s: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return activation_function(self.activation)(x @ p["W"] + p["b"]), {}


@dataclass(frozen=True)
class Activation(Layer):
    """Y = f(X), entry by entry (softmax: row by row)."""

    function: str | ActivationFunction

    def __post_init__(self) -> None:
        activation_function(self.function)

    def forward(
        self, x: Tensor, p: Tensors, s: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return activation_function(self.function)(x), {}


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, each entry is 0 with probability ``rate``, and else divided by 1 - rate.

    Outside of training it does nothing. Srivastava et al. (2014), Dropout: a simple way to prevent
    neural networks from overfitting; the scaled ("inverted") form.

    Raises:
        OptionError: the rate is not in [0, 1).
    """

    rate: float = 0.5
    is_random = True

    def __post_init__(self) -> None:
        if not (isinstance(self.rate, Real) and 0 <= self.rate < 1):
            raise OptionError(f"Dropout needs a rate from 0 to below 1, got {self.rate!r}.")

    def forward(
        self, x: Tensor, p: Tensors, s: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if not mode.training or self.rate == 0:
            return x, {}
        if mode.key is None:
            raise OptionError("Dropout in training needs a key for its random numbers (Mode.key).")
        noise = uniform(mode.key, x.shape, stream=mode.stream)
        kept = astype(greater_equal(noise, self.rate), x.dtype)
        return x * (kept * (1.0 / (1.0 - self.rate))), {}


@dataclass(frozen=True)
class Flatten(Layer):
    """Each sample as one row of numbers: (n, h, w) becomes (n, h w)."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(
        self, x: Tensor, p: Tensors, s: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return reshape(x, (x.shape[0], math.prod(x.shape[1:]))), {}


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Y = gamma (X - mean) / √(var + epsilon) + beta, per feature (last axis).

    While training, mean and var are the batch's (var with divisor n), and the running statistics
    move towards them by ``momentum`` (the running var with divisor n - 1); otherwise the running
    statistics are used. Ioffe & Szegedy (2015), Batch normalization.

    Raises:
        OptionError: momentum outside (0, 1], or epsilon not positive.
        ShapeError: a training batch of one row, which has no spread.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        number("BatchNorm", "momentum", self.momentum, above=0.0, most=1.0)
        number("BatchNorm", "epsilon", self.epsilon, above=0.0)

    def build(
        self, shape: Shape, rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> dict[str, Array]:
        return {"gamma": np.ones(shape[-1:], dtype), "beta": np.zeros(shape[-1:], dtype)}

    def statistics(self, shape: Shape, dtype: np.dtype[Any]) -> dict[str, Array]:
        return {"mean": np.zeros(shape[-1:], dtype), "var": np.ones(shape[-1:], dtype)}

    def forward(
        self, x: Tensor, p: Tensors, s: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if not mode.training:
            return _normalised(x, s["mean"], s["var"], self.epsilon) * p["gamma"] + p["beta"], {}
        rows = math.prod(x.shape[:-1])
        if rows < 2:
            raise ShapeError(
                "BatchNorm cannot train on a batch of one row, which has no spread. Choose a "
                "batch size that leaves no single row at the end of an epoch."
            )
        axes = tuple(range(x.ndim - 1))
        centre, spread = mean(x, axes), var(x, axes)
        unbiased = spread * (rows / (rows - 1))
        moved = {
            "mean": s["mean"] * (1 - self.momentum) + centre * self.momentum,
            "var": s["var"] * (1 - self.momentum) + unbiased * self.momentum,
        }
        return _normalised(x, centre, spread, self.epsilon) * p["gamma"] + p["beta"], moved


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Y = gamma (X - mean) / √(var + epsilon) + beta, mean and var over each row's last axis.

    The same in training and prediction. Ba, Kiros & Hinton (2016), Layer normalization.

    Raises:
        OptionError: epsilon is not positive.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        number("LayerNorm", "epsilon", self.epsilon, above=0.0)

    def build(
        self, shape: Shape, rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> dict[str, Array]:
        return {"gamma": np.ones(shape[-1:], dtype), "beta": np.zeros(shape[-1:], dtype)}

    def forward(
        self, x: Tensor, p: Tensors, s: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        centre, spread = mean(x, -1, keepdims=True), var(x, -1, keepdims=True)
        return _normalised(x, centre, spread, self.epsilon) * p["gamma"] + p["beta"], {}


def _normalised(x: Tensor, centre: Tensor, spread: Tensor, epsilon: float) -> Tensor:
    return (x - centre) / sqrt(spread + epsilon)
