"""Subject: whatever a user hands over, as a loss and gradients of a dict of named arrays.

Functions of a dict, a list, one array or several arguments; a recorded Graph; a Sequential with
data. Objects whose attributes are the parameters are in ``attributes.py``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.evidence import Array
from chainrule.check.matching import Path, leaves, matched, rebuilt, written
from chainrule.errors import DataError, DtypeError, OptionError, unknown_name

Named = Mapping[str, Any]

#: What a library has not said of its rounding: float64's.
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Subject:
    """What is to be judged.

    Attributes:
        parameters: a float64 copy of each, by name.
        loss: of arrays (or Tensors) by name; the user's result as it comes.
        gradients: likewise, a dict of the user's results; None where only arrays were given.
        given: those arrays, where no function was given.
        eps: the rounding error of the dtype that the parameters have.
        functions: the user's, the loss first.
        roots: what the functions can reach, for :class:`Surroundings`.
        notes: what was noticed while it was read.
        starts_afresh: each call of the loss begins with all attributes as they were at first.
        read: takes the parameters out of what is arranged as those that were given.
    """

    parameters: dict[str, Array]
    loss: Callable[[Named], Any]
    gradients: Callable[[Named], dict[str, Any]] | None
    given: dict[str, Any] | None
    eps: float
    functions: tuple[Callable[..., Any], ...]
    roots: tuple[Any, ...]
    notes: tuple[str, ...] = ()
    starts_afresh: bool = False
    read: Callable[[Any], dict[str, Any]] | None = None


def of_functions(
    loss: Callable[..., Any], parameters: Any, gradients: Any, names: Sequence[str] | None
) -> Subject:
    """A loss of ``parameters``: a dict, a list, one array, or one argument for each."""
    arguments = argument_names(loss)
    spread = _takes_each(arguments, parameters)
    base = arguments[0] if arguments else "x"
    paths: dict[str, Path] = {}
    arrays: dict[str, Array] = {}
    dtypes, notes = [], []
    for path, leaf in leaves(parameters):
        name = arguments[path[0]] if spread and len(path) == 1 else written(path, base)
        array = floats(name, leaf)
        if array is None or (path and isinstance(leaf, bool | int)):
            continue
        if np.asarray(leaf).dtype.kind in "iu" and isinstance(leaf, np.ndarray):
            notes.append(_integers(name, leaf))
        paths[name], arrays[name] = path, array
        dtypes.append(np.asarray(leaf).dtype)
    _require_some(arrays, parameters)
    picked = chosen(names, arrays)
    numbers = {n for n, path in paths.items() if not isinstance(_at(parameters, path), np.ndarray)}

    def handed(named: Named) -> Any:
        new = {
            paths[name]: _like(value, name in numbers)
            for name, value in (arrays | dict(named)).items()
        }
        return rebuilt(parameters, new)

    def call(function: Callable[..., Any], named: Named) -> Any:
        return function(*handed(named)) if spread else function(handed(named))

    shapes = [arrays[name].shape for name in picked]
    given = None
    if not callable(gradients):
        given = {} if gradients is None else matched(gradients, picked, shapes)
    return Subject(
        {name: arrays[name] for name in picked},
        lambda named: call(loss, named),
        (lambda named: matched(call(gradients, named), picked, shapes))
        if callable(gradients)
        else None,
        given,
        coarsest(dtypes),
        tuple(f for f in (loss, gradients) if callable(f)),
        (loss, gradients, parameters),
        tuple(notes),
        read=lambda held: {name: _at(held, paths[name]) for name in picked},
    )


def coarsest(dtypes: Sequence[np.dtype[Any]]) -> float:
    """The rounding error of the coarsest of these."""
    return max((float(np.finfo(d).eps) for d in dtypes if d.kind == "f"), default=EPS)


def floats(name: str, leaf: Any) -> Array | None:
    """A float64 copy of a parameter; None for what is no number.

    Raises:
        DataError: NaN or infinity in it.
        DtypeError: complex numbers.
    """
    try:
        array = np.asarray(getattr(leaf, "value", leaf))
    except (TypeError, ValueError):
        return None
    if array.dtype.kind == "c":
        raise DtypeError(f"{name} holds complex numbers; parameters are real.")
    if array.dtype.kind not in "fiu":
        return None
    if not np.isfinite(array).all():
        raise DataError(
            f"{name} holds NaN or infinity, so there is no gradient there. Check the gradients at "
            "parameters where the loss is a number, such as those before training."
        )
    return array.astype(np.float64)


def _integers(name: str, leaf: Any) -> str:
    return (
        f"{name} holds integers ({leaf.dtype}): it was checked as floats, but a training step "
        f"cannot change it (W -= 0.1 * dW fails, W[:] = ... cuts off the decimals). Make it "
        f"{name}.astype(float)."
    )


def _require_some(arrays: Mapping[str, Any], parameters: Any) -> None:
    if not arrays:
        raise OptionError(
            f"there are no parameters in what was given ({type(parameters).__name__}): a dict of "
            'arrays such as {"W1": W1, "b1": b1}, a list of arrays, or one array was expected.'
        )


def chosen(names: Sequence[str] | None, arrays: Mapping[str, Any]) -> list[str]:
    """The parameters that are to be judged: ``names``, or all.

    Raises:
        OptionError: one of the names is not known.
    """
    for name in names or ():
        if name not in arrays:
            raise unknown_name("parameter", name, arrays)
    return list(names if names is not None else arrays)


def argument_names(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that a function needs, without those that have defaults."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def _takes_each(arguments: Sequence[str], parameters: Any) -> bool:
    """Whether a list of parameters is meant one by one: loss(W, b) of [W, b]."""
    return isinstance(parameters, list | tuple) and len(arguments) == len(parameters) > 1


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _like(value: Any, is_number: bool) -> Any:
    """A Python number where one was given: the function may be written with Python's math."""
    plain = is_number and isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0
    return value.item() if plain else value
