"""Mutants that are a factor: a sign, a 2, a 1/m, left out or written twice on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.check import kinds
from chainrule.check.activations import Site
from chainrule.check.anatomy import Anatomy
from chainrule.check.mutants.activation import described
from chainrule.check.mutants.mutant import Mutant, edges_scaled, scaled
from chainrule.check.replay import Pass
from chainrule.graph import Tensor
from chainrule.graph.origin import came_from

Factor = tuple[float, str, str, str]
"""A factor, the kind of mistake it betrays, what theirs does, and the repair."""


def factors(anatomy: Anatomy) -> list[Factor]:
    """The factors that people get wrong here; several kinds may share a factor."""
    m = anatomy.samples
    outputs = 1
    if anatomy.logits is not None and m:
        outputs = max(1, anatomy.logits.size // m)
    found: list[Factor] = [
        (-1.0, kinds.WRONG_SIGN, "has the opposite sign, as t - a for a - t", "change the sign"),
        (2.0, kinds.FACTOR_2, "is twice the true one", "multiply by 1/2"),
        (0.5, kinds.FACTOR_HALF, "is half the true one", "multiply by 2"),
    ]
    for count, whose in ((m, f"{m} samples"), (m * outputs, f"all {m * outputs} numbers")):
        if count > 1:
            if averages(anatomy, count):
                found.append(
                    (float(count), kinds.MISSING_M,
                     f"is {count} times the true one: the loss is a mean over {whose}, and theirs "
                     "leaves the division out", f"divide by {count}")
                )  # fmt: skip
            found += [
                (1.0 / count, kinds.DOUBLED_M,
                 f"is 1/{count} of the true one: it is divided by the number of {whose} once more "
                 "than the loss is", f"multiply by {count}"),
            ]  # fmt: skip
        if outputs == 1:
            return found
    told = f"the number of outputs, {outputs}: one of the two averages over the outputs"
    return [
        *found,
        (float(outputs), kinds.SCALED, f"is {outputs} times the true one, {told}, and theirs does "
         "not", f"divide by {outputs}"),
        (1.0 / outputs, kinds.SCALED, f"is 1/{outputs} of the true one, {told}, and the loss does "
         "not", f"multiply by {outputs}"),
    ]  # fmt: skip


def averages(anatomy: Anatomy, count: int) -> bool:
    """Whether the loss may be a mean over ``count`` numbers: it says mean, or divides by that.

    A factor of one half is not taken for a mean of two, and a division by 2 counts as either.
    """
    start = anatomy.logits
    after = anatomy.data if start is None else anatomy.replay.descendants(start)
    for node in after:
        if came_from(node, "mean"):
            return True
        for place, x in enumerate(node.inputs):
            if not came_from(node, "divide", "multiply") or x in anatomy.replay.leads:
                continue
            values = np.asarray(anatomy.replay.values[x], dtype=np.float64)
            if values.size != 1 or not values.all():
                continue
            value = abs(float(values.reshape(())))
            divisor = value if came_from(node, "divide") and place == 1 else 1 / value
            is_half = came_from(node, "multiply") and value == 0.5
            if not is_half and any(np.isclose(divisor, k * count) for k in (0.5, 1, 2)):
                return True
    return False


def scale_mutants(anatomy: Anatomy, sites: Sequence[Site], current: Pass) -> Iterator[Mutant]:
    """Every place through which the gradient goes back, with every factor."""
    for node, where, rank in _places(anatomy, sites):
        for factor, kind, what, repair in factors(anatomy):
            yield Mutant(
                kind, scaled(node, factor), node,
                f"From {where} on, theirs {what}.", f"dz = dz * {_written(factor)}    # {repair}",
                rank,
            )  # fmt: skip
    for node, x in _edges(anatomy, sites):
        for factor, kind, what, repair in factors(anatomy):
            yield Mutant(
                kind, edges_scaled([(node, x)], factor), node,
                f"On one of the ways that meet here, theirs {what}.", repair, 5,
            )  # fmt: skip


def _places(anatomy: Anatomy, sites: Sequence[Site]) -> Iterator[tuple[Tensor, str, int]]:
    if anatomy.logits is not None:
        yield anatomy.logits, "the loss", 0
    for site in sites:
        if site.a is not None and not site.is_last:
            yield site.a, f"the output of {described(site)}", 1
    for node in anatomy.replay.nodes:
        if node in anatomy.data and came_from(node, "multiply", "sum", "concatenate"):
            yield node, "this line", 4


def _edges(anatomy: Anatomy, sites: Sequence[Site]) -> Iterator[tuple[Tensor, Tensor]]:
    """The edges into nodes where several ways back meet."""
    private = {user for site in sites for user in site.inside}
    for x, users in anatomy.replay.users.items():
        if x not in anatomy.data or len(users) < 2:
            continue
        for node in users:
            if node in anatomy.data and node not in private:
                yield node, x


def _written(factor: float) -> str:
    inverse = 1 / factor
    return f"{inverse:g}" if np.isclose(inverse, round(inverse)) else f"1 / {factor:g}"
