"""Mutants that are a factor: a sign, a 2, a 1/m, left out or written twice on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.check.activations import Site
from chainrule.check.anatomy import Anatomy
from chainrule.check.mutants.activation import described
from chainrule.check.mutants.factors import factors, undone
from chainrule.check.mutants.mutant import Mutant, edges_scaled, scaled
from chainrule.graph import Tensor
from chainrule.graph.origin import came_from


def scale_mutants(anatomy: Anatomy, sites: Sequence[Site]) -> Iterator[Mutant]:
    """Every place through which the gradient goes back, with every factor."""
    found = factors(anatomy)
    for node, where, rank in _places(anatomy, sites):
        for factor in found:
            yield Mutant(
                factor.kind, scaled(node, factor.value), node,
                f"From {where} on, theirs {factor.what}.", undone("dz", factor.value),
                max(rank, factor.rank),
            )  # fmt: skip
    for node, x in _edges(anatomy, sites):
        for factor in found:
            yield Mutant(
                factor.kind, edges_scaled([(node, x)], factor.value), node,
                f"On one of the ways that meet here, theirs {factor.what}.",
                undone("da", factor.value), max(5, factor.rank),
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
