"""A network or a program by hand in a Python file of the user's, as ``diagnose`` takes it."""

from __future__ import annotations

import inspect
from typing import Any

from chainrule.cli.user_file import UserFile

#: What is looked for in the file under each name, the usual one first.
USUAL = {
    "step": ("step", "update", "train_step"),
    "forward": ("forward", "predict", "model"),
    "parameters": ("parameters", "params", "p"),
}
OPTIONAL = {
    "loss": ("loss", "cost", "loss_function"),
    "gradients": ("gradients", "gradient", "grads", "backward", "backprop"),
    "batches": ("batches", "minibatches"),
    "metric": ("metric", "accuracy", "score"),
    "epochs": ("epochs", "EPOCHS"),
}
DATA = (("X", "y"), ("X", "t"), ("X_train", "y_train"), ("x_train", "y_train"), ("x", "y"))
HELD = (("X_validation", "y_validation"), ("X_val", "y_val"), ("X_test", "y_test"))


#: What a file may call a network, and the options of its training that it may hold.
NETWORKS = ("network", "net", "model")
OF_NETWORKS = ("loss", "optimizer", "epochs", "batch_size", "schedule", "seed", "metric")


def network_in(user: UserFile) -> Any:
    """The network that the file has; None where it has a step, or no network."""
    has = vars(user.module)
    if any(name in has for name in USUAL["step"]):
        return None
    found = next((has[name] for name in NETWORKS if name in has), None)
    return None if inspect.isfunction(found) else found


def options_in(user: UserFile) -> dict[str, Any]:
    """The options of a network's training that the file has, validation among them."""
    has = vars(user.module)
    held = has["validation"] if _is_pair(has.get("validation")) else _pair(has, HELD)
    given = {name: has[name] for name in OF_NETWORKS if name in has}
    return given if held is None else {**given, "validation": held}


def data_in(user: UserFile) -> tuple[Any, Any]:
    """X and y under the first of the usual names that the file has.

    Raises:
        UserFileError: it has neither; with what it has.
    """
    has = vars(user.module)
    found = has["data"] if _is_pair(has.get("data")) else _pair(has, DATA)
    return found or (user.find("X", "data", ()), user.find("y", "data", ()))


def program_in(user: UserFile) -> dict[str, Any]:
    """The arguments of ``cr.diagnose(step=..., ...)`` that the file has under the usual names.

    Raises:
        UserFileError: step, forward, parameters or the data are missing; with what it has.
    """
    has = vars(user.module)
    given = {name: user.find(None, name, names) for name, names in USUAL.items()}
    for name, names in OPTIONAL.items():
        found = next((has[usual] for usual in names if usual in has), None)
        fits = isinstance(found, int) if name == "epochs" else callable(found)
        if fits:
            given[name] = found
    given["data"] = data_in(user)
    held = has["validation"] if _is_pair(has.get("validation")) else _pair(has, HELD)
    return given if held is None else {**given, "validation": held}


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _pair(has: dict[str, Any], names: tuple[tuple[str, str], ...]) -> tuple[Any, Any] | None:
    return next(((has[X], has[y]) for X, y in names if X in has and y in has), None)
