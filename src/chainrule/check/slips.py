"""Slips: the wrong lines for single parameters that give their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.check import kinds
from chainrule.check.case import Case, Fit
from chainrule.check.mutants.bias import bias_slips
from chainrule.check.mutants.mutant import UNLIKELY, Slip
from chainrule.check.mutants.parameter import (
    added_penalty,
    exchanged_slips,
    parameter_slips,
    penalty_strength,
)
from chainrule.check.mutants.weight import weight_slips
from chainrule.check.replay import Pass


def slip_fits(case: Case, now: Pass, wrong: Sequence[str], *, exact: bool = True) -> Iterator[Fit]:
    """The slips that give the gradients of ``wrong``; the same slip in several parameters is one.

    ``now`` is the pass with what was found before in force. Not ``exact``: slips that do so when
    multiplied by a factor that people get wrong.
    """
    alike: dict[tuple[str, str, int, float], list[tuple[Slip, float]]] = {}
    strengths = _strengths(case, now, wrong)
    for name in wrong:
        theirs = case.theirs[name]
        seen = set()
        for slip in _slips_of(case, now, name, strengths):
            if _says_nothing(case, now, slip):
                continue
            for factor in [1.0] if exact else _tries(case, slip):
                error = case.closeness.error(theirs, factor * slip.gives)
                key = (slip.kind, slip.note, slip.rank, factor)
                if error <= case.closeness.allowed(theirs) and key not in seen:
                    seen.add(key)
                    alike.setdefault(key, []).append((slip, error))
    for (_, _, _, factor), group in alike.items():
        names = tuple(slip.parameter for slip, _ in group)
        worst = max(error for _, error in group)
        yield Fit(group[0][0], names, (), worst, factor=factor)


def _tries(case: Case, slip: Slip) -> list[float]:
    """The factors that a slip may come with, unless it is a factor itself."""
    is_factor = slip.kind in {kinds.AVERAGED, *(factor.kind for factor in case.factors)}
    return [] if is_factor else [factor.value for factor in case.factors]


def _says_nothing(case: Case, now: Pass, slip: Slip) -> bool:
    """Whether the slip gives the right numbers here; theirs may still have another shape."""
    right = now.gradients[slip.parameter]
    return slip.gives.shape == right.shape and case.closeness.fit(slip.gives, right)


def _slips_of(case: Case, now: Pass, name: str, strengths: Sequence[float]) -> Iterator[Slip]:
    """Every slip that one parameter may have suffered."""
    anatomy, gradients = case.anatomy, now.gradients
    theirs, part = case.theirs[name], case.penalty[name]
    often = sum(product.name == name for product in anatomy.products) > 1
    for slip in parameter_slips(name, gradients[name], part, bool(anatomy.penalties), case.factors):
        # What is used several times rather lost all uses but one, which happens to be zero.
        yield replace(slip, rank=UNLIKELY) if often and slip.kind == kinds.FROZEN else slip
    biases = [bias.name for bias in anatomy.biases]
    of_data = [
        *bias_slips(anatomy, name, theirs.shape, now),
        *weight_slips(anatomy, case.sites, name, now),
    ]
    if np.any(part):
        data = {n: g - case.penalty[n] for n, g in gradients.items()}
        of_data += exchanged_slips(name, theirs.shape, data, biases)
    for slip in of_data:  # the penalty's part stands in a line of its own, and is right
        if slip.gives.shape == part.shape:
            yield replace(slip, gives=slip.gives + part)
        elif not np.any(part):
            yield slip
    yield from exchanged_slips(name, theirs.shape, gradients, biases)
    if theirs.shape == gradients[name].shape:
        yield from added_penalty(
            name, case.parameter(name), theirs, gradients[name], case.closeness.strict, strengths
        )


def _strengths(case: Case, now: Pass, wrong: Sequence[str]) -> list[float]:
    """How strong a penalty is that theirs has on parameters, and the loss has not."""
    found = []
    for name in wrong:
        parameter, mine = case.parameter(name), now.gradients[name]
        if np.count_nonzero(parameter) > 1 and case.theirs[name].shape == mine.shape:
            found.append(
                penalty_strength(parameter, case.theirs[name], mine, case.closeness.strict)
            )
    return [strength for strength in found if strength is not None]
