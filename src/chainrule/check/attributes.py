"""Subjects that keep their parameters in attributes: a class with W1, b1, forward, backward.

Arrays are looked for in attributes, in dicts and lists there, and in objects there (layers). One
array that is reached on several ways, as ``params["W1"]`` and ``layers[0].W``, is one parameter.
Which arrays are parameters shows in what the backward pass returns, or leaves behind: the gradient
of ``W1`` is called dW1, grad_W1, grads["W1"] or the like, or has its place in a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.check.matching import gradient_keys, leaves, matched, written
from chainrule.check.methods import called_with
from chainrule.check.subjects import Named, Subject, chosen, coarsest, floats
from chainrule.check.surroundings import users
from chainrule.errors import GradientError, OptionError

#: Where a class may keep its gradients, when it keeps its parameters in a dict or list of them.
HOLDERS = ("grads", "grad", "gradients", "gradient", "dparams", "derivatives", "g")


@dataclass
class Slot:
    """One array of an object, and every place (a dict or list, and a key) that holds it."""

    name: str
    array: Any
    places: list[tuple[Any, Any]] = field(default_factory=list)

    def hold(self, value: Any) -> None:
        """Put ``value`` into every place."""
        for holder, key in self.places:
            holder[key] = value


def slots(thing: Any) -> dict[str, Slot]:
    """Every array of numbers in ``thing``, by name: the shortest that is like no other."""
    found: dict[int, Slot] = {}
    for name, array, holder, key in _arrays(thing):
        slot = found.setdefault(id(array), Slot(name, array))
        slot.places.append((holder, key))
    lasts = [slot.name.rpartition(".")[2] for slot in found.values()]
    named = {}
    for slot, last in zip(found.values(), lasts, strict=True):
        if lasts.count(last) == 1:
            slot.name = last
        named[slot.name] = slot
    return named


def _arrays(thing: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """(name, array, holder, key) of every array, nearest first."""
    queue: list[tuple[str, Any]] = [("", thing)]
    seen: list[Any] = [thing]
    while queue:
        head, holder = queue.pop(0)
        held: Any = holder if isinstance(holder, dict | list | tuple) else vars(holder)
        is_dict = isinstance(held, dict)
        for key, part in list(held.items() if is_dict else enumerate(held)):
            name = (f"{head}.{key}" if head else str(key)) if is_dict else f"{head}[{key}]"
            if isinstance(part, np.ndarray | float) and not isinstance(held, tuple):
                if np.asarray(part).dtype.kind == "f":
                    yield name, part, held, key
            elif _can_hold(part) and not any(part is other for other in seen):
                seen.append(part)
                queue.append((name, part))


def _can_hold(part: Any) -> bool:
    if isinstance(part, dict | list | tuple):
        return len(part) < 1000
    return hasattr(part, "__dict__") and not callable(part) and users(type(part))


def of_object(
    function: Any, parameters: Any, gradients: Any, names: Sequence[str] | None
) -> Subject:
    """An object and data (its methods are called), or a loss of an object."""
    if isinstance(parameters, list | tuple) and not callable(gradients):
        thing = function
        loss, backward = called_with(thing, parameters)
    else:
        thing, loss, backward = parameters, _of_thing(function, parameters), gradients
        if callable(gradients):
            backward = _of_thing(gradients, parameters)
    if not hasattr(thing, "__dict__"):
        raise OptionError(
            f"{type(thing).__name__} has no attributes to take parameters from. Give the loss, "
            "the parameters (a dict of arrays) and the gradients: see help(check_gradients)."
        )
    before = slots(thing)
    reader = _Reader(thing, before, names)
    given = None
    if callable(backward):
        found = reader.first(loss, backward)
    else:
        found = given = reader.read(backward)
    parts = {name: before[name] for name in found}
    arrays = {name: floats(name, slot.array) for name, slot in parts.items()}
    point = {name: array for name, array in arrays.items() if array is not None}

    def call(run: Callable[[], Any], named: Named) -> Any:
        for name, value in (point | dict(named)).items():
            is_number = isinstance(parts[name].array, float) and isinstance(value, np.ndarray)
            parts[name].hold(value.item() if is_number else value)
        return run()

    return Subject(
        point,
        lambda named: call(loss, named),
        (lambda named: reader.read(call(backward, named), list(point)))
        if callable(backward)
        else None,
        given,
        coarsest([np.asarray(slot.array).dtype for slot in parts.values()]),
        tuple(f for f in (function, gradients) if callable(f)),
        (thing, function, gradients),
        starts_afresh=True,
    )


def _of_thing(function: Any, thing: Any) -> Callable[[], Any]:
    """``function`` as one of no arguments: it is called with the object if it wants one."""
    if not callable(function):
        raise OptionError(
            f"the loss of an object is a function of it, such as lambda net: net.loss(X, t); got "
            f"{type(function).__name__}."
        )
    from chainrule.check.subjects import argument_names

    return (lambda: function(thing)) if argument_names(function) else function


class _Reader:
    """Finds the gradients of an object's arrays in what a backward pass returned or left behind."""

    def __init__(self, thing: Any, before: Mapping[str, Slot], names: Sequence[str] | None) -> None:
        self.thing, self.before = thing, before
        self.names = None if names is None else chosen(names, before)

    def first(self, loss: Callable[[], Any], backward: Callable[[], Any]) -> dict[str, Any]:
        """The gradients of a first run, from which the parameters are known; all is put back."""
        from chainrule.check.surroundings import Surroundings

        with Surroundings([self.thing, loss, backward]).kept():
            arrays = {name: slot.array for name, slot in self.before.items()}
            kept = {name: np.array(array) for name, array in arrays.items()}
            loss()
            result = backward()
            after = {name: slot.array for name, slot in slots(self.thing).items()}
            moved = [n for n in kept if n in after and not np.array_equal(kept[n], after[n])]
            return self.read(result, moved=moved)

    def read(
        self, result: Any, names: Sequence[str] | None = None, moved: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The gradients by the names of their parameters.

        Raises:
            GradientError: none are found, or there is no telling which is whose.
        """
        names = names or self.names
        by_name = self._returned(result) | self._left_behind() if result is not None else {}
        by_name = by_name or self._left_behind()
        if names is not None:
            by_name = {name: by_name.get(name) for name in names}
        elif not by_name and isinstance(result, list | tuple):
            in_order = [name for name in self.before if not self._is_gradient(name)]
            shapes = [np.shape(self.before[name].array) for name in in_order]
            by_name = matched(result, in_order, shapes)
        if not any(g is not None for g in by_name.values()):
            raise GradientError(self._nothing(moved))
        return by_name

    def _returned(self, result: Any) -> dict[str, Any]:
        found = {written(path, ""): leaf for path, leaf in leaves(result)}
        found |= {key.rpartition(".")[2]: leaf for key, leaf in found.items()}
        keys = {name: (name, *gradient_keys(name)) for name in self.before}
        return {
            name: found[key] for name, tried in keys.items() for key in tried[::-1] if key in found
        }

    def _left_behind(self) -> dict[str, Any]:
        now = _by_path(self.thing)
        paths = {name: self._paths(name) for name in self.before}
        found = {}
        for name, tried in paths.items():
            if self._is_gradient(name):
                continue
            for key in tried:
                if key in now and np.ndim(now[key]) <= 4:
                    found[name] = now[key]
                    break
        return found

    def _paths(self, name: str) -> list[str]:
        """Where the gradient of ``name`` may have been left, the likeliest first."""
        tried: list[str] = []
        for path in _paths_of(self.thing, self.before[name]):
            tried += gradient_keys(path)
            head, _, last = path.rpartition(".")
            holder = head.rpartition(".")[0]
            for other in HOLDERS:
                inside = f"{holder}.{other}" if holder else other
                tried += [f"{inside}.{last}", *(f"{inside}.{k}" for k in gradient_keys(last))]
        return tried

    def _is_gradient(self, name: str) -> bool:
        """Whether ``name`` is itself what another array's gradient would be called."""
        others = [key for other in self.before for key in self._paths(other)]
        return any(path in others for path in _paths_of(self.thing, self.before[name]))

    def _nothing(self, moved: Sequence[str]) -> str:
        if moved:
            return (
                f"backward returned no gradients, and it changed {', '.join(moved)}: it is a whole "
                "training step. Judge it with check_step, or let it return the gradients."
            )
        known = ", ".join(self.before) or "none"
        return (
            "no gradients were found: neither returned by the backward pass, nor left behind as "
            f"dW1, grad_W1, grads['W1'] or the like. The arrays of {type(self.thing).__name__} "
            f"are: {known}. Let backward return a dict of gradients by these names."
        )


def _by_path(thing: Any) -> dict[str, Any]:
    return {name: array for name, array, _, _ in _arrays(thing)}


def _paths_of(thing: Any, slot: Slot) -> list[str]:
    return [
        name
        for name, _, holder, key in _arrays(thing)
        if any(holder is h and key == k for h, k in slot.places)
    ]
