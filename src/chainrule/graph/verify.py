"""verify: every node recomputed from the rules, so that a transform cannot go wrong silently."""

from __future__ import annotations

from chainrule.errors import DtypeError, RecordingError, ShapeError
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT


def verify(graph: Graph) -> None:
    """Recompute every shape and dtype, and check that inputs come before their use.

    Raises:
        RecordingError: a node uses one that comes later, or one that is not in the graph.
        ShapeError: a node's shape is not what its op makes of its inputs' shapes.
        DtypeError: likewise its dtype.
    """
    seen = set(graph.inputs)
    for number, node in enumerate(graph.nodes):
        where = f"node %{number} ({node.op or 'input'}{', ' + node.place if node.place else ''})"
        if node in seen and number < len(graph.inputs):
            continue
        seen.add(node)
        if node.op is None or node.op is CONSTANT:
            if not node.has_value:
                raise RecordingError(f"{where} is neither an input nor has a value.")
            if node.value.shape != node.shape or node.value.dtype != node.dtype:
                raise ShapeError(f"{where} says {node.shape}, but holds {node.value.shape}.")
            continue
        for x in node.inputs:
            if x not in seen:
                raise RecordingError(f"{where} uses a node that comes after it.")
        shape = node.op.shape(*[x.shape for x in node.inputs])
        if shape != node.shape:
            raise ShapeError(f"{where} says shape {node.shape}, but its op gives {shape}.")
        dtype = node.op.dtype(*[x.dtype for x in node.inputs])
        if dtype != node.dtype:
            raise DtypeError(f"{where} says {node.dtype}, but its op gives {dtype}.")
