"""A judgement: the verdicts at one point, and other truths that may suit theirs better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from chainrule.check.calls import Calls, Looked
from chainrule.check.evidence import Array
from chainrule.check.guards import guards_removed, without_guards
from chainrule.check.judging import looked_closer, verdict
from chainrule.check.report import Verdict
from chainrule.check.ties import ties, tilted
from chainrule.check.truth import Found, Seeker

UNGUARDED = (
    "the loss adds a small number or clips, to keep a logarithm or quotient finite; the gradients "
    "are those of the loss without it, as they should be."
)
SMALLER = 0.1
FLAT = (
    "at these parameters outputs are 0 or 1 to rounding, and a guard (a small number inside a "
    "logarithm) makes the loss flat there, so no gradient can be judged. Check smaller parameters, "
    "such as those before training, or give the gradients as a function."
)
SHRUNK = (
    "At the given parameters outputs are 0 or 1 to rounding, and nothing can be judged; the check "
    f"was made at {SMALLER} of them."
)
DENIED = (
    "the loss was recorded as a graph, and theirs agrees with its gradient in every entry. "
    "Differences of the loss show nothing here: outputs are so near 0 or 1 that they are rounded."
)
TIED = {
    0: "",
    1: "at exactly 0, ReLU and its like were given the derivative of the upper side (z >= 0).",
    -1: "at exactly 0, ReLU and its like were given the derivative of the lower side (z > 0).",
}


@dataclass(frozen=True)
class Judgement:
    """The verdicts at one point, and what they rest on."""

    point: dict[str, Array]
    looked: Looked
    found: Found
    verdicts: dict[str, Verdict]

    @property
    def wrong(self) -> int:
        """How many parameters' gradients are wrong."""
        return sum(not v.right for v in self.verdicts.values())

    @property
    def kinks(self) -> int:
        """How many entries were left out for a kink."""
        return sum(0 if t.kinks is None else int(t.kinks.sum()) for t in self.found.true.values())

    @property
    def at_kink(self) -> bool:
        """Whether something disagrees, or had to be left out, and the loss has a kink here."""
        if self.kinks:
            return True
        graph = self.found.graph
        return bool(self.wrong and graph is not None and ties(graph, self.point))

    def is_better_than(self, other: Judgement) -> bool:
        """Whether theirs agrees with more of it, or is more nearly a multiple of it."""
        if self.wrong != other.wrong:
            return self.wrong < other.wrong
        return self.residual < 0.1 * other.residual

    @property
    def residual(self) -> float:
        """How badly theirs is a multiple of the truth, at the middle of the wrong parameters."""
        rest = [v.residual for v in self.verdicts.values() if v.residual is not None]
        return float(np.median(rest)) if rest else 0.0


def at_point(calls: Calls, point: dict[str, Array], looked: Looked, seed: int) -> Judgement:
    """Find the truth at ``point``, and hold theirs against it."""
    seeker = Seeker(calls, point, looked.loss, looked.eps, seed)
    found = seeker.seek()
    for name, truth in found.true.items():
        found.true[name] = looked_closer(name, looked.theirs[name], truth, seeker.numeric)
    return _decided(point, looked, found)


def _decided(point: dict[str, Array], looked: Looked, found: Found) -> Judgement:
    verdicts = {name: verdict(name, looked.theirs[name], t) for name, t in found.true.items()}
    return Judgement(point, looked, found, verdicts)


def other_truths(calls: Calls, judgement: Judgement, seed: int) -> Iterator[tuple[Judgement, str]]:
    """The same judged by what may also be called the gradient of this loss."""
    found, looked, point = judgement.found, judgement.looked, judgement.point
    if not judgement.wrong:
        return
    if found.denied is not None:
        seeker = Seeker(calls, point, looked.loss, looked.eps, seed)
        other = replace(found, true=seeker.from_graph(found.denied), graph=found.denied, how=DENIED)
        agreed = _decided(point, looked, other)
        if not agreed.wrong:
            yield agreed, ""
            return
    if found.graph is None:
        with guards_removed(calls.surroundings.functions) as any_removed:
            if any_removed:
                yield from _unguarded(calls, judgement, seed)
        return
    seeker = Seeker(calls, point, looked.loss, looked.eps, seed)
    plain = without_guards(found.graph)
    for graph in (found.graph, plain):
        if graph is None:
            continue
        note = UNGUARDED if graph is plain else ""
        at = ties(graph, point)
        sides = {side: tilted(graph, at, side) for side in (-1, 1)} if at else {}
        for side, other in {0: graph, **sides}.items():
            true = seeker.from_graph(other)
            if other is not found.graph and all(t.complete for t in true.values()):
                told = f"{TIED[side]} {note}".strip()
                yield _decided(point, looked, replace(found, true=true, graph=other)), told


def _unguarded(calls: Calls, judgement: Judgement, seed: int) -> Iterator[tuple[Judgement, str]]:
    """The same, judged while guards are removed from the code; at smaller parameters if need be.

    Where an output is 0 or 1 to rounding, a guarded loss is flat and an unguarded one infinite.
    """
    looked, point = judgement.looked, judgement.point
    value = calls.loss(point)
    if np.isfinite(value):
        yield at_point(calls, point, replace(looked, loss=value), seed), UNGUARDED
    elif calls.subject.gradients is not None:
        smaller = {name: array * SMALLER for name, array in point.items()}
        if np.isfinite(calls.loss(smaller)):
            yield at_point(calls, smaller, calls.look(smaller), seed), f"{UNGUARDED} {SHRUNK}"


def is_flat(calls: Calls, judgement: Judgement) -> bool:
    """Whether a guard hides where the loss would go, and there is no looking elsewhere."""
    if not judgement.wrong or judgement.found.graph is not None or calls.subject.gradients:
        return False
    with guards_removed(calls.surroundings.functions) as any_removed:
        return any_removed and not np.isfinite(calls.loss(judgement.point))
