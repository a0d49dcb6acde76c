"""Lending: what lets a loss be recorded whose code does not ask what it is handed.

Most code records itself, because NumPy's operators and functions ask a Tensor first. Two spellings
that are everywhere do not: ``X.dot(W)`` with an array X, and ``return float(cost)``. While a loss
is recorded, the arrays that it reaches are therefore lent to it as views whose ``dot`` asks first,
and ``float`` and ``round`` let Tensors pass. Afterwards everything is as it was.
"""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.check.surroundings import Surroundings, names_of
from chainrule.graph import Tensor


class Lent(np.ndarray[Any, Any]):
    """A view of a user's array whose method ``dot`` records; slices and ``.T`` of it do as well."""

    def dot(self, other: Any, out: Any = None) -> Any:
        """``np.dot``, which asks a Tensor, where the method would not."""
        return np.dot(np.asarray(self), other, *(() if out is None else (out,)))


class _FloatLike(type):
    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, builtins.float)


class _Float(builtins.float, metaclass=_FloatLike):
    """``float``, as a function, as a type and as a dtype, except that it lets Tensors pass."""

    dtype = np.dtype(np.float64)

    def __new__(cls, x: Any = 0.0) -> Any:
        return x if isinstance(x, Tensor) else builtins.float(x)


def _round(number: Any, ndigits: int | None = None) -> Any:
    """``round``, except that it lets Tensors pass."""
    return number if isinstance(number, Tensor) else builtins.round(number, ndigits)


_SUBSTITUTES: dict[str, Any] = {"float": _Float, "round": _round}


@contextmanager
def lent(surroundings: Surroundings, loss: Callable[..., Any]) -> Iterator[None]:
    """Inside, the arrays that ``surroundings`` or the closures of ``loss`` hold are lent."""
    views: dict[int, Any] = {}

    def view(thing: Any) -> Any:
        if isinstance(thing, tuple) and any(type(part) is np.ndarray for part in thing):
            return tuple(view(part) for part in thing)
        if type(thing) is not np.ndarray or thing.dtype.kind not in "biuf":
            return thing
        return views.setdefault(id(thing), thing.view(Lent))

    added: list[dict[str, Any]] = []
    cells = [cell for function in _closures(loss) for cell in function.__closure__ or ()]
    cells += [cell for f in surroundings.functions for cell in f.__closure__ or ()]
    before = [(cell, cell.cell_contents) for cell in cells if _is_filled(cell)]
    try:
        for cell, contents in before:
            cell.cell_contents = view(contents)
        for thing in surroundings.things():
            _lend_within(thing, view)
        for function in surroundings.functions:
            added.append(_substitute(function, view))
        yield
    finally:
        for function, names in zip(surroundings.functions, added, strict=False):
            for name in names:
                function.__globals__.pop(name, None)
        for cell, contents in before:
            cell.cell_contents = contents
        surroundings.rebind()


def _lend_within(thing: Any, view: Callable[[Any], Any]) -> None:
    """Put views into a dict, a list or the attributes of an object."""
    if isinstance(thing, list):
        thing[:] = [view(part) for part in thing]
        return
    is_plain = isinstance(thing, type | types.ModuleType | types.FunctionType)
    holder = thing if isinstance(thing, dict) else getattr(thing, "__dict__", None)
    if isinstance(holder, dict) and not is_plain:
        for key, part in list(holder.items()):
            holder[key] = view(part)


def _substitute(function: types.FunctionType, view: Callable[[Any], Any]) -> dict[str, Any]:
    """Put views and substitutes where a function finds its globals; the names that were added."""
    outside, added = function.__globals__, {}
    for name in set(names_of(function.__code__)):
        if name in outside:
            outside[name] = view(outside[name])
        elif name in _SUBSTITUTES:
            outside[name] = added[name] = _SUBSTITUTES[name]
    return added


def _closures(function: Any) -> Iterator[types.FunctionType]:
    """The functions of this package around the user's: they hold the data they were given."""
    stack, seen = [function], set()
    while stack:
        thing = stack.pop()
        if not isinstance(thing, types.FunctionType) or id(thing) in seen:
            continue
        seen.add(id(thing))
        if thing.__module__.startswith("chainrule."):
            yield thing
            stack += [c.cell_contents for c in thing.__closure__ or () if _is_filled(c)]


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises where nothing is bound yet
    except ValueError:
        return False
    return True
