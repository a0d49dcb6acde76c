"""Notes: what people who read a graph want to know, and what no engine needs.

A graph keeps the nodes that its outputs need. Beyond these, a reader wants the names that the user
gave on the way (also to what the stable forms made superfluous), which inputs are the parameters,
and which node of a backward pass is the cotangent of which node of the forward pass.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from chainrule.graph.tensor import Tensor


@dataclass(frozen=True)
class BackwardPass:
    """One walk of the chain rule: back from ``output`` to ``wrt``, with the cotangents it found.

    ``cotangents`` goes from a node of the forward pass to the derivative of ``output`` by it.
    """

    output: Tensor
    wrt: tuple[Tensor, ...]
    cotangents: Mapping[Tensor, Tensor]

    def moved(self, become: Mapping[Tensor, Tensor]) -> BackwardPass:
        """The same pass between the nodes that the old ones became."""
        pairs = self.cotangents.items()
        return BackwardPass(
            become.get(self.output, self.output),
            tuple(become.get(x, x) for x in self.wrt),
            {become.get(node, node): become.get(g, g) for node, g in pairs},
        )

    def restricted(self, nodes: Container[Tensor]) -> BackwardPass:
        """Only the cotangents that are among ``nodes``."""
        pairs = self.cotangents.items()
        return replace(self, cotangents={node: g for node, g in pairs if g in nodes})


@dataclass(frozen=True)
class Notes:
    """What is known of a graph beyond its nodes.

    ``recorded`` has every node that the user's code made, in order, needed or not, and ``now`` what
    transforms have made of it; ``parameters`` are the inputs by which a network learns; ``passes``
    the backward passes, the earliest first.
    """

    recorded: tuple[Tensor, ...] = ()
    now: Mapping[Tensor, Tensor] = field(default_factory=dict)
    parameters: tuple[Tensor, ...] = ()
    passes: tuple[BackwardPass, ...] = ()

    @property
    def forward(self) -> tuple[Tensor, ...]:
        """What was recorded, as it is now; each node once."""
        return tuple(dict.fromkeys(self.now.get(node, node) for node in self.recorded))

    def with_pass(self, one: BackwardPass, nodes: Iterable[Tensor]) -> Notes:
        """These notes after differentiating a graph of these nodes."""
        recorded = self.recorded or tuple(nodes)
        return replace(self, recorded=recorded, passes=(*self.passes, one))

    def moved(self, become: Mapping[Tensor, Tensor], kept: Iterable[Tensor]) -> Notes:
        """These notes after a transform turned old nodes into new ones, of which it ``kept`` some.

        What was recorded and is not needed follows its inputs to their new nodes.
        """
        after = dict(become)
        for node in self.forward:
            if node not in after:
                after[node] = _following(node, after)
        passes = [one.moved(after) for one in self.passes]
        there = {*kept, *[one.output for one in passes]}
        return replace(
            self,
            now={raw: after[self.now.get(raw, raw)] for raw in self.recorded},
            passes=tuple(one.restricted(there) for one in passes),
        )


def _following(node: Tensor, now: Mapping[Tensor, Tensor]) -> Tensor:
    inputs = tuple(now.get(x, x) for x in node.inputs)
    if node.has_value or all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return node
    fresh = Tensor(node.op, inputs, None, node.shape, node.dtype, node.name)
    fresh.scope, fresh.place = node.scope, node.place
    return fresh
