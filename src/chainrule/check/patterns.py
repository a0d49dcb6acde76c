"""Patterns: what the gradients alone give away, where the loss could not be recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.closeness import Closeness
from chainrule.check.evidence import Array, Evidence
from chainrule.check.kinds import Mistake
from chainrule.check.leftover import unexplained
from chainrule.check.mutants.mutant import Slip
from chainrule.check.mutants.parameter import (
    Factor,
    added_penalty,
    exchanged_slips,
    parameter_slips,
)


def pattern_slips(
    evidence: Evidence, theirs: Mapping[str, Array], name: str, factors: Sequence[Factor]
) -> Iterator[Slip]:
    """Slips of one parameter that can be tried without the graph."""
    true = {n: truth.gradient for n, truth in evidence.true.items()}
    vectors = [n for n, p in evidence.parameters.items() if p.ndim < 2 or 1 in p.shape]
    none = np.zeros_like(true[name])
    yield from parameter_slips(name, true[name], none, False, factors)
    yield from exchanged_slips(name, theirs[name].shape, true, vectors)
    if theirs[name].shape == true[name].shape and evidence.true[name].complete:
        rounding = max(1e-7, 300 * evidence.eps)
        yield from added_penalty(
            name, evidence.parameters[name], theirs[name], true[name], rounding
        )
    if name in vectors and true[name].size > 1 and np.isfinite(true[name]).all():
        yield Slip(
            kinds.SUMMED_OVER_ALL, name, np.full(theirs[name].shape, true[name].sum()), "all",
            "{names}: theirs sums over every axis, and gives all units the same number.",
            f"d{name} = dz.sum(axis=0)    # over the samples alone",
        )  # fmt: skip


def counts(functions: Sequence[Any]) -> set[int]:
    """What may be the number of samples: a length that arrays which the functions name share."""
    shapes: dict[int, tuple[int, ...]] = {}
    for function in functions:
        code = getattr(function, "__code__", None)
        if code is None:
            continue
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        named = [function.__globals__.get(name) for name in code.co_names]
        for thing in [*cells, *named, *(function.__defaults__ or ())]:
            if isinstance(thing, np.ndarray) and thing.ndim:
                shapes[id(thing)] = thing.shape
    found: set[int] = set()
    for end in (0, -1):
        lengths = [shape[end] for shape in shapes.values()]
        found |= {n for n in lengths if lengths.count(n) > 1 or len(lengths) == 1}
    return {length for length in found if length > 1}


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises where nothing is bound yet
    except ValueError:
        return False
    return True


def pattern_factors(evidence: Evidence) -> list[Factor]:
    """The factors that people get wrong, with every size that may be the number of samples."""
    found: list[Factor] = [
        (-1.0, kinds.WRONG_SIGN, "has the opposite sign", "change the sign"),
        (2.0, kinds.FACTOR_2, "is twice the true one", "multiply by 1/2"),
        (0.5, kinds.FACTOR_HALF, "is half the true one", "multiply by 2"),
    ]
    for m in sorted(counts(evidence.functions)):
        found += [
            (float(m), kinds.MISSING_M, f"is {m} times the true one, and {m} is a size of the "
             "data", f"divide by {m}"),
            (1.0 / m, kinds.DOUBLED_M, f"is 1/{m} of the true one, and {m} is a size of the data",
             f"multiply by {m}"),
        ]  # fmt: skip
    return found


def patterns(
    evidence: Evidence, theirs: Mapping[str, Array], wrong: Sequence[str], closeness: Closeness
) -> tuple[Mistake, ...]:
    """The mistakes that patterns name, and what is left over."""
    found = tuple(_explained(evidence, theirs, wrong, closeness))
    named = {name for mistake in found for name in mistake.parameters}
    left = {name: theirs[name] for name in wrong if name not in named}
    true = {name: truth.gradient for name, truth in evidence.true.items()}
    return (*found, *unexplained(left, true, closeness, evidence.parameters, set()))


def _explained(
    evidence: Evidence, theirs: Mapping[str, Array], wrong: Sequence[str], closeness: Closeness
) -> Iterator[Mistake]:
    """The mistakes that patterns name, each with all parameters that show it."""
    factors = pattern_factors(evidence)
    alike: dict[tuple[str, str], list[Slip]] = {}
    for name in wrong:
        for slip in pattern_slips(evidence, theirs, name, factors):
            if closeness.fit(theirs[name], slip.gives):
                alike.setdefault((slip.kind, slip.note), []).append(slip)
    left = set(wrong)
    order = sorted(
        alike.values(), key=lambda group: (-len(group), kinds.KINDS.index(group[0].kind))
    )
    for group in order:
        names = tuple(slip.parameter for slip in group)
        if not set(names) <= left:
            continue
        same = [g for g in order if {s.parameter for s in g} == set(names) and g is not group]
        left -= set(names)
        rivals = tuple(_told(g) for g in same if g[0].kind != group[0].kind)
        yield _told(group, rivals)


def _told(group: Sequence[Slip], rivals: tuple[Mistake, ...] = ()) -> Mistake:
    names = tuple(slip.parameter for slip in group)
    what = group[0].what.replace("{names}", ", ".join(names))
    apart = "Another number of samples, or other sizes, would tell them apart." if rivals else ""
    return Mistake(group[0].kind, names, "", "", what, group[0].repair, rivals, apart)
