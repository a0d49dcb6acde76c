"""Stable forms: textbook formulas that would overflow, seen for what they are.

A node knows where it came from. So ``log(softmax(z))`` need not take the log of a probability that
was rounded to 0: it is recorded as log_softmax(z), finite at every finite z. The table, with σ the
sigmoid and each form exact::

    log σ(z)            = -softplus(-z)          1 / (1 + e^-z)     = σ(z)
    log(1 - σ(z))       = -softplus(z)           e^z / (1 + e^z)    = σ(z)
    log softmax(z)      = log_softmax(z)         e^z / Σ e^z        = softmax(z)
    log(1 + e^z)        = softplus(z)            log Σ e^z          = logsumexp(z)
                                                 a / (1 + e^-z)     = a σ(z)

1 - σ may be written -σ + 1, and log(1 + x) may be log1p(x). Picking, slicing or reshaping
probabilities before the log changes nothing. The functions are looked up by name, because the ops
that are meant here are themselves written with ``log`` and ``divide``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.apply import apply
from chainrule.graph.op import CONSTANT, FUNCTIONS
from chainrule.graph.origin import came_from, settings
from chainrule.graph.tensor import Tensor

# The parts of an index that pick everything: a whole slice, a new axis, an ellipsis.
_WHOLE = {(None, None, None), None, ...}
_MOVES = {"index", "take", "reshape", "transpose", "squeeze", "expand_dims", "broadcast_to"}


def log_of_known(x: Tensor) -> Tensor | None:
    """The stable form of log x, or None if ``x`` came from nothing known."""
    source, moves = _unmoved(x)
    logarithm = _log_of_unmoved(source)
    return None if logarithm is None else _moved(logarithm, moves)


def _log_of_unmoved(x: Tensor) -> Tensor | None:
    if came_from(x, "sigmoid"):
        return -_softplus(-x.inputs[0])
    if (p := _taken_from_one(x)) is not None:
        return _log_of_one_minus(p)
    if came_from(x, "softmax"):
        return FUNCTIONS["log_softmax"](x.inputs[0], **settings(x))  # type: ignore[no-any-return]
    if came_from(x, "sum") and came_from(x.inputs[0], "exp"):
        return FUNCTIONS["logsumexp"](x.inputs[0].inputs[0], **settings(x))  # type: ignore[no-any-return]
    exponent = _one_plus_exp(x)
    return None if exponent is None else _softplus(exponent)


def log1p_of_known(x: Tensor) -> Tensor | None:
    """The stable form of log(1 + x), or None if ``x`` came from nothing known."""
    source, moves = _unmoved(x)
    if came_from(source, "exp"):
        return _moved(_softplus(source.inputs[0]), moves)
    if came_from(source, "negative"):
        known = _log_of_one_minus(source.inputs[0])
        return None if known is None else _moved(known, moves)
    return None


def _log_of_one_minus(p: Tensor) -> Tensor | None:
    sigmoid, moves = _unmoved(p)
    return _moved(-_softplus(sigmoid.inputs[0]), moves) if came_from(sigmoid, "sigmoid") else None


def _taken_from_one(x: Tensor) -> Tensor | None:
    """p, if x is 1 - p or -p + 1."""
    if came_from(x, "subtract") and _is_one(x.inputs[0]):
        return x.inputs[1]
    if came_from(x, "add"):
        for one, other in (x.inputs, x.inputs[::-1]):
            if _is_one(one) and came_from(other, "negative"):
                return other.inputs[0]
    return None


def quotient_of_known(a: Any, b: Any) -> Tensor | None:
    """The stable form of a / b, or None if the two came from nothing known."""
    if type(b) is not Tensor or b.op is None:
        return None
    from_exp = type(a) is Tensor and a.op is not None and a.op.name == "exp"
    if b.op.name == "add" and (exponent := _one_plus_exp(b)) is not None:
        if _is_one(a):
            return FUNCTIONS["sigmoid"](-exponent)  # type: ignore[no-any-return]
        if from_exp and a.inputs[0] is exponent:
            return FUNCTIONS["sigmoid"](exponent)  # type: ignore[no-any-return]
        return a * FUNCTIONS["sigmoid"](-exponent)  # type: ignore[no-any-return]
    if from_exp:
        axis = _summed_axis(a, b)
        if axis is not None:
            return FUNCTIONS["softmax"](a.inputs[0], axis=axis)  # type: ignore[no-any-return]
    return None


def _unmoved(x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Where the entries of ``x`` were computed, and what moved them since, the last move first."""
    moves = []
    while came_from(x, *_MOVES):
        moves.append(x)
        x = x.inputs[0]
    return x, moves


def _moved(x: Tensor, moves: list[Tensor]) -> Tensor:
    for move in reversed(moves):
        assert move.op is not None
        x = apply(move.op, x, *move.inputs[1:])
    return x


def _summed_axis(e: Tensor, total: Tensor) -> int | None:
    """k, if ``total`` is Σ e over the axis k and lies so that e / total divides each by its own.

    e may have been written out a second time, and the summed axis may be kept, put back by a
    reshape or by [:, None], or be the first one, which broadcasting puts back.
    """
    source = total
    while came_from(source, "reshape") or (
        came_from(source, "index") and set(settings(source)["key"]) <= _WHOLE
    ):
        source = source.inputs[0]
    if not (came_from(source, "sum") and came_from(source.inputs[0], "exp")):
        return None
    if source.inputs[0].inputs[0] is not e.inputs[0]:
        return None
    axis = settings(source)["axis"]
    axes = tuple(range(e.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) != 1:
        return None
    (k,) = axes
    kept = (*e.shape[:k], 1, *e.shape[k + 1 :])
    return k if (1,) * (e.ndim - total.ndim) + total.shape == kept else None


def _softplus(z: Tensor) -> Tensor:
    return FUNCTIONS["softplus"](z)  # type: ignore[no-any-return]


def _one_plus_exp(x: Tensor) -> Tensor | None:
    """z, if x is 1 + e^z."""
    if not came_from(x, "add"):
        return None
    for one, other in (x.inputs, x.inputs[::-1]):
        if _is_one(one) and came_from(other, "exp"):
            return other.inputs[0]
    return None


def _is_one(x: Any) -> bool:
    if isinstance(x, Tensor):
        return x.op is CONSTANT and x.shape == () and bool(x.value == 1)
    return isinstance(x, int | float | np.number) and bool(x == 1)
