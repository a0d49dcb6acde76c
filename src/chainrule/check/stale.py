"""Stale: gradients computed from values that an earlier call, or a call on other data, left behind.

The pass is replayed with some forward values replaced by what they were then. Which other data it
may have been is looked for among the arrays that their functions reach after a call.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Set

import numpy as np

from chainrule.check import kinds
from chainrule.check.activations import activations
from chainrule.check.anatomy import Anatomy
from chainrule.check.closeness import Closeness
from chainrule.check.evidence import Array, Evidence
from chainrule.check.guards import without_guards
from chainrule.check.kinds import Mistake
from chainrule.check.mutants.samples import masks
from chainrule.check.replay import Pass, Replay
from chainrule.check.surroundings import Surroundings
from chainrule.graph import Graph, Tensor
from chainrule.graph.op import CONSTANT

#: So many combinations of masks in reach are tried.
MOST = 50
REPAIR = "cache = forward(parameters)    # anew, right before the backward pass"


def kept_from_before(here: Evidence, there: Evidence) -> Mistake | None:
    """Whether the gradients at ``there`` are made of values that belong to ``here``."""
    theirs = {name: g for name, g in there.theirs.items() if g is not None}
    closeness = _closeness(there)
    wrong = tuple(
        name for name, g in theirs.items() if not closeness.fit(g, there.true[name].gradient)
    )
    before = {name: g for name, g in here.theirs.items() if g is not None}
    if wrong and all(
        closeness.fit(theirs[name], before[name])
        and not closeness.fit(there.true[name].gradient, here.true[name].gradient)
        for name in wrong
    ):
        names = ", ".join(wrong)
        return Mistake(
            kinds.STALE, wrong,
            what=f"The gradients of {names} stay what they were when the parameters change: they "
            "are computed from what an earlier call left behind.",
            repair=REPAIR,
        )  # fmt: skip
    for graph in with_and_without_guards(here):
        for whose, values in _old_values(Replay(graph, here.parameters)):
            if _gives(Replay(graph, there.parameters, values), theirs, closeness):
                return Mistake(
                    kinds.STALE, wrong,
                    what=f"The backward pass uses {whose} of an earlier call, at other parameters.",
                    repair=REPAIR,
                )  # fmt: skip
    return None


def _closeness(evidence: Evidence) -> Closeness:
    scale = max(
        (float(np.max(np.abs(t.gradient), initial=0.0)) for t in evidence.true.values()),
        default=0.0,
    )
    return Closeness(evidence.eps, scale)


def _gives(replay: Replay, theirs: Mapping[str, Array], closeness: Closeness) -> bool:
    gradients = replay.finished({}).gradients
    return all(closeness.fit(g, gradients[name]) for name, g in theirs.items())


def _old_values(old: Replay) -> Iterator[tuple[str, dict[Tensor, Array]]]:
    """Forward values that a cache may have kept: all, those of one line, a single one."""
    data = Anatomy(old).data
    yield "the forward values", {node: old.values[node] for node in data}
    lines: dict[str, list[Tensor]] = {}
    for node in old.nodes:
        if node in data:
            lines.setdefault(node.place, []).append(node)
    for place, nodes in lines.items():
        yield f"what {place} computed", {node: old.values[node] for node in nodes}
    for node in old.nodes:
        if node in data:
            yield f"a value of {node.place}", {node: old.values[node]}


def of_other_data(evidence: Evidence) -> Mistake | None:
    """Whether theirs is the gradient with forward values of other data than the loss has."""
    if evidence.gradients_at(evidence.parameters) is None:
        return None
    for graph in with_and_without_guards(evidence):
        found = _of_other_data(graph, evidence)
        if found is not None:
            return found
    return None


def with_and_without_guards(evidence: Evidence) -> Iterator[Graph]:
    """The recorded loss, first without what only keeps it finite, if it has such."""
    if evidence.graph is not None:
        relaxed = without_guards(evidence.graph)
        if relaxed is not None:
            yield relaxed
        yield evidence.graph


def _of_other_data(graph: Graph, evidence: Evidence) -> Mistake | None:
    theirs = {name: g for name, g in evidence.theirs.items() if g is not None}
    closeness = _closeness(evidence)
    replay = Replay(graph, evidence.parameters)
    anatomy = Anatomy(replay)
    wrong = tuple(
        name for name, g in theirs.items() if not closeness.fit(g, evidence.true[name].gradient)
    )
    now = replay.finished({})
    for name, changed in _other_data(anatomy, evidence):
        stale = _forward(replay, changed)
        if stale is None:
            continue
        for gradients in _of_mixtures(anatomy, stale, set(changed), now):
            if all(closeness.fit(g, gradients[name]) for name, g in theirs.items()):
                return Mistake(
                    kinds.STALE, wrong,
                    what=f"The backward pass uses forward values of {name}, which is not what the "
                    "loss is computed from: another forward pass came in between.",
                    repair=REPAIR,
                )  # fmt: skip
    return None


def _other_data(anatomy: Anatomy, evidence: Evidence) -> Iterator[tuple[str, dict[Tensor, Array]]]:
    """Each array of data in the graph, with other arrays in reach that fit in its place.

    Where the forward pass has masks, they were drawn again as well: those that are in reach.
    """
    reached = Surroundings(evidence.functions).arrays()
    drawn = {mask for _, _, mask in masks(anatomy)}
    # An array that is used twice stands in the graph twice.
    alike: dict[bytes, list[Tensor]] = {}
    for node in anatomy.replay.nodes:
        if node.op is CONSTANT and node.ndim > 0:
            alike.setdefault(anatomy.replay.values[node].tobytes(), []).append(node)
    found = []
    for nodes in alike.values():
        own = anatomy.replay.values[nodes[0]]
        others = [
            (name or "other data", np.asarray(array, dtype=own.dtype))
            for name, array in reached
            if array.shape == own.shape
            and array.dtype.kind in "biuf"
            and not np.array_equal(array, own)
        ]
        found.append((nodes, others))
    again = [[(n, a) for n in nodes for _, a in o] for nodes, o in found if nodes[0] in drawn]
    for nodes, others in found:
        if nodes[0] in drawn:
            continue
        for name, array in others:
            changed = dict.fromkeys(nodes, array)
            yield name, changed
            for chosen in itertools.islice(itertools.product(*again), MOST if again else 0):
                yield name, {**changed, **dict(chosen)}


def _forward(replay: Replay, changed: Mapping[Tensor, Array]) -> dict[Tensor, Array] | None:
    """The forward values of all that depends on what has changed; None if it does not fit there."""
    values = dict(changed)
    for node in replay.nodes:
        if node.op is not None and any(x in values for x in node.inputs):
            inputs = [values.get(x, replay.values[x]) for x in node.inputs]
            try:
                with np.errstate(all="ignore"):
                    values[node] = np.asarray(node.op.value(np, *inputs))
            except IndexError:  # other whole numbers than labels were put in their place
                return None
    return values


def _of_mixtures(
    anatomy: Anatomy, stale: Mapping[Tensor, Array], changed: Set[Tensor], now: Pass
) -> Iterator[Mapping[str, Array]]:
    """Gradients with stale values everywhere; or from the output or its activation back.

    What changed may be at hand itself, as the data are, or come from the same cache.
    """
    graph, parameters = anatomy.replay.graph, anatomy.replay.parameters
    penalties = {node: now.cotangents[node] for node in anatomy.penalties}
    last = [site.a for site in activations(anatomy) if site.is_last]
    for values in (stale, {n: v for n, v in stale.items() if n not in changed}):
        replay = Replay(graph, parameters, values)
        yield replay.finished({}).gradients
        for node in (*last, anatomy.logits):
            if node is not None and node in now.cotangents:
                yield replay.gradients_from({node: now.cotangents[node], **penalties})
