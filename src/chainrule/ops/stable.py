"""Stable forms: textbook formulas that would overflow, seen for what they are.

A node knows where it came from. So ``log(softmax(z))`` need not take the log of a probability that
was rounded to 0: it is recorded as log_softmax(z), finite at every finite z. The table, with σ the
sigmoid and each form exact::

    log σ(z)            = -softplus(-z)          1 / (1 + e^-z)     = σ(z)
    log(1 - σ(z))       = -softplus(z)           e^z / (1 + e^z)    = σ(z)
    log softmax(z)      = log_softmax(z)         e^z / Σ e^z        = softmax(z)
    log(1 + e^z)        = softplus(z)            log Σ e^z          = logsumexp(z)

Picking, slicing or reshaping probabilities before the log changes nothing. The functions are looked
up by name, because the ops that are meant here are themselves written with ``log`` and ``divide``.
"""

from __future__ import annotations

from typing import Any

from chainrule.graph.op import CONSTANT, FUNCTIONS
from chainrule.graph.tensor import Tensor, apply

_MOVES = {"index", "take", "reshape", "transpose", "squeeze", "expand_dims", "broadcast_to"}


def log_of_known(x: Tensor) -> Tensor | None:
    """The stable form of log x, or None if ``x`` came from nothing known."""
    moves = []
    while _named(x, *_MOVES):
        moves.append(x)
        x = x.inputs[0]
    logarithm = _log_of_unmoved(x)
    if logarithm is None:
        return None
    for move in reversed(moves):
        assert move.op is not None
        logarithm = apply(move.op, logarithm, *move.inputs[1:])
    return logarithm


def _log_of_unmoved(x: Tensor) -> Tensor | None:
    if _named(x, "sigmoid"):
        return -_softplus(-x.inputs[0])
    if _named(x, "subtract") and _is_one(x.inputs[0]) and _named(x.inputs[1], "sigmoid"):
        return -_softplus(x.inputs[1].inputs[0])
    if _named(x, "softmax"):
        return FUNCTIONS["log_softmax"](x.inputs[0], axis=x.op.axis)  # type: ignore
    if _named(x, "sum") and _named(x.inputs[0], "exp"):
        return FUNCTIONS["logsumexp"](x.inputs[0].inputs[0], **x.op.settings())  # type: ignore
    exponent = _one_plus_exp(x)
    return None if exponent is None else _softplus(exponent)


def quotient_of_known(a: Any, b: Any) -> Tensor | None:
    """The stable form of a / b, or None if the two came from nothing known."""
    if not isinstance(b, Tensor):
        return None
    exponent = _one_plus_exp(b)
    if exponent is not None:
        if _is_one(a):
            return FUNCTIONS["sigmoid"](-exponent)  # type: ignore[no-any-return]
        if isinstance(a, Tensor) and _named(a, "exp") and a.inputs[0] is exponent:
            return FUNCTIONS["sigmoid"](exponent)  # type: ignore[no-any-return]
    if isinstance(a, Tensor) and _named(a, "exp") and _named(b, "sum") and b.inputs[0] is a:
        settings = b.op.settings()  # type: ignore[union-attr]
        if settings["keepdims"] and isinstance(settings["axis"], int):
            return FUNCTIONS["softmax"](a.inputs[0], axis=settings["axis"])  # type: ignore
    return None


def _softplus(z: Tensor) -> Tensor:
    return FUNCTIONS["softplus"](z)  # type: ignore[no-any-return]


def _one_plus_exp(x: Tensor) -> Tensor | None:
    """z, if x is 1 + e^z."""
    if not _named(x, "add"):
        return None
    for one, other in (x.inputs, x.inputs[::-1]):
        if _is_one(one) and _named(other, "exp"):
            return other.inputs[0]
    return None


def _named(x: Tensor, *names: str) -> bool:
    return x.op is not None and x.op.name in names


def _is_one(x: Any) -> bool:
    if isinstance(x, Tensor):
        return x.op is CONSTANT and x.shape == () and bool(x.value == 1)
    return isinstance(x, int | float) and x == 1
