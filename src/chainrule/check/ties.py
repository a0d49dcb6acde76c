"""Ties: a ReLU at exactly 0, two equal numbers in a maximum, z > 0 at z = 0.

There the loss has a kink, and the gradient is a matter of taste: ``z > 0`` in a backward pass takes
the derivative 0 at 0, ``z >= 0`` takes 1, both rightly. Zero biases on a row of zeros suffice. So a
tied number is tilted by next to nothing, to one side or the other; then one taste is the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.check.evidence import Array
from chainrule.engine.reference import evaluate_nodes
from chainrule.graph import Graph, Tensor
from chainrule.graph.apply import constant
from chainrule.graph.graph import rebuilt, rewired
from chainrule.graph.op import CONSTANT
from chainrule.graph.recording import within

#: Ops with a kink where their input is 0, and where their two inputs are equal.
AT_ZERO = {"relu", "leaky_relu", "elu", "abs", "sign"}
AT_EQUAL = {"maximum", "minimum", "greater", "greater_equal", "less", "less_equal"}
#: The first tilt, and how much larger each one after it is, so that it outweighs all before it.
TILT, GROWTH = 1e-250, 1e10


@dataclass(frozen=True)
class Tie:
    """A node at its kink: which of its inputs is to be tilted, and in which entries."""

    node: Tensor
    place: int
    where: NDArray[np.bool_]


def ties(graph: Graph, point: Mapping[str, Array]) -> list[Tie]:
    """The nodes that are at a kink for these inputs, in order."""
    values = dict(evaluate_nodes(graph, [point[name] for name in graph.input_names()]))
    found = []
    for node in graph.nodes:
        name = node.op.name if node.op is not None else ""
        if name not in AT_ZERO | AT_EQUAL:
            continue
        # A constant cannot be tilted by the parameters; the other input can.
        place = next((i for i, x in enumerate(node.inputs) if x.op is not CONSTANT), None)
        if place is None or node.inputs[place].dtype.kind != "f":
            continue
        other = values[node.inputs[1 - place]] if name in AT_EQUAL else 0.0
        where = np.broadcast_to(values[node.inputs[place]] == other, node.shape)
        if where.any() and node.inputs[place].shape == node.shape:
            found.append(Tie(node, place, where))
    return found


def tilted(graph: Graph, found: list[Tie], side: int) -> Graph:
    """The same computation with every tie decided: upwards for ``side`` 1, downwards for -1."""
    tilts = {
        tie.node: (tie.place, tie.where * (side * TILT * GROWTH**i)) for i, tie in enumerate(found)
    }
    become: dict[Tensor, Tensor] = {node: node for node in graph.inputs}
    for node in graph.nodes[len(graph.inputs) :]:
        inputs = [become[x] for x in node.inputs]
        with within(node.scope, node.place):
            if node in tilts:
                place, tilt = tilts[node]
                inputs[place] = inputs[place] + constant(tilt)
            become[node] = rewired(node, tuple(inputs))
    return rebuilt(graph, become)
