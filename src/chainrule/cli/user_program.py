"""A program by hand in a Python file of the user's, as ``diagnose`` takes it."""

from __future__ import annotations

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
    given["data"] = has["data"] if _is_pair(has.get("data")) else _pair(has, DATA)
    if given["data"] is None:
        given["data"] = (user.find("X", "data", ()), user.find("y", "data", ()))
    held = has["validation"] if _is_pair(has.get("validation")) else _pair(has, HELD)
    return given if held is None else {**given, "validation": held}


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _pair(has: dict[str, Any], names: tuple[tuple[str, str], ...]) -> tuple[Any, Any] | None:
    return next(((has[X], has[y]) for X, y in names if X in has and y in has), None)
