"""Naming: the mistakes in a backward pass, from the evidence, by name.

Where the loss was recorded, the chain rule is replayed as people get it wrong, and what gives their
numbers to rounding is named (``search.py``). Where it was not, patterns of the gradients alone are
tried. What their functions do besides (``habits.py``) is named in either case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from chainrule.check import kinds
from chainrule.check.closeness import Closeness
from chainrule.check.evidence import Array, Evidence
from chainrule.check.habits import habits
from chainrule.check.kinds import Mistake
from chainrule.check.leftover import unexplained
from chainrule.check.patterns import patterns
from chainrule.check.replay import Replay
from chainrule.check.search import Search
from chainrule.check.stale import with_and_without_guards
from chainrule.check.words import mistakes_of

#: Relative errors beyond which nothing is taken for rounding, in double and in single precision.
DOUBLE = 1e-5
SINGLE = 2e-3


def name_mistakes(evidence: Evidence) -> tuple[Mistake, ...]:
    """Every mistake that explains what is wrong in ``evidence.theirs``, or in the functions.

    Nothing is named that does not give their numbers to rounding. What no known mistake gives is
    called "not recognised", with what is known of it. All right: nothing.
    """
    found = named(evidence)
    seen = habits(evidence, found, named)
    if any(mistake.kind in _DISTURBING for mistake in seen):
        # What happens between the calls was observed, and may be the whole cause.
        left = [name for m in found if m.kind in kinds.VAGUE for name in m.parameters]
        whole = {name for m in seen if m.kind == kinds.STALE for name in m.parameters}
        found = tuple(
            m for m in found if m.kind not in kinds.VAGUE and not set(m.parameters) <= whole
        )
        seen = tuple(_with_rest(m, left) if m.kind in _DISTURBING else m for m in seen)
    return merged((*found, *seen))


#: What makes numbers wrong in ways that no formula gives.
_DISTURBING = (kinds.STALE, kinds.NOISE, kinds.WRITTEN_INTO, kinds.NOT_DETERMINISTIC)


def _with_rest(mistake: Mistake, left: Sequence[str]) -> Mistake:
    rest = [name for name in left if name not in mistake.parameters]
    if not rest:
        return mistake
    what = f"{mistake.what} What is wrong in {', '.join(rest)} may come of it: check again after."
    return replace(mistake, parameters=(*mistake.parameters, *rest), what=what)


def named(evidence: Evidence) -> tuple[Mistake, ...]:
    """The mistakes that are seen in the numbers of ``evidence.theirs``."""
    theirs = {name: g for name, g in evidence.theirs.items() if g is not None}
    wrong = [name for name in theirs if not _is_right(theirs[name], evidence, name)]
    missing = [name for name, g in evidence.theirs.items() if g is None]
    found = _not_given(missing, evidence)
    if not wrong:
        return found
    if evidence.graph is None:
        return (*found, *patterns(evidence, theirs, wrong, closeness_of(evidence)))
    best = _searched(evidence, theirs, wrong)
    kind_of = {factor: kind for factor, kind, *_ in reversed(best.factors)}
    for finding in best.findings:
        factor = finding.fit.factor
        found += mistakes_of(
            finding, evidence.functions, "" if factor == 1 else kind_of.get(factor, kinds.SCALED)
        )
    return (*merged(found), *_unexplained(best, evidence))


def _searched(evidence: Evidence, theirs: Mapping[str, Array], wrong: Sequence[str]) -> Search:
    """The search that leaves the least unexplained: with and without guards, at a kink either way."""
    closeness = closeness_of(evidence)
    searches: list[Search] = []
    for graph in with_and_without_guards(evidence):
        for at_zero in (None, 0.0, 1.0):
            replay = Replay(graph, evidence.parameters)
            search = Search(replay, theirs, list(wrong), closeness, at_zero)
            search.run()
            searches.append(search)
            if not search.has_kinks or not (search.wrong or search.findings):
                break
    return min(searches, key=lambda search: (len(search.wrong), len(search.findings)))


def closeness_of(evidence: Evidence) -> Closeness:
    """How near is near enough for these numbers."""
    known = [t.gradient[t.known] for t in evidence.true.values()]
    scale = max((float(np.max(np.abs(g))) for g in known if g.size), default=0.0)
    # Where there is no graph, the truth has an error of its own; in float32, theirs has.
    most = SINGLE if evidence.eps > 1e-10 else DOUBLE
    inexact = 0.0
    for truth in evidence.true.values():
        size = float(np.max(np.abs(truth.gradient[truth.known]), initial=0.0))
        if size:
            error = float(np.max(truth.tolerance[truth.known], initial=0.0)) / size
            inexact = max(inexact, min(error, most))
    return Closeness(evidence.eps, scale, inexact)


def _is_right(theirs: Array, evidence: Evidence, name: str) -> bool:
    truth = evidence.true[name]
    if theirs.shape != truth.gradient.shape or not np.all(np.isfinite(theirs)):
        return False
    known = truth.known
    if not np.all(np.abs(theirs - truth.gradient)[known] <= truth.tolerance[known]):
        return False
    return all(
        abs(float(np.sum(d.along * theirs)) - d.slope) <= d.tolerance for d in truth.directions
    )


def _not_given(missing: list[str], evidence: Evidence) -> tuple[Mistake, ...]:
    """Parameters without any gradient, though the loss depends on them."""
    needed = [n for n in missing if np.any(evidence.true[n].gradient[evidence.true[n].known] != 0)]
    if not needed:
        return ()
    what = f"No gradient was given for {', '.join(needed)}, though the loss depends on it."
    return (Mistake(kinds.FROZEN, tuple(needed), what=what, repair=f"d{needed[0]} = ..."),)


def merged(found: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """The same mistake made in several layers told once."""
    alike: dict[tuple[str, str], Mistake] = {}
    for mistake in found:
        # Where an argument is written into, one line of theirs is meant by all that is seen of it.
        told = "" if mistake.kind == kinds.WRITTEN_INTO else mistake.line or mistake.what
        key = (mistake.kind, told)
        before = alike.get(key)
        if before is None:
            alike[key] = mistake
            continue
        both = tuple(dict.fromkeys((*before.parameters, *mistake.parameters)))
        what = before.what if before.what == mistake.what else f"{before.what} {mistake.what}"
        alike[key] = replace(before, parameters=both, what=what)
    return tuple(alike.values())


def _unexplained(search: Search, evidence: Evidence) -> tuple[Mistake, ...]:
    """What no mutant gave: a constant factor, a parameter that is not used, or the unknown."""
    return unexplained(
        {name: search.theirs[name] for name in search.wrong},
        search.now.gradients,
        search.closeness,
        evidence.parameters,
        {n for node, n in search.replay.names.items() if not search.replay.users.get(node)},
        search.penalty,
    )
