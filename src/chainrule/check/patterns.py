"""Patterns: what the gradients alone give away, where the loss could not be recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.closeness import Closeness, closeness_of
from chainrule.check.evidence import Array, Evidence
from chainrule.check.kinds import Mistake
from chainrule.check.leftover import unexplained
from chainrule.check.mutants.factors import COMMON, Factor
from chainrule.check.mutants.mutant import Slip
from chainrule.check.mutants.parameter import added_penalty, exchanged_slips, parameter_slips


def pattern_slips(
    evidence: Evidence, theirs: Array, name: str, factors: Sequence[Factor]
) -> Iterator[Slip]:
    """Slips of one parameter that can be tried without the graph."""
    gradients = {n: truth.gradient for n, truth in evidence.true.items()}
    vectors = [n for n, p in evidence.parameters.items() if p.ndim < 2 or 1 in p.shape]
    true, parameter = gradients[name], evidence.parameters[name]
    yield from parameter_slips(name, true, np.zeros_like(true), False, factors)
    yield from exchanged_slips(name, theirs.shape, gradients, vectors)
    if evidence.true[name].complete:
        if theirs.shape == true.shape:
            rounding = closeness_of(evidence).strict
            yield from added_penalty(name, parameter, theirs, true, rounding)
            yield from _lost_penalty(name, parameter, theirs, true, rounding)
        if name in vectors:
            yield from _vector_slips(name, theirs, true)


def _lost_penalty(
    name: str, parameter: Array, theirs: Array, true: Array, rounding: float
) -> Iterator[Slip]:
    """Theirs lacks a multiple of the parameter: the derivative of a penalty in the loss."""
    for slip in added_penalty(name, parameter, true, theirs, rounding):
        g = kinds.gradient_of(name)
        strength = slip.note.removeprefix("strength ")
        yield Slip(
            kinds.PENALTY_ONLY_IN_LOSS, name, theirs, slip.note,
            "{names}: theirs lacks " + f"{strength} * {name}" + ", which is what the derivative of "
            "a penalty in the loss adds.",
            f"{g} = {g} + {strength} * {name}",
        )  # fmt: skip


def _vector_slips(name: str, theirs: Array, true: Array) -> Iterator[Slip]:
    """Slips in what should be a sum over the samples."""
    g = kinds.gradient_of(name)
    if true.size > 1:
        yield Slip(
            kinds.SUMMED_OVER_ALL, name, np.full(theirs.shape, true.sum()), "all",
            "{names}: theirs sums over every axis, and gives all units the same number.",
            f"{g} = dz.sum(axis=0)    # over the samples alone",
        )  # fmt: skip
    for axis in range(theirs.ndim if theirs.size > true.size else 0):
        summed = theirs.sum(axis=axis).reshape(-1)
        # What theirs adds up to is the true gradient: it is the whole dz, not summed yet.
        if summed.shape == (true.size,) and np.allclose(summed, true.reshape(-1), rtol=1e-6):
            yield Slip(
                kinds.NOT_SUMMED, name, theirs, f"axis {axis}",
                "{names}: theirs is the whole dz, one part for every sample; its sum over the "
                "samples belongs there.",
                f"{g} = dz.sum(axis={axis})",
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
    found = list(COMMON)
    for m in sorted(counts(evidence.functions)):
        size = f"and {m} is a size of the data"
        found += [
            Factor(float(m), kinds.MISSING_M, f"is {m} times the true one, {size}"),
            Factor(1 / m, kinds.DOUBLED_M, f"is 1/{m} of the true one, {size}"),
        ]
    return found


def patterns(
    evidence: Evidence, theirs: Mapping[str, Array], wrong: Sequence[str], closeness: Closeness
) -> tuple[Mistake, ...]:
    """The mistakes that patterns name, and what is left over."""
    found = tuple(_explained(evidence, theirs, wrong, closeness))
    named = {name for mistake in found for name in mistake.parameters}
    left = {name: theirs[name] for name in wrong if name not in named}
    true = {name: truth.gradient for name, truth in evidence.true.items()}
    unused = {name for name in left if evidence.true[name].complete and not np.any(true[name])}
    return (*found, *unexplained(left, true, closeness, evidence.parameters, unused))


def _explained(
    evidence: Evidence, theirs: Mapping[str, Array], wrong: Sequence[str], closeness: Closeness
) -> Iterator[Mistake]:
    """The mistakes that patterns name, each with all parameters that show it."""
    factors = pattern_factors(evidence)
    alike: dict[tuple[str, str], list[Slip]] = {}
    for name in wrong:
        for slip in pattern_slips(evidence, theirs[name], name, factors):
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
