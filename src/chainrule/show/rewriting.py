"""Rewriting: what the rules that put a derivative in order know, and how they build."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.apply import apply, constant
from chainrule.graph.op import CONSTANT, OPS, Op
from chainrule.graph.origin import came_from, identity_of
from chainrule.graph.tensor import Tensor
from chainrule.show.names import Names
from chainrule.show.rows import Rows

#: What changes the look of a node and not its substance.
_LIGHT = ("transpose", "negative", "reshape", "broadcast_to", "astype", "identity")


@dataclass(frozen=True)
class Context:
    """A graph under way: its names, its rows, and what may not be taken apart.

    ``closed`` nodes will stand under a name of their own. ``known`` finds, by op and inputs, what
    the user's code computed.
    """

    names: Names
    rows: Rows
    closed: set[Tensor]
    known: Mapping[Any, Tensor]

    def is_open(self, x: Tensor, *ops: str) -> bool:
        """Whether a rule may look inside ``x``, and it is one of these ops."""
        return x not in self.closed and came_from(x, *ops)

    def computed(self, op: Op, inputs: Sequence[Tensor]) -> Tensor | None:
        """What the user's code computed with this op from these inputs, if it did."""
        return self.known.get(identity_of(op, inputs))


def is_called(
    node: Tensor, names: Names, forward: Container[Tensor], uses: int, others: Container[Tensor]
) -> bool:
    """Whether a reader is helped by a name for ``node``, others being those with names.

    What the user named keeps its name; a derivative needs one if it is used more than once, and
    anything else then too, unless it is quickly written again.
    """
    if node in names and (node in forward or uses > 1 or not node.inputs):
        return True
    return (node in forward or uses > 1) and not is_light(node, others)


def is_light(node: Tensor, named: Container[Tensor], deep: int = 4) -> bool:
    """Whether writing a node twice costs the reader less than a name for it."""
    if not node.inputs or node in named:
        return node.size == 1 or node.op is not CONSTANT
    if not deep:
        return False
    if came_from(node, *_LIGHT):
        return is_light(node.inputs[0], named, deep - 1)
    if came_from(node, "add", "subtract", "multiply", "divide"):
        return any(x.op is CONSTANT for x in node.inputs) and all(
            is_light(x, named, deep - 1) for x in node.inputs
        )
    return False


def new(op: str, *inputs: Tensor | float) -> Tensor:
    """An op by name; a number takes the dtype of what it is combined with."""
    like = np.result_type(*[x.dtype for x in inputs if isinstance(x, Tensor)])
    nodes = [x if isinstance(x, Tensor) else constant(x, like) for x in inputs]
    return applied(OPS[op](), *nodes)


def applied(op: Op, *inputs: Tensor) -> Tensor:
    """An op on inputs."""
    node: Tensor = apply(op, *inputs)
    return node


def spread(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``x`` repeated to fill a shape."""
    flat = constant(x.value.reshape(())) if x.op is CONSTANT and x.size == 1 else x
    return applied(OPS["broadcast_to"](shape), flat)  # type: ignore[call-arg]


def broadcast(inputs: Sequence[Tensor], place: int, instead: Tensor) -> tuple[int, ...]:
    """The shape of an elementwise result with one input exchanged."""
    shapes = [instead.shape if i == place else x.shape for i, x in enumerate(inputs)]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return ()


def all_same(a: Sequence[Tensor], b: Sequence[Tensor]) -> bool:
    """Whether two lists have the same nodes."""
    return all(x is y for x, y in zip(a, b, strict=True))
