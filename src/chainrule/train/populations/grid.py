"""The grid of a population: from lists of settings to the networks that are asked for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.op import Shape
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential
from chainrule.train import checks
from chainrule.train.populations.member import Member

#: Columns of the table that a grid may not use.
COLUMNS = (
    "network", "seed", "learning_rate", "initial_scale", "weight_decay", "epochs", "loss",
    "validation_loss", "state",
)  # fmt: skip

#: (arguments of ``build``, the network that it gave)
Form = tuple[dict[str, Any], Sequential]


def numbers(name: str, given: Any, default: float, least: float, least_fits: bool) -> list[float]:
    """One number or several, as a list; the default for None.

    Raises:
        OptionError: none at all, or one that is not a finite number of the range.
    """
    values = [default] if given is None else list(given) if _is_many(given) else [given]
    for value in values:
        fits = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not fits or value < least or (value == least and not least_fits):
            bound = f"{least:g} or more" if least_fits else f"above {least:g}"
            raise OptionError(f"{name} is a number {bound}, or a list of such, got {value!r}.")
    if not values:
        raise OptionError(f"{name} is an empty list: there is nothing to train.")
    return [float(value) for value in values]


def known_seeds(given: Any) -> list[int]:
    """The seeds 0, 1, ... for a number of them, or those listed.

    Raises:
        OptionError: not whole numbers of 0 or more, or none at all.
    """
    if isinstance(given, np.random.Generator):
        raise OptionError(
            "seeds are numbers, so that each network can be trained again alone; got a Generator. "
            "Give how many (seeds=1000), or a list."
        )
    values = list(given) if _is_many(given) else [given]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise OptionError(
                f"seeds is how many, or a list of whole numbers of 0 or more; got {value!r}."
            )
    if not _is_many(given):
        values = list(range(int(given)))
    if not values:
        raise OptionError("seeds names no seed at all: there is nothing to train.")
    return [int(value) for value in values]


def forms(build: Any, grid: Mapping[str, Sequence[Any]]) -> list[Form]:
    """The networks that ``build`` gives for every combination of the grid.

    Raises:
        OptionError: ``build`` is neither a function nor a network, gives something else, or takes
            no such argument; or the grid is no dict of lists.
    """
    if not isinstance(grid, Mapping) or not all(_is_many(values) for values in grid.values()):
        raise OptionError(
            f"grid is a dict of lists, such as {{'hidden': [2, 4, 8]}}, got {grid!r}."
        )
    for name in grid:
        if name in COLUMNS:
            raise OptionError(
                f"{name!r} is a column of the table already. Give fit_many's own argument for it, "
                "or call the argument of build otherwise."
            )
    if isinstance(build, Sequential):
        if grid:
            raise OptionError(
                f"grid names arguments of build ({', '.join(grid)}), and build is a network. Give "
                "a function: lambda hidden: cr.Sequential(cr.Dense(hidden, 'tanh'), cr.Dense(1))."
            )
        return [({}, build)]
    if not callable(build):
        raise OptionError(
            "build is a function that gives a Sequential, or a Sequential, got "
            f"{type(build).__name__}."
        )
    found = []
    for values in itertools.product(*grid.values()):
        options = dict(zip(grid, values, strict=True))
        found.append((options, _built(build, options)))
    if not found:
        raise OptionError("grid has an empty list: there is nothing to train.")
    return found


def _built(build: Callable[..., Any], options: dict[str, Any]) -> Sequential:
    try:
        net = build(**options)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise OptionError(
            f"build could not be called with {options or 'nothing'}: {error}."
        ) from error
    if not isinstance(net, Sequential):
        raise OptionError(f"build must return a Sequential, and it returned {type(net).__name__}.")
    return net


def members(
    found: Iterable[Form], learning_rates: Sequence[float], initial_scales: Sequence[float],
    weight_decays: Sequence[float], seeds: Sequence[int], input_shape: Shape,
) -> Iterator[Member]:  # fmt: skip
    """Every network of the population, built from its seed; the seeds change fastest."""
    place = itertools.count()
    for options, form in found:
        for rate, scale, decay, seed in itertools.product(
            learning_rates, initial_scales, weight_decays, seeds
        ):
            rng = checks.generator(seed)
            net = Sequential(*form.layers, dtype=form.dtype).build(input_shape, rng)
            for array in net.parameters.values():
                if array.ndim > 1 and scale != 1.0:
                    array *= scale
            yield Member(next(place), net, rng, seed, rate, scale, decay, options)


def alike(population: Iterable[Member]) -> list[list[Member]]:
    """The networks whose training steps are the same, together: one form, whatever its start."""
    found: list[tuple[tuple[Any, ...], list[Member]]] = []
    known: dict[int, list[Member]] = {}
    for member in population:
        key = id(member.options)
        if key not in known:
            form = _form(member.net)
            same = [stack for other, stack in found if other == form]
            if not same:
                found.append((form, []))
            known[key] = same[0] if same else found[-1][1]
        known[key].append(member)
    return [stack for _, stack in found]


def _form(net: Sequential) -> tuple[Any, ...]:
    """What decides the step of a network: its layers without their initializers, and its dtype."""
    layers = [
        replace(layer, weight_init=None, bias_init="zeros") if isinstance(layer, Dense) else layer
        for layer in net.layers
    ]
    return (*layers, net.dtype)


def _is_many(given: Any) -> bool:
    return isinstance(given, list | tuple | range) or (
        isinstance(given, np.ndarray) and given.ndim == 1
    )
