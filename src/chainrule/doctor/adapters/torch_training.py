"""Losses and optimizers of PyTorch as equal ones of ours, or refused with what to write.

They are known by the names of their classes; each option that changes what is computed is read, or
must have the value that is translated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.op import Array, Shape
from chainrule.nn.losses import NAMED, Loss
from chainrule.ops.arithmetic import abs
from chainrule.ops.choice import minimum, where
from chainrule.ops.comparison import greater
from chainrule.ops.exponential import log
from chainrule.ops.shape import reshape, shape_of
from chainrule.optim.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp

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
#: Options of losses that must be as they are by default.
FIXED_IN_LOSSES = {"pos_weight": None, "ignore_index": -100, "label_smoothing": 0.0}
#: Options of an optimizer that are read, and those that change only how fast it computes.
READ = {
    "SGD": ("lr", "momentum", "nesterov", "weight_decay"),
    "Adam": ("lr", "betas", "eps", "weight_decay"),
    "AdamW": ("lr", "betas", "eps", "weight_decay"),
    "RMSprop": ("lr", "alpha", "eps", "weight_decay"),
    "Adagrad": ("lr", "eps", "weight_decay"),
}
WITHOUT_EFFECT = ("params", "param_names", "foreach", "fused", "capturable", "differentiable")


def refused(what: str, has: str, takes: str) -> OptionError:
    """What has no equal here, in a line."""
    return OptionError(
        f"{what} of PyTorch has {has}, which is not translated: the adapter takes {takes}. For any "
        "other loop write diagnose(step=, forward=, parameters=, data=)."
    )


def unknown(what: str, name: str, known: list[str]) -> OptionError:
    """A class that is not known."""
    return OptionError(f"the {what} {name} of PyTorch is not known here; {', '.join(known)} are.")


# --- losses --------------------------------------------------------------------------------------


def loss_of(given: Any, last: str, y: Array) -> tuple[str | None, Loss, dict[str, Any]]:
    """The activation that a loss applies, the loss, and options of ours that go with it.

    Args:
        last: the name of the model's last module. y: the targets, whose shape MSELoss broadcasts.

    Raises:
        OptionError: the loss or one of its options is not known.
    """
    name = type(given).__name__
    if name not in LOSSES or not type(given).__module__.startswith("torch.nn.modules"):
        raise unknown("loss", name, list(LOSSES))
    if given.reduction not in ("mean", "sum"):
        raise refused(name, f"reduction={given.reduction!r}", 'reduction="mean" or "sum"')
    for option, usual in FIXED_IN_LOSSES.items():
        value = getattr(given, option, usual)
        if value is not usual and (usual is None or value != usual):
            raise refused(name, f"{option}={_told(value)}", f"{option}={usual}")
    applied, ours = LOSSES[name]
    loss = replace(NAMED[ours], total=given.reduction == "sum")
    more: dict[str, Any] = {}
    if getattr(given, "weight", None) is not None:
        weights = given.weight.detach().cpu().numpy()
        if name != "CrossEntropyLoss" or not (weights > 0).all() or np.ndim(y) != 1:
            raise refused(
                name, f"weight={_told(given.weight)}",
                "weight=None; for CrossEntropyLoss with class indices also weights above 0",
            )  # fmt: skip
        more["class_weight"] = {i: float(weight) for i, weight in enumerate(weights)}
    if name == "BCELoss":
        if last not in ("Sigmoid", "Softmax"):
            raise refused(name, "outputs that are no probabilities", "nn.Sigmoid() before it")
        loss = replace(loss, entries=_clamped)
    if name in ("HuberLoss", "SmoothL1Loss"):
        loss = _bent(loss, name, float(given.delta if name == "HuberLoss" else given.beta))
    if loss.kind == "values" and np.ndim(y) == 1:
        loss = _against_every_target(name, loss)
    return applied, loss, more


def _clamped(p: Any, t: Any) -> Any:
    """Binary cross-entropy of probabilities, whose logs end at -100, where the gradient is 0."""

    def log_of(q: Any) -> Any:
        return where(greater(q, 0.0), log(where(greater(q, 0.0), q, 1.0)), -100.0)

    return -(t * log_of(p) + (1 - t) * log_of(1 - p))


def _bent(loss: Loss, name: str, width: float) -> Loss:
    """Huber's loss, a parabola within ``width`` of 0; SmoothL1Loss is that divided by it."""
    if name == "SmoothL1Loss" and width == 0:
        return replace(NAMED["mean_absolute_error"], total=loss.total)
    scale = 1.0 if name == "HuberLoss" else 1 / width

    def entries(p: Any, t: Any) -> Any:
        size = abs(p - t)
        near = minimum(size, width)
        return near * (size - 0.5 * near) * scale

    return replace(loss, entries=entries)


def _against_every_target(name: str, loss: Loss) -> Loss:
    """What PyTorch makes of outputs (n, 1) and targets (n,): the differences of all pairs."""
    inner: Callable[[Any, Any], Any] = loss.entries

    def entries(p: Any, t: Any) -> Any:
        return inner(p, reshape(t, (1, shape_of(t)[0])))

    return replace(loss, name=f"{name} of y (n,)", entries=entries)


def check_targets(name: str, kind: str, outputs: Shape, y: Array) -> None:
    """Refuse targets that PyTorch's loss does not take, or broadcasts against several outputs.

    Raises:
        OptionError: their shape is another than the outputs'.
    """
    wanted = (len(y), *outputs) if y.ndim else outputs
    if y.shape == wanted or (kind == "values" and y.ndim == 1 and outputs == (1,)):
        return
    if kind == "classes":
        if y.ndim == 1:
            return
        how = f"class indices, y of shape ({len(y)},)" + (
            ": y[:, 0]" if y.shape[1:] == (1,) else ""
        )
    else:
        how = f"y of shape {wanted}" + (": y.reshape(-1, 1)" if y.ndim == 1 else "")
    raise OptionError(
        f"{name} of PyTorch gets outputs of shape {wanted} and y of shape {y.shape}, which it "
        f"refuses or broadcasts. It takes {how}."
    )


def check_dtypes(name: str, kind: str, dtype: str, X: Any, y: Any) -> None:
    """Refuse tensors of a dtype with which PyTorch itself raises; arrays are taken as they are.

    Raises:
        OptionError: naming the dtype that is taken.
    """
    by_index = kind == "classes" and getattr(y, "ndim", 0) == 1
    for what, tensor, takes in (("X", X, dtype), ("y", y, "int64" if by_index else dtype)):
        if not hasattr(tensor, "detach"):
            continue
        found = str(tensor.dtype).removeprefix("torch.")
        if found != takes and not (by_index and what == "y" and found == "uint8"):
            raise OptionError(
                f"{what} is a tensor of {found}, and PyTorch takes {takes} here, for a model of "
                f"{dtype} with {name}: write {what}.to(torch.{takes})."
            )


# --- optimizers ----------------------------------------------------------------------------------


def optimizer_of(given: Any, model: Any) -> Optimizer:
    """The optimizer of ours whose steps are the same, if it holds all parameters of the model.

    Raises:
        OptionError: it is not known, or an option of it has no equal here.
    """
    name = type(given).__name__
    if name not in READ or not type(given).__module__.startswith("torch.optim"):
        raise unknown("optimizer", name, list(READ))
    _check_held(name, given, model)
    groups = given.param_groups
    for group in groups[1:]:
        for option in READ[name]:
            if group[option] != groups[0][option]:
                raise refused(
                    name, f"{option}={group[option]} beside {groups[0][option]} in its groups",
                    "the same options for all parameters",
                )  # fmt: skip
    for group in groups:
        _check_options(name, group)
    return _equal(name, groups[0])


def _check_held(name: str, given: Any, model: Any) -> None:
    held = {id(parameter) for group in given.param_groups for parameter in group["params"]}
    own = dict(model.named_parameters())
    missing = [which for which, parameter in own.items() if id(parameter) not in held]
    if missing:
        raise OptionError(
            f"{name} of PyTorch holds {len(own) - len(missing)} of the model's {len(own)} "
            f"parameters ({missing[0]} is not among them), so that it trains no others. The "
            f"adapter takes one of all: torch.optim.{name}(model.parameters(), ...)."
        )


def _check_options(name: str, group: dict[str, Any]) -> None:
    if "initial_lr" in group:
        raise refused(
            name, "a schedule of torch.optim.lr_scheduler",
            "an optimizer without one, and schedule= of fit",
        )  # fmt: skip
    for option in group:
        if option in READ[name] or option in WITHOUT_EFFECT:
            continue
        value, is_apart = group[option], (name, option) == ("AdamW", "decoupled_weight_decay")
        usual = is_apart if isinstance(value, bool) else 0
        if value != usual:
            raise refused(name, f"{option}={_told(value)}", f"{option}={usual}")


def _equal(name: str, group: dict[str, Any]) -> Optimizer:
    rate, decay = float(group["lr"]), float(group["weight_decay"])
    if name == "SGD":
        return SGD(rate, float(group["momentum"]), bool(group["nesterov"]), weight_decay=decay)
    if name in ("Adam", "AdamW"):
        first, second = map(float, group["betas"])
        kind = AdamW if name == "AdamW" else Adam
        return kind(rate, first, second, float(group["eps"]), weight_decay=decay)
    if name == "RMSprop":
        return RMSProp(rate, float(group["alpha"]), float(group["eps"]), weight_decay=decay)
    return AdaGrad(rate, float(group["eps"]), weight_decay=decay)


def _told(value: Any) -> str:
    """A value of an option, in a line."""
    return f"{value.tolist()}" if hasattr(value, "tolist") else f"{value}"
