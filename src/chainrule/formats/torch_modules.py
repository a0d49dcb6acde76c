"""A network as PyTorch has it: the modules of a ``torch.nn.Sequential``, one after the other.

A Dense with an activation is two modules there, a Linear and the activation; the numbers in the
names of PyTorch's arrays count modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.errors import OptionError
from chainrule.graph.op import Shape
from chainrule.nn.activations import activation_name
from chainrule.nn.layers import Activation, BatchNorm, Dense, Dropout, Flatten, Layer, LayerNorm
from chainrule.nn.sequential import Sequential

ACTIVATIONS = {
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
    "relu": "nn.ReLU()",
    "leaky_relu": "nn.LeakyReLU(0.01)",
    "elu": "nn.ELU()",
    "gelu": "nn.GELU(approximate='tanh')",
    "silu": "nn.SiLU()",
    # Above its threshold PyTorch takes ln(1 + e^x) for x; at 40 that is so to the last bit.
    "softplus": "nn.Softplus(threshold=40)",
    "softmax": "nn.Softmax(dim=-1)",
    "log_softmax": "nn.LogSoftmax(dim=-1)",
}
"""How PyTorch writes each activation; it has no module for the others."""


@dataclass(frozen=True)
class Module:
    """One module: how it is written (None: PyTorch has none such), and the arrays it owns.

    ``arrays`` has PyTorch's short name of each array with ours in full: weight, W2. ``layer`` says
    in messages where the module comes from.
    """

    layer: str
    code: str | None
    arrays: dict[str, str]
    is_linear: bool = False
    counts_batches: bool = False


def modules(net: Sequential) -> list[Module]:
    """The modules of a built network.

    Raises:
        OptionError: a layer of the user's own.
        ShapeError: a network that is not built.
    """
    shape = net._built_shape()
    found: list[Module] = []
    for number, place in enumerate(net._placed, start=1):
        named = place.parameters | place.statistics
        where = f"layer {number} {type(place.layer).__name__}"
        found += _of_layer(place.layer, shape, named, where)
        shape = place.output
    return found


def _of_layer(layer: Layer, shape: Shape, named: dict[str, str], where: str) -> Iterator[Module]:
    match layer:
        case Dense():
            arrays = {"weight": named["W"], "bias": named["b"]}
            linear = f"nn.Linear({shape[0]}, {layer.units})"
            yield Module(where, linear, arrays, is_linear=True)
            if activation_name(layer.activation) not in (None, "linear"):
                yield Module(where, _activation(layer.activation), {})
        case Activation():
            yield Module(where, _activation(layer.function), {})
        case Dropout():
            yield Module(where, f"nn.Dropout({layer.rate})", {})
        case Flatten():
            yield Module(where, "nn.Flatten()", {})
        case BatchNorm():
            short = {
                "weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var",
            }  # fmt: skip
            arrays = {theirs: named[ours] for theirs, ours in short.items()}
            settings = f"eps={layer.epsilon}, momentum={layer.momentum}"
            # With more axes PyTorch takes the second for the features, and here it is the last.
            code = f"nn.BatchNorm1d({shape[-1]}, {settings})" if len(shape) == 1 else None
            yield Module(where, code, arrays, counts_batches=True)
        case LayerNorm():
            arrays = {"weight": named["gamma"], "bias": named["beta"]}
            yield Module(where, f"nn.LayerNorm({shape[-1]}, eps={layer.epsilon})", arrays)
        case _:
            raise OptionError(
                f"{where} is a layer of your own, and what it is in PyTorch is not known. Dense, "
                "Activation, Dropout, Flatten, BatchNorm and LayerNorm have their modules there."
            )


def _activation(function: Any) -> str | None:
    name = activation_name(function)
    return "nn.Identity()" if name == "linear" else ACTIVATIONS.get(str(name))


def torch_source(net: Sequential) -> str:
    """What to type in PyTorch for an equal network, to load :func:`to_torch`'s arrays into.

    Raises:
        OptionError: PyTorch has no module for an activation (exp, sin, functions of your own), or
            for BatchNorm over the last of several axes.
        ShapeError: a network that is not built.
    """
    lines = []
    for module in modules(net):
        if module.code is None:
            raise OptionError(
                f"PyTorch has no module that does what {module.layer} does, so that it cannot be "
                "written down; to_torch gives the arrays all the same, and counts one module."
            )
        lines.append(f"    {module.code},")
    return "\n".join(["nn.Sequential(", *lines, ")"])
