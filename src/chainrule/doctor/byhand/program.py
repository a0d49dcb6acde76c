"""A program by hand: its functions, its parameters and its data, as one record."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.surroundings import Surroundings
from chainrule.errors import DtypeError, OptionError, ShapeError, near
from chainrule.graph.op import Array
from chainrule.settings import whole_number

#: Rows of a batch where the program does not say.
USUAL_BATCH = 32

Parameters = dict[str, Array]
Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Program:
    """Everything that ``diagnose(step=..., ...)`` is given.

    Attributes:
        step: (parameters, X, y): one update of the loop on one batch; in place, or the new ones.
        forward: (parameters, X): the outputs.
        parameters: copies, as they are before training.
        data: (X, y), and ``validation`` likewise or None.
        loss, gradients, metric: of (parameters, X, y); None where they were not given.
        batches: (X, y): the batches of an epoch in the order of the loop; None: 32 rows each, in a
            random order.
        epochs: how often the loop goes through the data; None if that was not said.
        seed: of everything random that the diagnosis does.
    """

    step: Function
    forward: Function
    parameters: Parameters
    data: tuple[Any, Any]
    validation: tuple[Any, Any] | None = None
    loss: Function | None = None
    gradients: Function | None = None
    batches: Function | None = None
    metric: Function | None = None
    epochs: int | None = None
    seed: int = 0

    def functions(self) -> list[Function]:
        """The user's functions that were given."""
        every = (self.step, self.forward, self.loss, self.gradients, self.batches, self.metric)
        return [function for function in every if function is not None]

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What the functions reach is afterwards as before: globals, caches, random numbers."""
        with Surroundings([*self.functions(), self.parameters]).kept(), np.errstate(all="ignore"):
            yield

    def epoch(self, X: Any, y: Any) -> Iterator[tuple[Any, Any]]:
        """The batches of one epoch."""
        if self.batches is not None:
            yield from self.batches(X, y)
            return
        order = np.random.default_rng(self.seed).permutation(len(X))
        for first in range(0, len(X), USUAL_BATCH):
            rows = order[first : first + USUAL_BATCH]
            yield X[rows], y[rows]

    def stepped(self, p: Parameters, X: Any, y: Any) -> Parameters:
        """The parameters after one update; those given may be written into."""
        new = self.step(p, X, y)
        is_whole = isinstance(new, Mapping) and set(new) == set(p)
        return {name: new[name] for name in p} if is_whole else p


def program_of(
    *, step: Any = None, forward: Any = None, parameters: Any = None, data: Any = None,
    validation: Any = None, loss: Any = None, gradients: Any = None, batches: Any = None,
    metric: Any = None, epochs: int | None = None, seed: int = 0, **unknown: Any,
) -> Program:  # fmt: skip
    """The record of what was given, with arrays of its own.

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
    pairs = [_pair("data", data)] + (
        [] if validation is None else [_pair("validation", validation)]
    )
    return Program(
        step, forward, _arrays(parameters), pairs[0], pairs[1] if len(pairs) > 1 else None,
        loss, gradients, batches, metric,
        None if epochs is None else whole_number("diagnose", "epochs", epochs),
        whole_number("diagnose", "seed", seed, least=0),
    )  # fmt: skip


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
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise ShapeError(
            f"{name}: X has shape {X.shape} and y {y.shape}; one target a row was expected."
        )
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
