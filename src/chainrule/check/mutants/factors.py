"""Factors: the numbers by which gradients are wrong most often, and what each of them betrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.check import kinds
from chainrule.check.anatomy import Anatomy
from chainrule.check.mutants.mutant import DOUBTFUL
from chainrule.graph import Tensor
from chainrule.graph.origin import came_from


@dataclass(frozen=True)
class Factor:
    """A factor, the kind of mistake it betrays, and how a sentence goes on after "theirs".

    ``rank`` is that of the mutants and slips that are made of it.
    """

    value: float
    kind: str
    what: str
    rank: int = 0


COMMON = (
    Factor(-1.0, kinds.WRONG_SIGN, "has the opposite sign, as t - a for a - t"),
    Factor(2.0, kinds.FACTOR_2, "is twice the true one"),
    Factor(0.5, kinds.FACTOR_HALF, "is half the true one"),
)
"""The factors that do not depend on the program."""


def factors(anatomy: Anatomy) -> tuple[Factor, ...]:
    """The factors that people get wrong here; several kinds may share a number."""
    m = anatomy.samples
    outputs = max(1, anatomy.logits.size // m) if anatomy.logits is not None and m else 1
    found = list(COMMON)
    counts = {m: f"{m} samples", m * outputs: f"all {m * outputs} numbers"}
    for count, whose in counts.items():
        if count > 1:
            found += _of_a_mean(count, whose, _doubt_of_mean(anatomy, count))
    if outputs > 1:
        told = f"the number of outputs, {outputs}: one of the two averages over the outputs"
        if _doubt_of_mean(anatomy, m * outputs) == 0:
            what = f"is {outputs} times the true one, {told}, and theirs does not"
            found.append(Factor(float(outputs), kinds.SCALED, what))
        what = f"is 1/{outputs} of the true one, {told}, and the loss does not"
        found.append(Factor(1.0 / outputs, kinds.SCALED, what))
    return tuple(found)


def _of_a_mean(count: int, whose: str, doubt: int | None) -> list[Factor]:
    missing = Factor(
        float(count), kinds.MISSING_M,
        f"is {count} times the true one: the loss is a mean over {whose}, and theirs leaves the "
        "division out",
        doubt or 0,
    )  # fmt: skip
    doubled = Factor(
        1.0 / count, kinds.DOUBLED_M,
        f"is 1/{count} of the true one: it is divided by the number of {whose} once more than the "
        "loss is",
    )  # fmt: skip
    return [doubled] if doubt is None else [missing, doubled]


def _doubt_of_mean(anatomy: Anatomy, count: int) -> int | None:
    """Whether the loss is a mean over ``count`` numbers: it says mean, or divides by them.

    None: it is not. A factor of one half may be a mean of two, but rather is the customary half.
    """
    start = anatomy.logits
    after = anatomy.data if start is None else anatomy.replay.descendants(start)
    if any(came_from(node, "mean") for node in after):
        return 0
    doubt = None
    for divisor, is_half in (found for node in after for found in _divisors(anatomy, node)):
        if any(np.isclose(divisor, k * count) for k in (0.5, 1, 2)):
            if not is_half:
                return 0
            doubt = DOUBTFUL
    return doubt


def _divisors(anatomy: Anatomy, node: Tensor) -> list[tuple[float, bool]]:
    """By which numbers a node divides; and whether it is a multiplication by one half."""
    found = []
    for place, x in enumerate(node.inputs):
        if not came_from(node, "divide", "multiply") or x in anatomy.replay.leads or x.size != 1:
            continue
        value = abs(float(np.asarray(anatomy.replay.values[x]).reshape(())))
        if value:
            divides = came_from(node, "divide") and place == 1
            found.append((value if divides else 1 / value, not divides and value == 0.5))
    return found


def undone(target: str, factor: float) -> str:
    """A line of NumPy that takes ``factor`` out of ``target`` again."""
    if factor == -1:
        return f"{target} = -{target}"
    inverse = 1 / factor
    if abs(inverse - round(inverse)) < 1e-9:
        return f"{target} = {target} * {round(inverse)}"
    return f"{target} = {target} / {factor:.8g}"
