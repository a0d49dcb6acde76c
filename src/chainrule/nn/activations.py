"""Activations by name, as layers take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.errors import OptionError, unknown_name
from chainrule.graph.tensor import Tensor
from chainrule.ops import activation, exponential, loss

ActivationFunction = Callable[[Tensor], Tensor]

NAMED: dict[str, Callable[[Any], Any]] = {
    "linear": activation.linear,
    "sigmoid": activation.sigmoid,
    "tanh": activation.tanh,
    "relu": activation.relu,
    "leaky_relu": activation.leaky_relu,
    "elu": activation.elu,
    "gelu": activation.gelu,
    "silu": activation.silu,
    "softplus": activation.softplus,
    "softmax": loss.softmax,
    "log_softmax": loss.log_softmax,
    "exp": exponential.exp,
    "sin": exponential.sin,
}


def activation_function(spec: str | ActivationFunction | None) -> ActivationFunction:
    """The function of an activation: by name, a function of a Tensor, or None for none.

    Raises:
        OptionError: an unknown name, with the nearest one; or neither name nor function.
    """
    if spec is None:
        return activation.linear
    if isinstance(spec, str):
        if spec not in NAMED:
            raise unknown_name("activation", spec, NAMED)
        return NAMED[spec]
    if not callable(spec):
        raise OptionError(f"an activation is a name or a function of a Tensor, got {spec!r}.")
    return spec


def activation_name(spec: str | ActivationFunction | None) -> str | None:
    """What to call it: None for none, the function's own name for a function."""
    if spec is None or isinstance(spec, str):
        return spec
    return getattr(spec, "__name__", type(spec).__name__)
