"""A ``torch.nn.Sequential`` as an equal network: its layers, its weights, its loss, its optimizer.

PyTorch is not imported here: whoever hands over its model has it. Layers and losses are known by
the names of their classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.op import Array
from chainrule.nn.layers import Activation, BatchNorm, Dense, Dropout, Flatten, Layer
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp

ACTIVATIONS = {
    "ReLU": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softmax": "softmax", "GELU": "gelu",
    "SiLU": "silu", "ELU": "elu", "Softplus": "softplus", "LeakyReLU": "leaky_relu",
}  # fmt: skip
#: A loss of PyTorch: the activation that it applies by itself, and the loss that is left.
LOSSES = {
    "CrossEntropyLoss": ("softmax", "cross_entropy"),
    "BCEWithLogitsLoss": ("sigmoid", "binary_cross_entropy"),
    "BCELoss": (None, "binary_cross_entropy"),
    "MSELoss": (None, "mean_squared_error"),
    "L1Loss": (None, "mean_absolute_error"),
    "HuberLoss": (None, "huber"),
    "SmoothL1Loss": (None, "huber"),
}


def of_torch(
    model: Any, X: Any, y: Any, options: dict[str, Any]
) -> tuple[Sequential, Any, Any, dict[str, Any]]:
    """The network with the model's weights, which are taken for those of before training.

    ``loss`` may be a loss of PyTorch (``torch.nn.CrossEntropyLoss()``), ``optimizer`` an optimizer
    of it, of which rate, momentum and decay are read.

    Raises:
        OptionError: a layer, loss or optimizer that is not known here.
    """
    told = dict(options)
    layers, arrays = _layers(model)
    loss = told.get("loss")
    if loss is not None and type(loss).__module__.startswith("torch"):
        applied, name = LOSSES.get(type(loss).__name__, (None, None))
        if name is None:
            raise _unknown("loss", type(loss).__name__, list(LOSSES))
        layers += [Activation(applied)] if applied is not None else []
        told["loss"] = name
    optimizer = told.get("optimizer")
    if optimizer is not None and type(optimizer).__module__.startswith("torch"):
        told["optimizer"] = _optimizer(optimizer)
    inputs, wanted = _array(X), _array(y)
    net = Sequential(*layers, dtype="float32").build(inputs.shape[1:])
    for name, array in arrays.items():
        (net.parameters if name in net.parameters else net.statistics)[name][...] = array
    held = told.get("validation")
    if isinstance(held, tuple | list):
        told["validation"] = tuple(map(_array, held))
    return net, inputs, wanted, told


def _array(given: Any) -> Array:
    return np.array(given.detach().cpu().numpy() if hasattr(given, "detach") else given)


def _layers(model: Any) -> tuple[list[Layer], dict[str, Array]]:
    """Our layers, and the arrays of theirs by the names that ours will have."""
    layers: list[Layer] = []
    arrays: dict[str, Array] = {}
    number = 0
    for module in model:
        name = type(module).__name__
        if name == "Linear":
            number += 1
            layers.append(Dense(module.out_features))
            arrays[f"W{number}"] = _array(module.weight).T
            arrays[f"b{number}"] = _array(module.bias) if module.bias is not None else np.zeros(())
        elif name in ACTIVATIONS:
            layers.append(Activation(ACTIVATIONS[name]))
        elif name == "Dropout":
            layers.append(Dropout(module.p))
        elif name == "BatchNorm1d":
            number += 1
            layers.append(BatchNorm(module.momentum, module.eps))
            arrays[f"gamma{number}"] = _array(module.weight)
            arrays[f"beta{number}"] = _array(module.bias)
            arrays[f"mean{number}"] = _array(module.running_mean)
            arrays[f"var{number}"] = _array(module.running_var)
        elif name == "Flatten":
            layers.append(Flatten())
        elif name != "Identity":
            known = ["Linear", "Dropout", "BatchNorm1d", "Flatten", "Identity", *ACTIVATIONS]
            raise _unknown("layer", name, known)
    return layers, arrays


def _optimizer(given: Any) -> Optimizer:
    group = given.param_groups[0]
    rate, decay = float(group["lr"]), float(group.get("weight_decay", 0.0))
    name = type(given).__name__
    if name == "SGD":
        return SGD(rate, float(group["momentum"]), bool(group["nesterov"]), weight_decay=decay)
    if name in ("Adam", "AdamW"):
        first, second = map(float, group["betas"])
        kind = AdamW if name == "AdamW" else Adam
        return kind(rate, first, second, float(group["eps"]), weight_decay=decay)
    if name == "RMSprop":
        return RMSProp(rate, float(group["alpha"]), float(group["eps"]), weight_decay=decay)
    if name == "Adagrad":
        return AdaGrad(rate, float(group["eps"]), weight_decay=decay)
    raise _unknown("optimizer", name, ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])


def _unknown(what: str, name: str, known: list[str]) -> OptionError:
    return OptionError(f"the {what} {name} of PyTorch is not known here; {', '.join(known)} are.")
