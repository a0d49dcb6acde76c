"""Remembered: what a transform made of a graph serves again when the same graph is recorded again.

Every fit records its step anew: in a search, an ensemble or the doctor's experiments, the same step
a hundred times. Two graphs are the same if they agree in everything that a transform can see: ops
and their settings, inputs, shapes, dtypes, names, layers and lines, constants to the last bit. To
compare them takes a twentieth of the time that simplifying takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from functools import wraps
from typing import Any

from chainrule.graph.graph import Graph
from chainrule.graph.notes import Notes
from chainrule.graph.tensor import Tensor

#: So many graphs are remembered of each transform; then it begins anew.
GRAPHS = 64

#: A graph that holds more bytes than this in constants is not remembered: it would keep them alive.
BYTES = 65_536

Transform = Callable[[Graph, Collection[str]], Graph]


def remembered(transform: Transform) -> Transform:
    """``transform(graph, names)``, which gives one and the same graph for equal graphs and names.

    The order of the names must not matter. Graphs with notes for readers, or with large constants
    before or after, are transformed each time.
    """
    # Threads share it in single steps each; a lock might be held while another thread forks.
    known: dict[Hashable, tuple[Graph, list[bytes]]] = {}

    @wraps(transform)
    def recalled(graph: Graph, names: Collection[str] = ()) -> Graph:
        if not _is_small(graph):
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


def _is_small(graph: Graph) -> bool:
    held = sum([node.value.nbytes for node in graph.nodes if node.has_value])
    return held <= BYTES and graph.notes == Notes()


def _values(graph: Graph) -> list[bytes]:
    return [node.value.tobytes() for node in graph.nodes if node.has_value]


def _signature(graph: Graph) -> Hashable:
    """What equal graphs have in common."""
    number: dict[Tensor, int] = {}
    parts: list[Any] = []
    for node in graph.nodes:
        value = node.value.tobytes() if node.has_value else None
        inputs = tuple([number[x] for x in node.inputs])
        kind = node.shape, node.dtype, node.name, node.scope, node.place
        parts.append((node.op, inputs, value, *kind))
        number[node] = len(number)
    outputs = tuple([number[node] for node in graph.outputs])
    return len(graph.inputs), outputs, graph.structure, tuple(parts)
