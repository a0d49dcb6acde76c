"""Collapse: which nodes of a graph are drawn as one box.

Nodes are put in a topological order that stays with a layer as long as it can; what stands together
in that order becomes a box. So no arrow can leave a box and come back into it, whatever the layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from chainrule.errors import OptionError, unknown_name
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT
from chainrule.graph.tensor import Tensor

#: Up to how many nodes each is drawn, unless the caller says otherwise.
MOST = 200
#: How many boxes there are where neither layers nor lines of code make few enough.
PIECES = 40

Collapse = bool | str | Iterable[str] | None


@dataclass(frozen=True, eq=False)
class Group:
    """Nodes that are drawn as one box."""

    title: str
    nodes: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Collapsed:
    """The groups of a graph, and what is to be said of them (nothing where it was asked for)."""

    groups: tuple[Group, ...] = ()
    note: str = ""


def collapsed(graph: Graph, collapse: Collapse, seen: Collection[Tensor]) -> Collapsed:
    """The groups of ``graph``; ``seen`` are the inputs that no group may hide.

    Args:
        collapse: True for every layer, names of layers ("dense1"), False for none, None for none
            unless the graph has more than 200 nodes: then layers, or lines of code, or pieces of
            equal size, the first of them that leaves at most 200 boxes.

    Raises:
        OptionError: the graph has no layers, or none of such a name; the text says which it has.
    """
    if collapse is None:
        return _few_enough(graph, seen) if len(graph.nodes) > MOST else Collapsed()
    if collapse is False:
        return Collapsed()
    layers = layer_names(graph)
    if not layers:
        raise OptionError(
            "this graph has no layers to collapse: only what a network (cr.Sequential) computes is "
            "recorded with its layers. Leave collapse away; a graph of more than "
            f"{MOST} nodes is then collapsed by lines of code."
        )
    if collapse is True:
        wanted = set(layers.values())
    else:
        names = [collapse] if isinstance(collapse, str) else list(collapse)
        unknown = [name for name in names if _plain(name) not in layers]
        if unknown:
            raise unknown_name("layer", unknown[0], layers)
        wanted = {layers[_plain(name)] for name in names}
    return Collapsed(_runs(graph, lambda node: node.scope if node.scope in wanted else ""))


def layer_names(graph: Graph) -> dict[str, str]:
    """The layers that a graph was recorded with: "dense1" and the like, with their scopes."""
    scopes = dict.fromkeys(node.scope for node in graph.nodes if node.scope)
    return {_plain(scope): scope for scope in scopes}


def _plain(name: str) -> str:
    """A layer's name in one form: dense1, for Dense 1 and 1 Dense as well."""
    return re.sub(r"\W", "", _title(str(name))).lower()


def _title(scope: str) -> str:
    """The kind of a layer first, then which: Dense 1."""
    return re.sub(r"^(\d+) (.+)$", r"\2 \1", scope)


def _few_enough(graph: Graph, seen: Collection[Tensor]) -> Collapsed:
    how, groups = "layers", _runs(graph, lambda node: node.scope)
    if boxes(graph, groups, seen) > MOST:
        how = "lines of code"
        groups = _runs(graph, lambda node: node.scope or str(node.place))
    if boxes(graph, groups, seen) > MOST:
        how, groups = "pieces of equal size", _pieces(graph)
    return Collapsed(
        groups,
        f"{len(graph.nodes):,} nodes, collapsed into {how}; collapse=False draws every node",
    )


def boxes(graph: Graph, groups: Sequence[Group], seen: Collection[Tensor]) -> int:
    """How many boxes there are if these groups are drawn as one each."""
    inside = homes(graph, groups, seen)
    return len(groups) + sum(node not in inside for node in graph.nodes) + len(graph.outputs)


def homes(graph: Graph, groups: Sequence[Group], seen: Collection[Tensor]) -> dict[Tensor, int]:
    """The group of each node that has one.

    A parameter or a constant that a single group uses is at home there too, unless it is among
    ``seen``, or an output of the graph.
    """
    home = {node: i for i, group in enumerate(groups) for node in group.nodes}
    users: dict[Tensor, set[int | None]] = {}
    for node in graph.nodes:
        for x in node.inputs:
            users.setdefault(x, set()).add(home.get(node))
    kept = {*graph.outputs, *seen}
    for leaf in graph.nodes:
        if leaf in home or leaf in kept or leaf.inputs:
            continue
        where = users.get(leaf, set())
        if len(where) == 1 and (only := next(iter(where))) is not None:
            home[leaf] = only
    return home


def _runs(graph: Graph, key: Callable[[Tensor], str]) -> tuple[Group, ...]:
    """Nodes of one key that can stand together in a topological order, as groups."""
    pieces: list[tuple[str, list[Tensor]]] = []
    for node in _staying(graph, key):
        if not pieces or not key(node) or pieces[-1][0] != key(node):
            pieces.append((key(node), []))
        pieces[-1][1].append(node)
    named = [(name, nodes) for name, nodes in pieces if name]
    count: dict[str, int] = {}
    for name, _ in named:
        count[name] = count.get(name, 0) + 1
    seen: dict[str, int] = {}
    groups = []
    for name, nodes in named:
        seen[name] = seen.get(name, 0) + 1
        part = f" (part {seen[name]} of {count[name]})" if count[name] > 1 else ""
        groups.append(Group(_title(name) + part, tuple(nodes)))
    return tuple(groups)


def _staying(graph: Graph, key: Callable[[Tensor], str]) -> list[Tensor]:
    """The ops in a topological order that leaves a key only when none of its nodes is ready."""
    inner = _ops(graph)
    number = {node: i for i, node in enumerate(inner)}
    users: dict[Tensor, list[Tensor]] = {}
    waits = {}
    for node in inner:
        before = {x for x in node.inputs if x in number}
        waits[node] = len(before)
        for x in before:
            users.setdefault(x, []).append(node)
    ready: list[int] = []
    ready_of: dict[str, list[int]] = {}

    def enter(node: Tensor) -> None:
        heappush(ready, number[node])
        heappush(ready_of.setdefault(key(node), []), number[node])

    for node in inner:
        if not waits[node]:
            enter(node)
    done: set[int] = set()
    order: list[Tensor] = []
    while len(order) < len(inner):
        here = key(order[-1]) if order else ""
        heap = ready_of.get(here) if here else None
        place = heappop(heap or ready)
        if place in done:
            continue
        done.add(place)
        node = inner[place]
        order.append(node)
        for user in users.get(node, ()):
            waits[user] -= 1
            if not waits[user]:
                enter(user)
    return order


def _ops(graph: Graph) -> list[Tensor]:
    inner = graph.nodes[len(graph.inputs) :]
    return [node for node in inner if node.op is not None and node.op is not CONSTANT]


def _pieces(graph: Graph) -> tuple[Group, ...]:
    """Inputs, but for the first, and ops in their order, in pieces of equal size."""
    nodes = [*graph.inputs[1:], *_ops(graph)]
    size = -(-len(nodes) // PIECES)
    cut = [nodes[start : start + size] for start in range(0, len(nodes), size)]
    return tuple(
        Group(f"nodes {i * size + 1:,} to {i * size + len(piece):,}", tuple(piece))
        for i, piece in enumerate(cut)
    )
