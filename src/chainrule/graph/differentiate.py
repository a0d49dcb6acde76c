"""differentiate: the chain rule, node by node, from the output back to where it was asked for.

One walk serves both ways of living: handed Tensors, every pullback is recorded, and the gradient is
itself a graph; handed arrays (``backward``), the same rules just compute. Each node's rule goes
through one door, ``rule``, so that a judge can replay the walk with one rule altered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.errors import GradientError, ShapeError
from chainrule.graph.apply import constant
from chainrule.graph.graph import needed
from chainrule.graph.op import CONSTANT, FUNCTIONS, Array, public
from chainrule.graph.recording import move, within
from chainrule.graph.tensor import Tensor, no_complex_gradient, require_float, require_scalar

Rule = Callable[..., tuple[Any, ...]]
Arrived = dict[Tensor, Any]
"""What has arrived at each Tensor so far: a cotangent, or None."""


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
        DtypeError: one of ``wrt`` holds integers or complex numbers, or the chain leads through
            complex ones.
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
    found = dependents(needed([output]), wrt)
    if output in found:
        found[output] = cotangent

    def pull(node: Tensor, g: Any) -> tuple[Any, ...]:
        if not any(x in found for x in node.inputs):
            return (None,) * len(node.inputs)
        move(node.scope, node.place)
        return rule(node, g, node, *node.inputs)

    with within(""):
        send_back(reversed(found.items()), found, pull)
    arrived = {node: g for node, g in reversed(found.items()) if g is not None}
    gradients = [
        arrived[node] if node in arrived else constant(np.zeros(node.shape, node.dtype))
        for node in wrt
    ]
    return gradients, arrived


@public
def backward(output: Tensor, cotangent: Any = None) -> None:
    """Leave the gradient of ``output`` in the ``grad`` of every Tensor it was computed from.

    Raises:
        DtypeError: the output holds no floats, or complex numbers were made of floats on the way.
        GradientError: more than one entry and no cotangent, or one of another shape.
    """
    require_float(output, "backward()")
    if cotangent is None:
        require_scalar(output, "backward()")
        given = np.array(1.0, output.dtype).reshape(output.shape)
    else:
        given = np.array(cotangent, output.dtype)
        if given.shape != output.shape:
            raise GradientError(
                f"the cotangent has shape {given.shape}; it weighs the entries of a Tensor of "
                f"shape {output.shape}, so it needs that shape."
            )
    like, nodes = output.dtype, needed([output])
    found: dict[Tensor, Any] = {
        x: None for x in nodes if x.op is not CONSTANT and (x.dtype is like or x.dtype.kind == "f")
    }
    if len(found) < len(nodes):
        for node in nodes:
            if node.dtype.kind == "c" and any(x in found for x in node.inputs):
                raise no_complex_gradient(node)
    _evaluate(output, given, found)
    for node, g in found.items():
        node._arrived = np.zeros(node.shape, node.dtype) if g is None else g
        node._grad = None


def gradients(output: Tensor, wrt: Sequence[Tensor]) -> list[Array]:
    """The gradient of ``output``, of one entry, as arrays: ``differentiate`` without recording."""
    found = dependents(needed([output]), wrt)
    if output in found:
        _evaluate(output, np.ones(output.shape, output.dtype), found)
    return [
        np.zeros(node.shape, node.dtype) if (g := found.get(node)) is None else np.array(g)
        for node in wrt
    ]


@np.errstate(all="ignore")  # NaN and infinity come out: who looks at a gradient sees them there
def _evaluate(output: Tensor, cotangent: Array, found: dict[Tensor, Any]) -> None:
    """Walk back from ``output`` with values in place of Tensors.

    Raises:
        RecordingError: there are none, because the output is being traced.
    """
    _ = output.value  # where there is none, this says why
    found[output] = cotangent
    own: Arrived = {}
    for node, g in reversed(found.items()):
        inputs = node.inputs
        if g is None or not inputs:
            continue
        assert node.op is not None
        # Nearly every op has one or two inputs, and for few numbers a loop or a star is dear.
        if len(inputs) == 1:
            (a,) = inputs
            pulled = node.op.pull(g, node._value, a._value)
            if len(pulled) == 1 and a in found:
                _arrive(a, pulled[0], node, found, own)
                continue
        elif len(inputs) == 2:
            a, b = inputs
            y, left, right = node._value, a._value, b._value
            if len(node.op.apart) == 2:
                to_a, to_b = node.op.apart
                if a in found:
                    _arrive(a, to_a(g, y, left, right), node, found, own)
                if b in found:
                    _arrive(b, to_b(g, y, left, right), node, found, own)
                continue
            pulled = node.op.pull(g, y, left, right)
        else:
            pulled = node.op.pull(g, node._value, *[x._value for x in inputs])
        _send(node, pulled, found, own)


def send_back(
    arrived: Iterable[tuple[Tensor, Any]],
    found: dict[Tensor, Any],
    pull: Callable[[Tensor, Any], tuple[Any, ...]],
) -> None:
    """The chain rule: what arrived at each node goes through its rule on to the node's inputs.

    Args:
        arrived: nodes with their cotangents, each after all that use it; None: nothing arrived.
        found: what has arrived at each Tensor so far, or None; it is added to. Nothing is sent to
            a Tensor that is not there.
        pull: a node and its cotangent to the cotangents of the node's inputs.

    Raises:
        GradientError: a rule does not give as many cotangents as the node has inputs.
        ShapeError: a cotangent does not have its input's shape, and is no broadcast of it.
    """
    own: Arrived = {}
    for node, g in arrived:
        if g is not None and node.inputs:
            _send(node, pull(node, g), found, own)


def _send(node: Tensor, pulled: tuple[Any, ...], found: Arrived, own: Arrived) -> None:
    if len(pulled) != len(node.inputs):
        raise GradientError(
            f"the pullback of {node.op} gave {len(pulled)} cotangents for {len(node.inputs)} "
            "inputs."
        )
    for x, gx in zip(node.inputs, pulled, strict=True):
        if x in found:
            _arrive(x, gx, node, found, own)


def _arrive(x: Tensor, gx: Any, node: Tensor, found: Arrived, own: Arrived) -> None:
    """Add what ``node`` pulled back to what was ``found`` at ``x`` before.

    A cotangent may be shared by many Tensors; a sum that was made here is this walk's ``own``
    until ``x`` has its turn, so that the next can be added in its place.
    """
    if type(gx) is not ndarray:
        if gx is None:
            return
        if callable(gx):
            gx = gx()
    if gx.shape != x.shape or gx.dtype is not x.dtype:
        gx = _fitted(gx, x, node)
    before = found[x]
    if before is None:
        found[x] = gx
    elif before is own.get(x):
        before += gx
        found[x] = before
    else:
        found[x] = own[x] = before + gx


def dependents(nodes: Iterable[Tensor], wrt: Iterable[Tensor]) -> dict[Tensor, Any]:
    """The ``nodes`` that depend on ``wrt``, itself included, but for integers: each with None."""
    wanted = set(wrt)
    leads: dict[Tensor, Any] = {}
    for node in nodes:
        if node in wanted or (node.dtype.kind in "fc" and any(x in leads for x in node.inputs)):
            leads[node] = None
    return leads


def _fitted(gx: Any, x: Tensor, node: Tensor) -> Any:
    """Undo broadcasting and promotion: a cotangent has its input's shape and dtype.

    Raises:
        DtypeError: the chain leads through complex numbers.
    """
    if gx.dtype.kind == "c" or x.dtype.kind == "c":
        raise no_complex_gradient(x if x.dtype.kind == "c" else node)
    if gx.shape != x.shape:
        try:
            gx = FUNCTIONS["sum_to"](gx, x.shape)
        except (ValueError, IndexError) as error:
            raise ShapeError(
                f"the pullback of {node.op} gave a cotangent of shape {gx.shape} for an input of "
                f"shape {x.shape}."
            ) from error
    return gx if gx.dtype == x.dtype else FUNCTIONS["astype"](gx, x.dtype)
