"""Reading: a graph as a list of statements, each with a name on its left.

What has a name in the user's code gets a statement, and so does what is used more than once; the
rest is written inside the expression that uses it, unless that would grow too long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass

from chainrule.graph.apply import constant
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT
from chainrule.graph.tensor import Tensor
from chainrule.show.names import Names, gradient_names, names
from chainrule.show.rewriting import is_light
from chainrule.show.rows import Rows
from chainrule.show.spelling import Name
from chainrule.show.tidy import forward_order, tidy

#: An expression of more ops than this is cut in two.
LONGEST = 12


@dataclass(frozen=True)
class Reading:
    """A graph as people read it.

    ``forward`` and ``backward`` are the nodes that have a statement, in order; ``names`` has their
    names. ``rows`` knows m, the number of rows. ``repeats`` has, by their place, the outputs that
    are gradients and have another name already: that of b a is a.
    """

    graph: Graph
    names: Names
    rows: Rows
    forward: tuple[Tensor, ...]
    backward: tuple[Tensor, ...]
    repeats: dict[int, tuple[Name, Tensor]]

    @property
    def statements(self) -> tuple[Tensor, ...]:
        """All nodes that have a statement."""
        return self.forward + self.backward


def reading(
    graph: Graph, rewrite: Callable[[Graph, Names], tuple[Graph, Names]] | None = None
) -> Reading:
    """Read ``graph``: give names, put the derivatives in order, choose the statements.

    ``rewrite`` may put the forward pass into other words before the statements are chosen.
    """
    graph = graph.simplify()
    called = names(graph)
    rows = Rows(graph, called)
    graph, called = tidy(graph, called, rows)
    if rewrite is not None:
        graph, called = rewrite(graph, called)
    position = forward_order(graph)
    graph = _with_numbers_of_its_own(graph, position)
    chosen = _chosen(graph, called, set(position))
    forward = sorted([node for node in chosen if node in position], key=position.__getitem__)
    backward = [node for node in chosen if node not in position]
    known = {*position, *graph.inputs}
    for node, name in zip(graph.outputs, gradient_names(graph, called), strict=True):
        if name is not None and node not in known:
            called.give(node, name)
    for node in chosen:
        called.need(node, "c" if node.op is CONSTANT else "u")
    return Reading(graph, called, rows, tuple(forward), tuple(backward), _repeats(graph, called))


def _with_numbers_of_its_own(graph: Graph, forward: Container[Tensor]) -> Graph:
    """Outputs that are a number which the forward pass reads too, as nodes beside it.

    The 3 of y = 3 x + 1 is no derivative, though dy/dx is 3.
    """
    own = [
        constant(x.value) if x in forward and x.op is CONSTANT and x.size == 1 else x
        for x in graph.outputs
    ]
    new = set(own).difference(graph.outputs)
    if not new:
        return graph
    order = [*graph.nodes[len(graph.inputs) :], *new]
    return Graph(graph.inputs, own, graph.structure, order, graph.notes)


def _repeats(graph: Graph, called: Names) -> dict[int, tuple[Name, Tensor]]:
    pairs = enumerate(zip(graph.outputs, gradient_names(graph, called), strict=True))
    return {i: (name, x) for i, (x, name) in pairs if name is not None and called[x] != name}


def _chosen(graph: Graph, called: Names, forward: set[Tensor]) -> list[Tensor]:
    """The nodes that get a statement, in the order of the graph."""
    uses = Counter(x for node in graph.nodes for x in node.inputs)
    inputs, outputs = set(graph.inputs), set(graph.outputs)
    size: dict[Tensor, int] = {}
    chosen: set[Tensor] = set()
    leaves = set(inputs)

    def choose(x: Tensor) -> None:
        chosen.add(x)
        leaves.add(x)

    def weight(x: Tensor) -> int:
        return 0 if x in leaves else size.get(x, 0)

    for node in graph.nodes:
        if node in inputs:
            continue
        if node.op is None or node.op is CONSTANT:
            if node.size != 1 or node in outputs:
                choose(node)
            continue
        while sum(weight(x) for x in node.inputs) >= LONGEST:
            choose(max(node.inputs, key=weight))
        size[node] = 1 + sum(weight(x) for x in node.inputs)
        named = node in called and (node in forward or uses[node] > 1)
        repeated = uses[node] > 1 and not is_light(node, leaves)
        if named or repeated or node in outputs:
            choose(node)
    order = {node: i for i, node in enumerate(graph.nodes)}
    return sorted(chosen, key=order.__getitem__)
