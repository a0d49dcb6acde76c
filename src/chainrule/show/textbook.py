"""The forward pass in a textbook's words.

A loss is recorded in the form that does not overflow, from the logits. A textbook writes it with
the prediction: -y ln ŷ - (1 - y) ln(1 - ŷ). In a formula nothing can overflow, so that is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph, rebuilt, rewired
from chainrule.graph.op import OPS
from chainrule.graph.origin import came_from, identity_of
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor
from chainrule.show.names import Names


def textbook(graph: Graph, names: Names) -> tuple[Graph, Names]:
    """The graph with its losses written in terms of the prediction."""
    known = {identity_of(node.op, node.inputs): node for node in graph.notes.forward if node.inputs}
    become: dict[Tensor, Tensor] = {}
    for old in graph.nodes:
        node = rewired(old, tuple(become.get(x, x) for x in old.inputs))
        with within(node.scope, node.place):
            words = _in_words(node, known)
        become[old] = node if words is None else words
    worded = rebuilt(graph, become)
    return worded, names.moved(graph, worded, become)


def _in_words(node: Tensor, known: Mapping[Any, Tensor]) -> Tensor | None:
    if came_from(node, "sigmoid_cross_entropy"):
        z, t = node.inputs
        p = known.get(identity_of(OPS["sigmoid"](), (z,)))
        if p is None:
            p = apply(OPS["sigmoid"](), z)
        return -(t * _log(p) + (1.0 - t) * _log(1.0 - p))
    if came_from(node, "softmax_cross_entropy") and node.ndim == 1:
        z, t = node.inputs
        p = known.get(identity_of(OPS["softmax"](1), (z,)))  # type: ignore[call-arg]
        return None if p is None else -_log(p[np.arange(node.size), t])
    if came_from(node, "softplus"):
        (x,) = node.inputs
        p = known.get(identity_of(OPS["sigmoid"](), (x,)))
        if p is not None:
            return -_log(1.0 - p)
        if came_from(x, "negative"):
            p = known.get(identity_of(OPS["sigmoid"](), x.inputs))
            return None if p is None else -_log(p)
    if came_from(node, "log_softmax"):
        assert node.op is not None
        p = known.get(identity_of(OPS["softmax"](**node.op.settings()), node.inputs))
        return None if p is None else _log(p)
    if came_from(node, "negative") and came_from(node.inputs[0], "negative"):
        return node.inputs[0].inputs[0]
    return None


def _log(x: Tensor) -> Tensor:
    """The logarithm as it is written, not in its stable form."""
    node: Tensor = apply(OPS["log"](), x)
    return node
