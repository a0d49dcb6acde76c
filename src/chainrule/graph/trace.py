"""trace: a Python function becomes a graph, by running it once on Tensors without values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import RecordingError
from chainrule.graph.apply import constant
from chainrule.graph.graph import Graph
from chainrule.graph.notes import Notes
from chainrule.graph.recording import every_node, sources_of
from chainrule.graph.structure import Structure
from chainrule.graph.tensor import Tensor, placeholder


def trace(function: Callable[..., Any], *arguments: Any) -> Graph:
    """Record what ``function`` does to arguments of these shapes and dtypes.

    The graph holds for these shapes, these dtypes, and whatever else the function read while it
    ran: a Python number that it closes over is frozen in. What is to vary must be an argument.

    Args:
        function: takes Tensors (or lists, tuples, dicts of them), returns such.
        arguments: arrays, Tensors or numbers of the shapes and dtypes meant; their values are
            not looked at. An input is called as its Tensor, else by its key in a dict, else as
            the function's parameter; what is called like another gets its parameter in front.

    Raises:
        RecordingError: the function did something that depends on values, or returned something
            that is not computed from Tensors.
    """
    inputs: list[Tensor] = []
    handed = []
    taken: set[str] = set()
    for name, argument in zip(_parameter_names(function, len(arguments)), arguments, strict=True):
        structure = Structure.of(argument)
        leaves = [
            stand_in(leaf, leaf_name)
            for leaf, leaf_name in zip(
                structure.leaves(argument), structure.names(name), strict=True
            )
        ]
        for leaf in leaves:
            if leaf.name in taken:
                leaf.name = f"{name}.{leaf.name}"
            taken.add(str(leaf.name))
        inputs += leaves
        handed.append(structure.build(leaves))
    with every_node() as nodes:
        result = function(*handed)
    structure = Structure.of(result)
    notes = Notes(tuple(nodes), sources=sources_of(nodes))
    outputs = [recorded(leaf) for leaf in structure.leaves(result)]
    return Graph(inputs, outputs, structure, notes=notes)


def stand_in(leaf: Any, name: str) -> Tensor:
    """A placeholder of the shape and dtype of ``leaf``."""
    if isinstance(leaf, Tensor):
        return placeholder(leaf.shape, leaf.dtype, leaf.name or name)
    array = np.asarray(leaf)
    if array.dtype.kind not in "biufc":
        raise RecordingError(f"the argument {name} is {type(leaf).__name__}, not numbers.")
    return placeholder(array.shape, array.dtype, name)


def recorded(leaf: Any) -> Tensor:
    """A Tensor for what a traced function returned."""
    if leaf is None:
        raise RecordingError("the traced function returned nothing: it must return its result.")
    return leaf if isinstance(leaf, Tensor) else constant(leaf)


def _parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names[:count] + [f"x{i}" for i in range(len(names[:count]), count)]
