"""Naming: the mistakes in a backward pass, from the evidence, by name.

Where the loss was recorded, the chain rule is replayed as people get it wrong, and what gives their
numbers to rounding is named (``search.py``). Where it was not, patterns of the gradients alone are
tried. What their functions do besides (``habits.py``) is named in either case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from chainrule.check import kinds
from chainrule.check.case import read_case, readings
from chainrule.check.closeness import closeness_of
from chainrule.check.evidence import Array, Evidence
from chainrule.check.habits import habits
from chainrule.check.kinds import Mistake
from chainrule.check.leftover import unexplained
from chainrule.check.patterns import patterns
from chainrule.check.search import Result, search
from chainrule.check.words import mistakes_of


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
    return merged((*found, *seen), evidence.parameters)


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
    kind_of = {factor.value: factor.kind for factor in reversed(best.case.factors)}
    for finding in best.findings:
        factor = finding.fit.factor
        found += mistakes_of(
            finding, evidence.functions, "" if factor == 1 else kind_of.get(factor, kinds.SCALED)
        )
    found = merged(found, evidence.parameters)
    if best.wrong and not best.case.anatomy.products:
        # A loop over numbers shows nothing of layers and samples: the arrays alone may.
        return (*found, *patterns(evidence, theirs, best.wrong, best.case.closeness))
    return (*found, *_unexplained(best, evidence))


def _searched(evidence: Evidence, theirs: Mapping[str, Array], wrong: Sequence[str]) -> Result:
    """The search that leaves the least unexplained, over all readings of the loss."""
    is_function = evidence.gradients_at(evidence.parameters) is not None
    may_write = bool(evidence.conduct.gradients_write) or not is_function
    results = [
        search(read_case(graph, evidence, theirs, may_write=may_write), list(wrong))
        for graph in readings(evidence)
    ]
    return min(results, key=lambda result: (len(result.wrong), len(result.findings)))


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
    return (
        Mistake(
            kinds.FROZEN, tuple(needed), what=what, repair=f"{kinds.gradient_of(needed[0])} = ..."
        ),
    )


def merged(found: tuple[Mistake, ...], order: Iterable[str]) -> tuple[Mistake, ...]:
    """The same mistake made in several layers told once, its parameters in this order."""
    alike: dict[tuple[str, str], Mistake] = {}
    for mistake in found:
        # Where an argument is written into, one line of theirs is meant by all that is seen of it.
        told = "" if mistake.kind == kinds.WRITTEN_INTO else mistake.line or mistake.what
        key = (mistake.kind, told)
        before = alike.get(key)
        if before is None:
            alike[key] = mistake
            continue
        both = set(before.parameters) | set(mistake.parameters)
        names = tuple(name for name in order if name in both)
        what = before.what if before.what == mistake.what else f"{before.what} {mistake.what}"
        alike[key] = replace(before, parameters=names, what=what)
    return tuple(alike.values())


def _unexplained(result: Result, evidence: Evidence) -> tuple[Mistake, ...]:
    """What no mutant gave: a constant factor, a parameter that is not used, or the unknown."""
    case = result.case
    return unexplained(
        {name: case.theirs[name] for name in result.wrong},
        result.now.gradients,
        case.closeness,
        evidence.parameters,
        {name for node, name in case.replay.names.items() if not case.replay.users.get(node)},
        case.penalty,
    )
