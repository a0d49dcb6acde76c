"""Tidy: a backward pass as a textbook would write it.

The chain rule leaves factors of 1/4 inside, minus signs between, and products that cancel. Here
these are put in order, node by node: the sign in front, numbers multiplied with each other, 1/n as
a division, σ(z) where e^(z - softplus z) stood, sums of products expanded where that makes them
shorter. The forward pass stays as the user wrote it. Values change by rounding alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import identity_of
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor
from chainrule.show import factors, rules
from chainrule.show.names import Names
from chainrule.show.polynomial import shorter
from chainrule.show.rewriting import Context, is_called
from chainrule.show.rows import Rows

#: Rules can set each other off, but each makes an expression shorter or moves a sign outwards.
MOST_PASSES = 20
#: No rule looks deeper into an expression than this.
DEEPEST = 24

RULES = (
    rules.activation,
    rules.vector_product,
    rules.ones,
    rules.signs,
    rules.twice,
    factors.common_number,
    factors.number_outside,
    rules.known_reduction,
    factors.product,
    shorter,
)


def tidy(graph: Graph, names: Names, rows: Rows) -> tuple[Graph, Names]:
    """The graph with its derivatives in textbook order, and the names of its nodes."""
    if not graph.notes.passes:
        return graph, names
    forward = {*forward_order(graph), *graph.inputs}
    for _ in range(MOST_PASSES):
        become = _passed(graph, forward, _context(graph, names, rows, forward))
        if all(a is b for a, b in become.items()):
            break
        tidier = rebuilt(graph, become)
        graph, names = tidier, names.moved(graph, tidier, become)
        forward = {become.get(node, node) for node in forward}
    return graph, names


def forward_order(graph: Graph) -> dict[Tensor, tuple[int, int, int]]:
    """The nodes of the forward pass, each with what to sort by: the order of the user's code.

    A node that a transform put in comes right before the first one that uses it, and so does a
    constant, such as an array that the user's code closes over.
    """
    if not graph.notes.passes:
        return {node: (0, 0, i) for i, node in enumerate(graph.nodes)}
    given = set(graph.inputs)
    order = {node: (i, 1, 0) for i, node in enumerate(graph.notes.forward)}
    for i, node in reversed(list(enumerate(graph.nodes))):
        if node in order:
            for x in node.inputs:
                place = order.get(x)
                if x not in given and (place is None or place[1] == 0):
                    order[x] = min(place or (len(graph.nodes), 0, i), (order[node][0], 0, i))
    return order


def _context(graph: Graph, names: Names, rows: Rows, forward: set[Tensor]) -> Context:
    uses = Counter(x for node in graph.nodes for x in node.inputs)
    uses.update(graph.outputs)
    closed: set[Tensor] = set()
    depth: dict[Tensor, int] = {}
    for node in dict.fromkeys((*graph.notes.forward, *graph.nodes)):
        depth[node] = 1 + max((depth.get(x, 0) for x in node.inputs), default=0)
        if depth[node] > DEEPEST or is_called(node, names, forward, uses[node], closed):
            closed.add(node)
            depth[node] = 0
    inner = [node for node in graph.notes.forward if node.inputs]
    known = {identity_of(node.op, node.inputs): node for node in inner}
    return Context(names, rows, closed, known)


def _passed(graph: Graph, forward: set[Tensor], at: Context) -> dict[Tensor, Tensor]:
    """What each node becomes when every rule has looked at it once, its inputs first."""
    become: dict[Tensor, Tensor] = {}
    shared: dict[tuple[Any, ...], Tensor] = {}
    for old in graph.nodes:
        node = rewired(old, tuple(become.get(x, x) for x in old.inputs))
        if old not in forward and node.inputs:
            node = _simpler(node, at)
            if node.inputs:
                node = shared.setdefault(identity_of(node.op, node.inputs), node)
        become[old] = node
        if old in at.closed:
            at.closed.add(node)
    return become


def _simpler(node: Tensor, at: Context) -> Tensor:
    assert node.op is not None
    before = at.computed(node.op, node.inputs)
    if before is not None and (before in at.names or node not in at.names):
        return before  # the user computed it, and no output needed it
    with within(node.scope, node.place):
        for rule in RULES:
            found = rule(at, node)
            if found is not None and _fits(found, node) and not _same(found, node):
                return found
    return node


def _fits(found: Tensor, node: Tensor) -> bool:
    return found.shape == node.shape and found.dtype == node.dtype


def _same(a: Tensor, b: Tensor) -> bool:
    """Whether two nodes are written alike."""
    stack = [(a, b)]
    while stack:
        x, y = stack.pop()
        if x is y:
            continue
        if x.op is CONSTANT and y.op is CONSTANT:
            if x.size == y.size == 1 and x.value.item() == y.value.item():
                continue
            return False
        if x.op is None or x.op != y.op or len(x.inputs) != len(y.inputs):
            return False
        stack.extend(zip(x.inputs, y.inputs, strict=True))
    return True
