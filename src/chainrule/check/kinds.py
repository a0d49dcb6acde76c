"""Kinds: the mistakes that can be named, and the record of one that was found."""

from __future__ import annotations

from dataclasses import dataclass

MISSING_M = "missing 1/m"
DOUBLED_M = "doubled 1/m"
FACTOR_2 = "factor 2"
FACTOR_HALF = "factor 1/2"
WRONG_SIGN = "wrong sign"
TRANSPOSED = "transposed"
NOT_SUMMED = "bias not summed"
AVERAGED = "bias averaged"
SUMMED_OVER_ALL = "bias summed over every axis"
OTHER_BIAS = "bias of another layer"
OTHER_INPUT = "input of another layer"
DERIVATIVE_MISSING = "activation derivative missing"
WRONG_QUANTITY = "activation derivative of the wrong quantity"
OTHER_DERIVATIVE = "derivative of another activation"
WEIGHT_NOT_TRANSPOSED = "weight not transposed"
WRONG_PAIR = "softmax and loss paired wrongly"
COUNTED_TWICE = "output derivative counted twice"
PENALTY_ONLY_IN_LOSS = "penalty only in the loss"
PENALTY_ONLY_IN_GRADIENT = "penalty only in the gradient"
FROZEN = "frozen parameter"
UNUSED = "unused parameter"
OVERWRITTEN = "reused node overwritten"
STALE = "stale cache"
NOISE = "mask or noise differs"
WRITTEN_INTO = "argument written into"
NOT_DETERMINISTIC = "not deterministic"
SCALED = "scaled"
NOT_RECOGNISED = "not recognised"

KINDS = (
    FROZEN, MISSING_M, FACTOR_2, FACTOR_HALF, WRONG_SIGN, DERIVATIVE_MISSING, AVERAGED,
    NOT_SUMMED, SUMMED_OVER_ALL, DOUBLED_M, TRANSPOSED, WEIGHT_NOT_TRANSPOSED, WRONG_QUANTITY,
    OTHER_DERIVATIVE, COUNTED_TWICE, WRONG_PAIR, PENALTY_ONLY_IN_LOSS, PENALTY_ONLY_IN_GRADIENT,
    OTHER_INPUT, OTHER_BIAS, OVERWRITTEN, NOISE, STALE, UNUSED, WRITTEN_INTO, NOT_DETERMINISTIC,
    SCALED, NOT_RECOGNISED,
)  # fmt: skip
"""Every kind, the commoner mistake first: so are those listed that explain the numbers equally."""

VAGUE = (SCALED, NOT_RECOGNISED)
"""The kinds that say what the numbers are like, and not what was done."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a backward pass.

    Attributes:
        kind: its name, one of :data:`KINDS`.
        parameters: those whose gradient it makes wrong.
        place: the line of the forward pass that it belongs to, as ``model.py:12``, or nothing.
        line: the source of that line, or nothing.
        what: a sentence: what theirs computes.
        repair: a line of NumPy that would be right.
        rivals: other mistakes that explain the same numbers just as well.
        tell_apart: how to find out which of the rivals it is, or nothing.
    """

    kind: str
    parameters: tuple[str, ...] = ()
    place: str = ""
    line: str = ""
    what: str = ""
    repair: str = ""
    rivals: tuple[Mistake, ...] = ()
    tell_apart: str = ""
