"""Mutants of the loss and the output's activation taken together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.anatomy import Anatomy
from chainrule.check.evidence import Array
from chainrule.check.head import Head
from chainrule.check.mutants.mutant import Mutant, derivative_replaced
from chainrule.graph import Tensor
from chainrule.graph.differentiate import Rule


def loss_mutants(anatomy: Anatomy, head: Head) -> Iterator[Mutant]:
    """The gradient of another pair of activation and loss than the one in the forward pass."""
    if head.is_cross_entropy:
        yield from _of_cross_entropy(anatomy, head)
    elif head.site.name in ("sigmoid", "softmax"):
        yield from _of_squared_error(anatomy, head)


def _delivered(head: Head, dz: Array) -> Mapping[Tensor, Rule]:
    def change(g: Any) -> Array:
        return dz

    return derivative_replaced(head.site, change)


def _outputs(head: Head) -> int:
    """How many outputs a sample has."""
    axis = head.site.axis
    if axis is not None:
        return head.site.z.shape[axis]
    return int(head.site.z.shape[-1]) if head.site.z.ndim else 1


def _of_cross_entropy(anatomy: Anatomy, head: Head) -> Iterator[Mutant]:
    site = head.site
    a, z = site.output, anatomy.replay.values[site.z]
    repair = f"dz = {_spelled(head)}    # the derivative of {site.name} is in it already"
    ways = {"": site.backward(head.error, a, z)}
    if site.axis is not None:
        ways[", its diagonal alone"] = head.error * a * (1 - a)
    for rank, (note, dz) in enumerate(ways.items()):
        yield Mutant(
            kinds.COUNTED_TWICE, _delivered(head, dz), site.place,
            f"Theirs multiplies a - t by the derivative of {site.name}{note}; but a - t already is "
            f"the gradient before the {site.name}.",
            repair, rank,
        )  # fmt: skip
        for more, factor in enumerate((2, 1, 2 / _outputs(head), 1 / _outputs(head))):
            yield Mutant(
                kinds.WRONG_PAIR, _delivered(head, factor * dz), site.place,
                f"Theirs is the gradient of the squared error under a {site.name}; the loss is a "
                "cross-entropy.",
                repair, more,
            )  # fmt: skip
    if site.axis is None:
        c, t = head.factor, head.targets
        signs = {"second": -t * (1 - a) - (1 - t) * a, "first": t * (1 - a) + (1 - t) * a}
        for term, dz in signs.items():
            yield Mutant(
                kinds.WRONG_SIGN, _delivered(head, c * dz), site.place,
                f"In theirs the {term} of the two terms of the cross-entropy's derivative has the "
                "wrong sign.",
                "da = -t / a + (1 - t) / (1 - a)", 5,
            )  # fmt: skip
        yield Mutant(
            kinds.WRONG_PAIR, _delivered(head, -c * t * (1 - a)), site.place,
            "Theirs uses -t / a, the cross-entropy's derivative for a softmax; under a sigmoid it "
            "has a second term.",
            "da = -t / a + (1 - t) / (1 - a)", 6,
        )  # fmt: skip


def _of_squared_error(anatomy: Anatomy, head: Head) -> Iterator[Mutant]:
    site = head.site
    count = _outputs(head)
    for rank, factor in enumerate((1, 0.5, count, count / 2, 2)):
        yield Mutant(
            kinds.WRONG_PAIR, _delivered(head, factor * head.error), site.place,
            "Theirs takes a - t for the gradient before the "
            f"{site.name}, which holds for a cross-entropy; the loss is a squared error.",
            f"dz = {_backward(head)}", rank,
        )  # fmt: skip


def _backward(head: Head) -> str:
    if head.site.axis is None:
        return "da * a * (1 - a)"
    return f"a * (da - np.sum(da * a, axis={head.site.axis}, keepdims=True))"


def _spelled(head: Head) -> str:
    """c (a - t) with c as people write it: the number of samples as a divisor."""
    inverse = 1 / abs(head.factor)
    if np.isclose(inverse, 1):
        return "a - t"
    if np.isclose(inverse, round(inverse)):
        return f"(a - t) / {round(inverse)}"
    return f"{head.factor:.6g} * (a - t)"
