"""Labels: the names of a graph's nodes as a walk and a drawing write them."""

from __future__ import annotations

from chainrule.graph.graph import Graph
from chainrule.graph.tensor import Tensor
from chainrule.show.names import names


def labels(graph: Graph) -> dict[Tensor, str]:
    """What each node that has a name is called: inputs as the user wrote, others as in code."""
    found = names(graph)
    called = {node: found[node].code for node in graph.nodes if node in found}
    return called | dict(zip(graph.inputs, graph.input_names(), strict=True))
