"""The loss, later: graph to graph. What only the loss needs is taken out of the step.

A step needs the gradient of its loss, not the loss. On a small network, computing it costs as much
as a tenth of the step; so the step keeps what the loss is made of (the scores, say), and the losses
of some hundred steps are computed at a time. The losses are the same numbers, found later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from chainrule.graph.batch import batch
from chainrule.graph.graph import Graph, needed, rewired
from chainrule.graph.op import CONSTANT
from chainrule.graph.tensor import Tensor, placeholder
from chainrule.train.step import Step

#: Up to so many entries are kept of a step. With more, the calls that are saved cost less than
#: the copies that are made.
SMALL = 256


@dataclass(frozen=True)
class LateLoss:
    """A step without its loss, and the loss of some steps at a time.

    ``step`` replaces what it did; its other outputs, ``kept`` by place, are what ``losses`` takes,
    stacked, under the names ``names``. Where the loss cannot wait, it is itself what is kept, and
    ``losses`` is None.
    """

    step: Step
    kept: tuple[int, ...]
    names: tuple[str, ...]
    losses: Graph | None


def late_loss(step: Step, steady: Collection[str], count: int) -> LateLoss:
    """Take the loss, output 0, out of a step; ``losses`` gives those of ``count`` steps.

    ``steady`` names the inputs that are the same in every step.
    """
    graph = step.graph
    loss, *others = graph.outputs
    always = {graph.input(name) for name in steady}
    found = _cut(loss, others, always)
    parts = [loss] if found is None else found
    replaces = {place - 1: name for place, name in step.replaces.items()}
    outputs = [*others, *parts]
    wanted = set(needed(outputs, graph.inputs))
    # In the step's own order: else the first passes of an update stand before the products, apart
    # from the others, and fetch all parameters once more.
    shorter = Graph(graph.inputs, outputs, order=[x for x in graph.nodes if x in wanted])
    kept = tuple(range(len(others), len(others) + len(parts)))
    names = tuple(f"kept {i}" for i in range(len(parts)))
    losses = None
    if found is not None:
        losses = batch(_from(found, names, loss, graph), count, names)
    return LateLoss(Step(shorter, replaces), kept, names, losses)


def _cut(loss: Tensor, others: list[Tensor], always: set[Tensor]) -> list[Tensor] | None:
    """The results that the rest of the step computes anyway, and the loss follows from.

    None if it needs something that is changed by the step, or too much.
    """
    done = set(needed(others))
    cut: dict[Tensor, None] = {}
    for node in needed([loss], [*done, *always]):
        if node.op is None:
            return None
        for x in node.inputs:
            if x in always or x.op is CONSTANT or x not in done or x in cut:
                continue
            if x.op is None:
                return None
            cut[x] = None
    return list(cut) if 0 < sum(x.size for x in cut) <= SMALL else None


def _from(cut: list[Tensor], names: tuple[str, ...], loss: Tensor, graph: Graph) -> Graph:
    """The loss as a function of what is kept and of the graph's inputs."""
    given = [placeholder(x.shape, x.dtype, name) for x, name in zip(cut, names, strict=True)]
    become = dict(zip(cut, given, strict=True))
    for node in needed([loss], [*cut, *graph.inputs]):
        become[node] = rewired(node, tuple(become.get(x, x) for x in node.inputs))
    reached = set(needed([become[loss]]))
    used = [x for x in graph.inputs if x in reached]
    return Graph([*given, *used], [become[loss]])
