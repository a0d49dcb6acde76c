"""differentiate: the chain rule, node by node, from the output back to where it was asked for.

One walk serves both ways of living: handed Tensors, every pullback is recorded, and the gradient is
itself a graph; handed arrays (``backward``), the same rules just compute. Each node's rule goes
through one door, ``rule``, so that a judge can replay the walk with one rule altered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.errors import GradientError, ShapeError
from chainrule.graph.graph import needed
from chainrule.graph.op import CONSTANT, FUNCTIONS
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor, constant, require_float, require_scalar

Rule = Callable[..., tuple[Any, ...]]


def by_the_op(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
    """The rule that the node's op states."""
    assert node.op is not None
    return node.op.pull(g, y, *x)


def differentiate(
    output: Tensor,
    wrt: Sequence[Tensor],
    cotangent: Any = None,
    rule: Rule = by_the_op,
) -> list[Tensor]:
    """The gradient of ``output`` with respect to each of ``wrt``, recorded as Tensors.

    Args:
        output: a Tensor of one entry, unless a cotangent is given.
        wrt: Tensors of floats. One that the output does not depend on gets zeros.
        cotangent: the weight of each entry of the output.
        rule: ``(node, g, y, *x)`` to the cotangents of the node's inputs.

    Raises:
        DtypeError: one of ``wrt`` holds integers.
        GradientError: the output has several entries and there is no cotangent.
    """
    return gradients_and_cotangents(output, wrt, cotangent, rule)[0]


def gradients_and_cotangents(
    output: Tensor,
    wrt: Sequence[Tensor],
    cotangent: Any = None,
    rule: Rule = by_the_op,
) -> tuple[list[Tensor], dict[Tensor, Tensor]]:
    """What ``differentiate`` gives, and the cotangent of every node on the way."""
    for node in wrt:
        require_float(node, "a gradient")
    if cotangent is None:
        require_scalar(output, "a gradient")
        cotangent = constant(np.ones(output.shape, output.dtype))
    found = _walk(output, cotangent, wrt, rule, lambda node: node)
    gradients = [
        found[node] if node in found else constant(np.zeros(node.shape, node.dtype)) for node in wrt
    ]
    return gradients, found


def backward(output: Tensor, cotangent: Any = None) -> None:
    """Leave the gradient of ``output`` in the ``grad`` of every Tensor it was computed from."""
    require_float(output, "backward()")
    if cotangent is None:
        require_scalar(output, "backward()")
        cotangent = np.ones(output.shape, output.dtype)
    given = np.asarray(cotangent, dtype=output.dtype)
    if given.shape != output.shape:
        raise GradientError(
            f"the cotangent has shape {given.shape}; it weighs the entries of a Tensor of shape "
            f"{output.shape}, so it needs that shape."
        )
    leaves = [node for node in needed([output]) if node.op is None and node.dtype.kind == "f"]
    with np.errstate(all="ignore"):
        found = _walk(output, given, leaves, by_the_op, lambda node: node.value)
    for node in needed([output]):
        g = found.get(node)
        if g is not None:
            node._grad = np.array(g)
        elif node.dtype.kind == "f" and node.op is not CONSTANT:
            node._grad = np.zeros(node.shape, node.dtype)


def _walk(
    output: Tensor, cotangent: Any, wrt: Sequence[Tensor], rule: Rule, lift: Callable[[Tensor], Any]
) -> dict[Tensor, Any]:
    """The cotangent of each node on a way from ``wrt`` to ``output``, by the chain rule."""
    nodes = needed([output])
    leads = dependents(nodes, wrt)
    cotangents: dict[Tensor, Any] = {output: cotangent} if output in leads else {}
    for node in reversed(nodes):
        g = cotangents.get(node)
        if g is None or not node.inputs or not any(x in leads for x in node.inputs):
            continue
        with within(node.scope, node.place):
            for x, gx in sent_back(node, g, leads, rule, lift):
                before = cotangents.get(x)
                cotangents[x] = gx if before is None else before + gx
    return cotangents


def sent_back(
    node: Tensor, g: Any, leads: Collection[Tensor], rule: Rule, lift: Callable[[Tensor], Any]
) -> Iterator[tuple[Tensor, Any]]:
    """What one node, at which ``g`` has arrived, sends back to each of its inputs in ``leads``.

    Raises:
        GradientError: the rule does not give as many cotangents as the node has inputs.
        ShapeError: a cotangent does not have its input's shape, and is no broadcast of it.
    """
    pulled = rule(node, g, lift(node), *[lift(x) for x in node.inputs])
    if len(pulled) != len(node.inputs):
        raise GradientError(
            f"the pullback of {node.op} gave {len(pulled)} cotangents for "
            f"{len(node.inputs)} inputs."
        )
    for x, gx in zip(node.inputs, pulled, strict=True):
        if gx is not None and x in leads:
            yield x, _fitted(gx() if callable(gx) else gx, x, node)


def dependents(nodes: Sequence[Tensor], wrt: Sequence[Tensor]) -> set[Tensor]:
    """The nodes of floats that depend on ``wrt``, itself included."""
    leads = set(wrt)
    for node in nodes:
        if node.dtype.kind == "f" and any(x in leads for x in node.inputs):
            leads.add(node)
    return leads


def _fitted(gx: Any, x: Tensor, node: Tensor) -> Any:
    """Undo broadcasting and promotion: a cotangent has its input's shape and dtype."""
    if gx.shape != x.shape:
        try:
            gx = FUNCTIONS["sum_to"](gx, x.shape)
        except (ValueError, IndexError) as error:
            raise ShapeError(
                f"the pullback of {node.op} gave a cotangent of shape {gx.shape} for an input of "
                f"shape {x.shape}."
            ) from error
    return gx if gx.dtype == x.dtype else FUNCTIONS["astype"](gx, x.dtype)
