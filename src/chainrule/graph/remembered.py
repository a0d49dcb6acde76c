"""Remembered: what a transform made of a graph serves again when the same graph is recorded again.

Every fit records its step anew: in a search, an ensemble or the doctor's experiments, the same step
a hundred times. Two graphs are the same if they agree in everything that a transform can see: ops
and their settings, inputs, shapes, dtypes, names, layers and lines, constants to the last bit. To
compare them takes a twentieth of the time that simplifying takes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Hashable
from functools import cache, wraps
from typing import Any

import numpy as np

from chainrule.graph.graph import Graph
from chainrule.graph.notes import Notes
from chainrule.graph.op import Array, Op
from chainrule.graph.tensor import Tensor

#: So many graphs are remembered of each transform; then it begins anew.
GRAPHS = 64

#: A graph that holds more bytes than this in constants is not remembered: it would keep them alive.
BYTES = 65_536

Transform = Callable[[Graph, Collection[str]], Graph]


def remembered(transform: Transform) -> Transform:
    """``transform(graph, names)``, which gives one and the same graph for equal graphs and names.

    The order of the names must not matter. Graphs with notes for readers, with ops of the user's,
    or with large constants before or after, are transformed each time.
    """
    # Threads share it in single steps each; a lock might be held while another thread forks.
    known: dict[Hashable, tuple[Graph, list[bytes]]] = {}

    @wraps(transform)
    def recalled(graph: Graph, names: Collection[str] = ()) -> Graph:
        if not (_is_known(graph) and _is_small(graph)):
            return transform(graph, names)
        key = (_signature(graph), frozenset(names))
        made, values = known.get(key, (None, None))
        # A constant may be an array of the user's, who has since written into it.
        if made is None or _values(made) != values:
            made = transform(graph, names)
            if _is_small(made):
                if len(known) >= GRAPHS:
                    known.clear()
                known[key] = made, _values(made)
        return made

    return recalled


def _is_known(graph: Graph) -> bool:
    """Whether equal graphs can be told: by ops of the house, of which all is known."""
    ops = {type(node.op) for node in graph.nodes if node.op is not None}
    return graph.notes == Notes() and all(op.__module__.startswith("chainrule.") for op in ops)


def _is_small(graph: Graph) -> bool:
    return sum([_held(node.value) for node in graph.nodes if node.has_value]) <= BYTES


def _held(value: Array) -> int:
    """The bytes that an array keeps alive: a view all those of its owner."""
    if value.base is None:
        return value.nbytes
    return value.base.nbytes if isinstance(value.base, np.ndarray) else BYTES + 1


def _values(graph: Graph) -> list[bytes]:
    return [node.value.tobytes() for node in graph.nodes if node.has_value]


def _signature(graph: Graph) -> Hashable:
    """What equal graphs have in common."""
    number: dict[Tensor, int] = {}
    parts: list[Any] = []
    first = len(graph.inputs)
    for place, node in enumerate(graph.nodes):
        kind = node.shape, node.dtype, node.name, node.scope, node.place
        if place < first:  # whatever it was made of
            parts.append((None, (), None, *kind))
        else:
            value = node.value.tobytes() if node.has_value else None
            inputs = tuple([number[x] for x in node.inputs])
            parts.append((_exactly(node.op), inputs, value, *kind))
        number[node] = place
    outputs = tuple([number[node] for node in graph.outputs])
    return first, outputs, graph.structure, tuple(parts)


def _exactly(op: Op | None) -> Hashable:
    """An op with its settings to the last bit, where ops are equal whose numbers are: 0 and -0."""
    if op is None:
        return None
    kind: Any = type(op)
    return op, kind.value, repr(op) if _has_floats(kind) else ""


@cache
def _has_floats(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) and any(
        "float" in str(field.type) for field in dataclasses.fields(kind)
    )
