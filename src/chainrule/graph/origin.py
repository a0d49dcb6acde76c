"""Where a node came from: what every rule that rewrites a graph asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chainrule.graph.op import Op
from chainrule.graph.tensor import Tensor


def came_from(x: Tensor, *ops: str) -> bool:
    """Whether ``x`` is the result of one of these ops, by name."""
    return x.op is not None and x.op.name in ops


def settings(x: Tensor) -> dict[str, Any]:
    """The settings of the op that made ``x``, such as its axis; none for a leaf."""
    return {} if x.op is None else x.op.settings()


def identity_of(op: Op | None, inputs: Iterable[Tensor]) -> tuple[Any, ...]:
    """A key that two nodes share if they are the same op on the same inputs."""
    return (op, *[x.index for x in inputs])
