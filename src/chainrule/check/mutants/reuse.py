"""Mutants of a node that is used more than once: its gradient is a sum, and theirs kept a part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.check import kinds
from chainrule.check.activations import Site
from chainrule.check.anatomy import MOVES, Anatomy
from chainrule.check.mutants.mutant import Mutant, edges_scaled
from chainrule.graph import Tensor
from chainrule.graph.origin import came_from

Use = tuple[tuple[Tensor, Tensor], ...]
"""The edges, from a node that uses to the one used, that are one use in people's eyes."""

#: A loop back in time that stops early is looked for up to so many steps.
STEPS = 16


def reuse_mutants(anatomy: Anatomy, sites: Sequence[Site]) -> Iterator[Mutant]:
    """One use alone counted, or all but one, for each node by itself and for several at once."""
    used = dict(_used(anatomy, sites))
    for x, uses in used.items():
        for kept in uses:
            yield _without(anatomy, [x], [use for use in uses if use is not kept], len(uses))
        for one in uses if len(uses) > 2 else ():
            yield _without(anatomy, [x], [one], len(uses))
    parameters = {x: uses for x, uses in used.items() if x in anatomy.replay.names}
    others = {x: uses for x, uses in used.items() if x not in parameters}
    for group in (parameters, others):
        if len(group) > 1:
            for k in (-1, 0):
                dropped = [use for uses in group.values() for use in uses if use is not uses[k]]
                yield _without(anatomy, list(group), dropped, max(map(len, group.values())))
    longest = max(map(len, parameters.values()), default=0)
    for steps in range(2, min(longest, STEPS)):
        dropped = [use for uses in parameters.values() for use in uses[:-steps]]
        yield _without(anatomy, list(parameters), dropped, longest)


def _used(anatomy: Anatomy, sites: Sequence[Site]) -> Iterator[tuple[Tensor, list[Use]]]:
    """Each node that the network itself uses several times, with its uses."""
    inside = {site.z: set(site.inside) for site in sites}
    private = _private(anatomy, sites)
    end = anatomy.logits.index if anatomy.logits is not None else anatomy.replay.output.index
    for x in anatomy.replay.nodes:
        is_parameter = x in anatomy.replay.names
        if x in private or not (is_parameter or (x in anatomy.data and x.index < end)):
            continue
        together = inside.get(x, set())
        users = [u for u in anatomy.replay.users[x] if _leads_into_data(u, anatomy)]
        uses: list[Use] = [((user, x),) for user in users if user not in together]
        own = tuple((user, x) for user in users if user in together)
        uses += [own] if own else []
        if len(uses) > 1:
            yield x, uses


def _private(anatomy: Anatomy, sites: Sequence[Site]) -> set[Tensor]:
    """The nodes between the input and the result of an activation."""
    found: set[Tensor] = set()
    for site in sites:
        if site.a is not None and site.a is not site.z:
            before = anatomy.replay.ancestors(site.a)
            found |= {n for n in before if n.index > site.z.index and n is not site.a and any(
                x is site.z or x in found for x in n.inputs)}  # fmt: skip
    return found


def _leads_into_data(node: Tensor, anatomy: Anatomy) -> bool:
    """Whether a use is part of the network, and not of a penalty alone."""
    if node in anatomy.data:
        return True
    users = anatomy.replay.users[node] if came_from(node, *MOVES) else []
    return any(_leads_into_data(user, anatomy) for user in users)


def _without(
    anatomy: Anatomy, nodes: Sequence[Tensor], dropped: Sequence[Use], uses: int
) -> Mutant:
    names = [anatomy.replay.names[x] for x in nodes if x in anatomy.replay.names]
    told = ", ".join(names) or "the result of this line"
    target = f"d{names[0]}" if names else "da"
    edges = [edge for use in dropped for edge in use]
    return Mutant(
        kinds.OVERWRITTEN, edges_scaled(edges, 0), edges[0][0] if names else nodes[-1],
        f"The loss depends on {told} in {uses} ways, and the gradient is the sum over them all. "
        "Theirs leaves some out: an assignment overwrites what was there, or a way is forgotten.",
        f"{target} = {target} + ...    # add up, one term for each use",
    )  # fmt: skip
