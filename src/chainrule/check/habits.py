"""Habits: what their functions do besides computing, and what they remember from call to call.

A gradient can be right at the first point and wrong at the next, because something computed for the
first is used again. So their gradients are asked for once more, a little to the side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from chainrule.check import kinds
from chainrule.check.anatomy import Anatomy
from chainrule.check.evidence import Array, Evidence, Truth
from chainrule.check.kinds import Mistake
from chainrule.check.mutants.samples import masks
from chainrule.check.replay import Replay
from chainrule.check.stale import kept_from_before, of_other_data, with_and_without_guards
from chainrule.graph import Graph

#: How far to the side, relative to each parameter's entries.
ASIDE = 0.01

Naming = Callable[[Evidence], tuple[Mistake, ...]]


def habits(evidence: Evidence, found: tuple[Mistake, ...], named: Naming) -> tuple[Mistake, ...]:
    """The mistakes that show in calls, beyond those ``found`` in the numbers."""
    return tuple(_noticed(evidence)) + _remembered(evidence, found, named)


def _noticed(evidence: Evidence) -> Iterator[Mistake]:
    conduct = evidence.conduct
    for names, whose in (
        (conduct.gradients_write, "The function of gradients"),
        (conduct.loss_writes, "The loss"),
    ):
        if names:
            yield Mistake(
                kinds.WRITTEN_INTO, names,
                what=f"{whose} writes into its arguments ({', '.join(names)}), so that whoever "
                "called it goes on with other numbers.",
                repair=f"{names[0]} = {names[0]} - ...    # a new array, instead of -= or [...] =",
            )  # fmt: skip
    if conduct.loss_varies:
        yield Mistake(
            kinds.NOT_DETERMINISTIC,
            what="The loss gives another number each time it is called with the same parameters: "
            "it has no gradient that could be checked.",
            repair="rng = np.random.default_rng(0)    # inside the loss, so that it draws the same",
        )  # fmt: skip
    elif conduct.gradients_vary:
        has_noise = _has_mask(evidence)
        yield Mistake(
            kinds.NOISE if has_noise else kinds.NOT_DETERMINISTIC,
            what="The gradients differ from call to call with the same parameters"
            + (": the backward pass draws a mask of its own." if has_noise else "."),
            repair="mask = ...    # drawn once in the forward pass, and kept for the backward pass",
        )  # fmt: skip


def _has_mask(evidence: Evidence) -> bool:
    if evidence.graph is None:
        return False
    anatomy = Anatomy(Replay(evidence.graph, evidence.parameters))
    return next(masks(anatomy), None) is not None


def _remembered(
    evidence: Evidence, found: tuple[Mistake, ...], named: Naming
) -> tuple[Mistake, ...]:
    """What shows only when their gradients are asked for at other parameters."""
    explained = found and not any(m.kind in kinds.VAGUE for m in found)
    if explained or evidence.conduct.gradients_vary or evidence.conduct.loss_varies:
        return ()
    if found:
        other = of_other_data(evidence)
        if other is not None:
            return (other,)
    rng = np.random.default_rng(0)
    aside = {
        name: p + ASIDE * (np.abs(p) + ASIDE) * rng.uniform(0.5, 1.0, p.shape)
        for name, p in evidence.parameters.items()
    }
    evidence.gradients_at(evidence.parameters)  # so that a cache that is filled once is filled here
    theirs = evidence.gradients_at(aside)
    if theirs is None:
        return ()
    if evidence.graph is None:
        return _without_graph(evidence, aside, theirs)
    for graph in with_and_without_guards(evidence):
        there = _evidence_at(evidence, graph, aside, theirs)
        mistakes = named(there)
        if not mistakes:
            return ()
    stale = kept_from_before(evidence, there)
    if stale is not None:
        return (stale,)
    if found:
        return ()
    return mistakes


def _evidence_at(
    evidence: Evidence,
    graph: Graph,
    parameters: Mapping[str, Array],
    theirs: Mapping[str, Array | None],
) -> Evidence:
    """The evidence at other parameters, the graph being the truth there."""
    gradients = Replay(graph, parameters).finished({}).gradients
    scale = max((float(np.max(np.abs(g), initial=0.0)) for g in gradients.values()), default=0.0)
    true = {}
    for name, gradient in gradients.items():
        size = float(np.max(np.abs(gradient), initial=0.0))
        allowed = 1e-7 * size + 1e3 * evidence.eps * (size + scale)
        true[name] = Truth(gradient, np.full(gradient.shape, allowed), True)
    return replace(evidence, parameters=parameters, theirs=theirs, true=true, graph=graph)


def _without_graph(
    evidence: Evidence, aside: Mapping[str, Array], theirs: Mapping[str, Array | None]
) -> tuple[Mistake, ...]:
    """Gradients that do not change, though the slope of the loss along them does."""
    here = {name: g for name, g in evidence.theirs.items() if g is not None}
    if not here or any(
        theirs.get(name) is None or not np.array_equal(np.asarray(theirs[name]), g)
        for name, g in here.items()
    ):
        return ()
    step = {name: aside[name] - p for name, p in evidence.parameters.items()}
    claimed = sum(float(np.sum(here[name] * step[name])) for name in here)
    h = 1e-4
    ahead, behind = (
        evidence.loss_at({name: p + sign * h * step[name] for name, p in aside.items()})
        for sign in (1, -1)
    )
    slope = (ahead - behind) / (2 * h)
    rounding = 1e3 * evidence.eps * abs(ahead) / h
    if len(here) < len(step) or abs(slope - claimed) <= 1e-4 * abs(slope) + rounding:
        return ()
    return (
        Mistake(
            kinds.STALE, tuple(here),
            what="The gradients stay what they were when the parameters change, and the slope of "
            "the loss does not: they are computed from what an earlier call left behind.",
            repair="cache = forward(parameters)    # anew in each call, before the backward pass",
        ),
    )  # fmt: skip
