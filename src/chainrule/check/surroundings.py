"""Surroundings: what a user's functions can reach and change, remembered and put back.

A loss reads data that it names, keeps what its backward pass will need in an attribute or a global,
draws random numbers. A check calls it hundreds of times and must leave no trace.
"""

from __future__ import annotations

import functools
import random
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

#: Arrays above this many bytes are not copied, so not watched: whole data sets.
LARGEST = 100_000_000
#: Things looked at; a program that reaches more is watched in part.
MOST = 20_000

Draws = np.random.Generator | np.random.RandomState | random.Random


class Surroundings:
    """Everything that ``roots`` reach: the variables they name, attributes, lists, dicts, arrays.

    Libraries are not entered. ``functions`` are those of the user's, in the order of discovery.
    """

    def __init__(self, roots: Sequence[Any]) -> None:
        self.functions: list[types.FunctionType] = []
        self._arrays: dict[int, tuple[str, np.ndarray[Any, Any], np.ndarray[Any, Any]]] = {}
        self._draws: dict[int, Draws] = {}
        self._put_back: list[Callable[[], None]] = []
        self._seen: dict[int, Any] = {}
        queue = [("", root) for root in roots]
        while queue and len(self._seen) < MOST:
            name, thing = queue.pop(0)
            if id(thing) not in self._seen:
                self._seen[id(thing)] = thing
                queue += self._visit(name, thing)
        self._states = self.random_states()

    def _visit(self, name: str, thing: Any) -> list[tuple[str, Any]]:
        """Remember ``thing``; the things in it, with their names."""
        if isinstance(thing, np.ndarray):
            if thing.dtype != object and thing.nbytes <= LARGEST:
                self._arrays[id(thing)] = (name, thing, thing.copy())
            return []
        if isinstance(thing, Draws):
            self._draws[id(thing)] = thing
            return []
        if isinstance(thing, dict):
            return self._remember_dict(thing, name)
        if isinstance(thing, list):
            kept = list(thing)
            self._put_back.append(lambda: thing.__setitem__(slice(None), kept))
            return _numbered(name, kept)
        if isinstance(thing, tuple):
            return _numbered(name, thing)
        if isinstance(thing, functools.partial):
            return [(name, part) for part in (thing.func, *thing.args, *thing.keywords.values())]
        if isinstance(thing, types.MethodType):
            return [(name, thing.__func__), ("self", thing.__self__)]
        if isinstance(thing, types.FunctionType):
            return self._remember_function(thing)
        if isinstance(thing, type) or not hasattr(thing, "__dict__") or not users(type(thing)):
            return []
        methods = [("", m) for m in vars(type(thing)).values() if callable(m)]
        return [*self._remember_dict(vars(thing), name), *methods]

    def _remember_dict(self, thing: dict[Any, Any], name: str) -> list[tuple[str, Any]]:
        kept = dict(thing)

        def put_back() -> None:
            if list(thing) != list(kept) or any(thing[key] is not kept[key] for key in kept):
                thing.clear()
                thing.update(kept)

        self._put_back.append(put_back)
        prefix = f"{name}." if name else ""
        return [(f"{prefix}{key}", part) for key, part in kept.items()]

    def _remember_function(self, function: types.FunctionType) -> list[tuple[str, Any]]:
        if not users(function):
            return []
        self.functions.append(function)
        found = []
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                found.append((name, cell.cell_contents))
            except ValueError:  # not bound yet
                continue
            self._put_back.append(functools.partial(_fill, cell, cell.cell_contents))
        outside = function.__globals__
        for name in names_of(function.__code__):
            if name in outside:
                found.append((name, outside[name]))
                self._put_back.append(functools.partial(_bind, outside, name, outside[name]))
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        return found + [("", value) for value in defaults]

    # --- random numbers ------------------------------------------------------------------------

    def random_states(self) -> list[Any]:
        """Where the global random numbers of NumPy and Python, and every generator, stand."""
        reached = [_state(draws) for draws in self._draws.values()]
        return [np.random.get_state(), random.getstate(), *reached]

    def rewind(self) -> None:
        """Put all random numbers back to where they stood when this was made."""
        np.random.set_state(self._states[0])
        random.setstate(self._states[1])
        for draws, state in zip(self._draws.values(), self._states[2:], strict=True):
            _set_state(draws, state)

    def has_drawn(self) -> bool:
        """Whether random numbers were drawn since they were last rewound."""
        return not _same(self.random_states(), self._states)

    # --- putting back --------------------------------------------------------------------------

    def things(self) -> list[Any]:
        """Everything that was found: containers, objects, functions, arrays."""
        return list(self._seen.values())

    def arrays(self) -> list[tuple[str, np.ndarray[Any, Any]]]:
        """The arrays in reach, each with the name it was found under."""
        return [(name, array) for name, array, _ in self._arrays.values()]

    def written(self) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays that no longer hold what they held, by name."""
        return {
            name: array
            for name, array, kept in self._arrays.values()
            if not np.array_equal(array, kept, equal_nan=array.dtype.kind in "fc")
        }

    def rewrite(self) -> None:
        """Put back what the arrays held."""
        for _, array, kept in self._arrays.values():
            if not np.array_equal(array, kept, equal_nan=array.dtype.kind in "fc"):
                array[...] = kept

    def rebind(self) -> None:
        """Put back which thing each variable, attribute and entry was."""
        for put_back in reversed(self._put_back):
            put_back()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever happens inside, all is as before afterwards."""
        try:
            yield
        finally:
            self.rebind()
            self.rewrite()
            self.rewind()


def users(thing: Any) -> bool:
    """Whether a function or class was written by the user: not part of a library."""
    module = str(getattr(thing, "__module__", None) or "")
    root = module.split(".")[0]
    return root not in _LIBRARIES


def names_of(code: types.CodeType) -> Iterator[str]:
    """The names of globals (and attributes) in a function, those of functions inside included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_of(constant)


_LIBRARIES = {
    "builtins", "chainrule", "collections", "functools", "itertools", "jax", "math", "matplotlib",
    "numpy", "pandas", "random", "scipy", "sklearn", "torch", "typing",
}  # fmt: skip


def _numbered(name: str, parts: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(f"{name}[{i}]", part) for i, part in enumerate(parts)]


def _fill(cell: Any, value: Any) -> None:
    cell.cell_contents = value


def _bind(outside: dict[str, Any], name: str, value: Any) -> None:
    outside[name] = value


def _state(draws: Draws) -> Any:
    if isinstance(draws, np.random.Generator):
        return draws.bit_generator.state
    return draws.getstate() if isinstance(draws, random.Random) else draws.get_state()


def _set_state(draws: Draws, state: Any) -> None:
    if isinstance(draws, np.random.Generator):
        draws.bit_generator.state = state
    elif isinstance(draws, random.Random):
        draws.setstate(state)
    else:
        draws.set_state(state)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        if all(isinstance(x, int) for x in a):  # the hundreds of numbers of Python's, at once
            return bool(a == b)
        return all(_same(x, y) for x, y in zip(a, b, strict=True))
    return bool(np.array_equal(a, b))
