"""A ``torch.nn.Sequential`` as an equal network: its layers and its weights.

PyTorch is not imported here: whoever hands over its model has it. Modules are known by the names of
their classes. What has no equal here is refused: another program would be diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule.doctor.adapters.torch_training import (
    LOSSES,
    check_dtypes,
    check_targets,
    loss_of,
    optimizer_of,
    refused,
    unknown,
)
from chainrule.errors import OptionError, ShapeError
from chainrule.graph.op import Array
from chainrule.nn.activations import ActivationFunction, activation_name
from chainrule.nn.layers import Activation, BatchNorm, Dense, Dropout, Flatten, Layer
from chainrule.nn.sequential import Sequential
from chainrule.ops.activation import elu, leaky_relu
from chainrule.ops.loss import softmax

#: GELU is by tanh here, which differs from PyTorch's default by at most 0.0005.
PLAIN = {"ReLU": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "SiLU": "silu", "GELU": "gelu"}
KNOWN = (
    *PLAIN, "LeakyReLU", "ELU", "Softplus", "Softmax", "Linear", "BatchNorm1d", "Dropout",
    "Flatten", "Identity",
)  # fmt: skip
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def of_torch(
    model: Any, X: Any, y: Any, options: dict[str, Any]
) -> tuple[Sequential, Any, Any, dict[str, Any]]:
    """The network with the model's weights, which are taken for those of before training.

    ``loss`` may be a loss of PyTorch (``torch.nn.CrossEntropyLoss()``), ``optimizer`` an optimizer
    of it that holds all parameters of the model; what it remembers of steps is not taken over.

    Raises:
        OptionError: a module, loss or optimizer, or an option of one, that has no equal here.
        ShapeError: rows that the first Linear does not take.
    """
    told = dict(options)
    modules = list(_modules(model))
    _check_parameters(model)
    dtype = _dtype(model)
    layers, arrays = _layers(modules)
    inputs, wanted = array_of(X), array_of(y)
    given = told.get("loss")
    is_torch = given is not None and _is_of_torch(given)
    if is_torch:
        last = next((type(m).__name__ for m in modules[::-1] if _is_kept(m)), "")
        applied, told["loss"], more = loss_of(given, last, wanted)
        for name, value in more.items():
            if told.get(name) is not None:
                raise OptionError(f"{name} is in the loss of PyTorch too: leave one of them out.")
            told[name] = value
        layers += [Activation(applied)] if applied is not None else []
    if told.get("optimizer") is not None and _is_of_torch(told["optimizer"]):
        told["optimizer"] = optimizer_of(told["optimizer"], model)
    net = _built(layers, arrays, inputs, dtype)
    if is_torch:
        kind = told["loss"].kind
        check_targets(type(given).__name__, kind, net.output_shape, wanted)
        check_dtypes(type(given).__name__, kind, dtype, X, y)
    held = told.get("validation")
    if isinstance(held, tuple | list):
        told["validation"] = tuple(map(array_of, held))
    return net, inputs, wanted, told


def array_of(given: Any) -> Array:
    """A tensor of PyTorch, or what else there is, as an array of our own."""
    return np.array(given.detach().cpu().numpy() if hasattr(given, "detach") else given)


def _is_of_torch(given: Any) -> bool:
    """Whether it is an object of PyTorch; its classes and functions are refused."""
    if isinstance(given, type) or hasattr(given, "__name__"):
        if str(getattr(given, "__module__", "")).startswith("torch"):
            raise OptionError(
                f"{given.__name__} of PyTorch was given, which is no object yet: loss takes such "
                f"as torch.nn.MSELoss() ({', '.join(LOSSES)}), optimizer such as "
                "torch.optim.SGD(model.parameters(), lr=0.1)."
            )
        return False
    return type(given).__module__.startswith("torch")


def _modules(model: Any) -> Iterator[Any]:
    """All modules in their order, those of a Sequential inside one too."""
    if any(getattr(model, hooks, None) for hooks in HOOKS):
        raise refused(type(model).__name__, "a hook", "modules without hooks")
    for module in model:
        if type(module).__name__ == "Sequential" and type(module).__module__.startswith("torch"):
            yield from _modules(module)
            continue
        name = type(module).__name__
        if name not in KNOWN or not type(module).__module__.startswith("torch.nn.modules"):
            raise unknown("layer", name, list(KNOWN))
        if any(getattr(module, hooks, None) for hooks in HOOKS):
            raise refused(name, "a hook", "modules without hooks")
        yield module


def _is_kept(module: Any) -> bool:
    return type(module).__name__ not in ("Identity", "Dropout", "Flatten")


def _check_parameters(model: Any) -> None:
    seen: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in seen:
            raise refused(name, f"the very parameter {seen[id(parameter)]}", "each parameter once")
        seen[id(parameter)] = name
        if not parameter.requires_grad:
            raise refused(name, "requires_grad=False", "layers that are all trained")
        if getattr(parameter, "_backward_hooks", None):
            raise refused(name, "a hook", "parameters without hooks")


def _dtype(model: Any) -> str:
    names = sorted({str(p.dtype).removeprefix("torch.") for p in model.parameters()})
    if names not in ([], ["float32"], ["float64"]):
        raise refused("model", f"parameters of {', '.join(names)}", "float32 or float64 throughout")
    return names[0] if names else "float32"


def _layers(modules: list[Any]) -> tuple[list[Layer], dict[str, Array]]:
    """Our layers, and the arrays of theirs by the names that ours will have."""
    layers: list[Layer] = []
    arrays: dict[str, Array] = {}
    number = 0
    for module in modules:
        name = type(module).__name__
        layer = _layer(name, module)
        if layer is None:
            continue
        layers.append(layer)
        number += isinstance(layer, Dense | BatchNorm)
        if isinstance(layer, Dense):
            arrays[f"W{number}"] = array_of(module.weight).T
            arrays[f"b{number}"] = array_of(module.bias)
        elif isinstance(layer, BatchNorm):
            arrays[f"gamma{number}"] = array_of(module.weight)
            arrays[f"beta{number}"] = array_of(module.bias)
            arrays[f"mean{number}"] = array_of(module.running_mean)
            arrays[f"var{number}"] = array_of(module.running_var)
    return layers, arrays


def _layer(name: str, module: Any) -> Layer | None:
    """The layer that is equal to a module; None for one that does nothing.

    Raises:
        OptionError: none is, because of one of its options.
    """
    if name == "Linear":
        if module.bias is None:
            raise refused(name, "bias=False", "Linear with a bias")
        return Dense(module.out_features)
    if name == "BatchNorm1d":
        return _normed(name, module)
    if name == "Dropout":
        if module.p >= 1:
            raise refused(name, f"p={module.p:g}", "p below 1")
        return Dropout(module.p)
    if name == "Flatten":
        if (module.start_dim, module.end_dim) != (1, -1):
            options = f"start_dim={module.start_dim}, end_dim={module.end_dim}"
            raise refused(name, options, "Flatten()")
        return Flatten()
    return None if name == "Identity" else Activation(_function(name, module))


def _normed(name: str, module: Any) -> BatchNorm:
    if not module.affine or module.bias is None:
        raise refused(name, "affine=False or bias=False", "affine=True, with a bias")
    if not module.track_running_stats or not module.momentum:
        options = f"track_running_stats={module.track_running_stats}, momentum={module.momentum}"
        raise refused(name, options, "track_running_stats=True with a momentum, such as 0.1")
    return BatchNorm(module.momentum, module.eps)


def _function(name: str, module: Any) -> str | ActivationFunction:
    if name == "LeakyReLU":
        return _named("leaky_relu", partial(leaky_relu, slope=float(module.negative_slope)))
    if name == "ELU":
        return _named("elu", partial(elu, alpha=float(module.alpha)))
    if name == "Softplus":
        if (module.beta, module.threshold) != (1, 20):
            options = f"beta={module.beta:g}, threshold={module.threshold:g}"
            raise refused(name, options, "beta=1, threshold=20")
        return "softplus"
    if name == "Softmax":
        if module.dim not in (None, 0, 1, -1, -2):
            raise refused(name, f"dim={module.dim}", "dim=1 (each row) or dim=0 (the batch)")
        along_batch = module.dim in (0, -2)
        return _named("softmax_over_batch", partial(softmax, axis=0)) if along_batch else "softmax"
    return PLAIN[name]


def _named(name: str, function: Any) -> ActivationFunction:
    """A function with a name, by which the doctor tells it."""

    def call(x: Any) -> Any:
        return function(x)

    call.__name__ = name
    return call


def _built(layers: list[Layer], arrays: dict[str, Array], inputs: Array, dtype: str) -> Sequential:
    shape = inputs.shape[1:]
    if len(shape) > 1 and not isinstance(layers[0], Flatten):
        for layer in layers:
            # Of samples with several axes PyTorch takes another one than the last.
            name = activation_name(layer.function) if isinstance(layer, Activation) else ""
            if isinstance(layer, BatchNorm) or (name or "").startswith("softmax"):
                what = "BatchNorm1d" if isinstance(layer, BatchNorm) else "Softmax"
                takes = "rows of numbers, X of (n, d), or nn.Flatten() as the first module"
                raise refused(what, f"samples of shape {shape}", takes)
    net = Sequential(*layers, dtype=dtype).build(shape)
    for name, array in arrays.items():
        own = (net.parameters if name in net.parameters else net.statistics)[name]
        if own.shape != array.shape:
            raise ShapeError(
                f"{name} of the model of PyTorch has shape {array.shape}, where the layer before "
                f"it, or X of shape {inputs.shape}, asks for {own.shape}."
            )
        own[...] = array
    return net
