"""What was given as a program by hand: checked, copied, and with its samples in rows."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.doctor.byhand.columns import in_rows, lie_in_columns
from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.errors import DtypeError, OptionError, ShapeError, near
from chainrule.graph.op import Array
from chainrule.settings import whole_number


def program_of(
    *, step: Any = None, forward: Any = None, parameters: Any = None, data: Any = None,
    validation: Any = None, loss: Any = None, gradients: Any = None, batches: Any = None,
    metric: Any = None, epochs: int | None = None, seed: int = 0, **unknown: Any,
) -> Program:  # fmt: skip
    """The record of what was given, with arrays of its own; samples in columns are turned to rows.

    Raises:
        OptionError: something needed is missing, is no function, out of range, or not known.
        DtypeError: parameters or data that are not numbers. ShapeError: X and y of other lengths,
            or without rows.
    """
    known = list(inspect.signature(program_of).parameters)[:-1]
    for name in unknown:
        raise OptionError(
            f"diagnose of a program has no option {name!r}.{near(name, known)} It has "
            f"{', '.join(known)}."
        )
    needed = {"step": step, "forward": forward, "parameters": parameters, "data": data}
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise OptionError(
            f"a program needs {', '.join(f'{name}=' for name in missing)} too: "
            "diagnose(step=step, forward=forward, parameters={'W1': W1, ...}, data=(X, y))."
        )
    functions = {
        "step": step, "forward": forward, "loss": loss, "gradients": gradients,
        "batches": batches, "metric": metric,
    }  # fmt: skip
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise OptionError(f"{name} is a function, got {type(function).__name__}.")
    pairs, numbers = [_pair("data", data)], _arrays(parameters)
    in_columns = lie_in_columns(*pairs[0], numbers)
    if validation is not None:
        pairs.append(_pair("validation", validation))
    for name, (X, y) in zip(("data", "validation"), pairs, strict=False):
        if not in_columns and len(X) != len(y):
            raise ShapeError(
                f"{name}: X has shape {X.shape} and y {y.shape}; one target a row was expected, "
                "or one a column where X has a sample in each column."
            )
        if in_columns and (X.ndim != 2 or X.shape[1] != y.shape[-1]):
            raise ShapeError(
                f"{name}: X has shape {X.shape} and y {y.shape}; data has a sample in each column, "
                "so the same was expected here."
            )
    program = Program(
        step, forward, numbers, pairs[0], pairs[1] if len(pairs) > 1 else None,
        loss, gradients, batches, metric,
        None if epochs is None else whole_number("diagnose", "epochs", epochs),
        whole_number("diagnose", "seed", seed, least=0),
    )  # fmt: skip
    return in_rows(program) if in_columns else program


def _pair(name: str, given: Any) -> tuple[Array, Array]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise OptionError(f"{name} is a pair (X, y), got {type(given).__name__}.")
    X, y = np.array(given[0]), np.array(given[1])
    for part, array in (("X", X), ("y", y)):
        if array.dtype.kind not in "fiub":
            raise DtypeError(
                f"{name}: {part} is {array.dtype}; numbers were expected. Labels that are words: "
                "np.unique(y, return_inverse=True)[1]."
            )
    if X.ndim == 0 or y.ndim == 0:
        raise ShapeError(f"{name}: X has shape {X.shape} and y {y.shape}; rows were expected.")
    if X.size == 0 or y.size == 0:
        raise ShapeError(f"{name}: X has shape {X.shape} and y {y.shape}; there are no numbers.")
    return X, y


def _arrays(given: Any) -> Parameters:
    if not isinstance(given, Mapping) or not given:
        raise OptionError(
            f"parameters is a dict such as {{'W1': W1, 'b1': b1}}, got {type(given).__name__}."
        )
    found = {str(name): np.array(array) for name, array in given.items()}
    for name, array in found.items():
        if array.dtype.kind not in "fiub":
            raise DtypeError(f"the parameter {name} is {array.dtype}; numbers were expected.")
    return found
