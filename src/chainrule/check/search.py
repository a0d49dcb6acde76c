"""Search: which mutants of the chain rule give their numbers.

Greedy, in rounds: of all mutants and slips that explain at least one wrong gradient, the one that
explains the most is taken; with it in force the next round looks at what is still wrong. So a
mistake near the output is found before one further back, which adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.check import kinds
from chainrule.check.case import Case, Fit
from chainrule.check.closeness import EQUAL, EQUAL_FLOOR
from chainrule.check.leftover import multiples
from chainrule.check.mutants.mutant import DOUBTFUL, UNLIKELY, Mutant, Slip
from chainrule.check.replay import Pass
from chainrule.check.slips import slip_fits
from chainrule.check.trials import Trials

#: So many kinds later comes a factor of 2 that stands in some lines alone: 1/m is likelier there.
PARTLY = 10


@dataclass(frozen=True, eq=False)
class Finding:
    """A fit that was taken, and those of other kinds that fit equally well."""

    fit: Fit
    rivals: tuple[Fit, ...] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """What a search found; the parameters left ``wrong``; and the pass with all of it in force."""

    case: Case
    findings: tuple[Finding, ...]
    wrong: tuple[str, ...]
    now: Pass


def search(case: Case, wrong: list[str]) -> Result:
    """Explain as many of the gradients of ``wrong`` as can be explained."""
    now = case.right
    left = [name for name in wrong if not case.fits(name, now.gradients[name])]
    findings: list[Finding] = []
    while left:
        fits = _fits(case, now, left)
        if not fits:
            break
        best = _best(fits)
        findings.append(best)
        left = [name for name in left if name not in best.fit.fixed]
        if isinstance(best.fit.cause, Mutant) and best.fit.goes_on:
            now = case.replay.finished(best.fit.cause.rules, now)
    return Result(case, tuple(findings), tuple(left), now)


def _fits(case: Case, now: Pass, wrong: list[str]) -> list[Fit]:
    """What explains something; failing that, what does so times a factor people get wrong."""
    trials = Trials(case, now, set(wrong))
    slips = list(slip_fits(case, now, wrong))
    # A factor that explains everything needs no search, only its place.
    pure = {factor.kind for factor in case.factors}
    settled = any(len(fit.fixed) == len(wrong) > 1 and fit.kind in pure for fit in slips)
    found = [*slips, *trials.fits(factors_alone=settled)]
    if any(len(fit.fixed) == len(wrong) for fit in found):
        return found
    groups = multiples({n: case.theirs[n] for n in wrong}, now.gradients, case.closeness)
    if any(len(names) == len(wrong) > 1 for names in groups.values()):
        return []  # all is the true gradient times one number, which says enough
    return found or [*slip_fits(case, now, wrong, exact=False), *trials.multiple_fits()]


def _best(fits: list[Fit]) -> Finding:
    best, *others = sorted(fits, key=_order)
    enough = max(EQUAL * best.error, EQUAL_FLOOR)
    rivals: dict[str, Fit] = {}
    for fit in others:
        equal = set(fit.fixed) == set(best.fixed) and bool(fit.broken) == bool(best.broken)
        likely = fit.cause.rank < UNLIKELY and fit.factor == best.factor
        if equal and likely and fit.kind != best.kind and fit.error <= enough:
            rivals.setdefault(fit.kind, fit)
    return Finding(best, tuple(rivals.values()))


def _order(fit: Fit) -> tuple[object, ...]:
    """The better explanation first: the one of more, the likelier, the commoner."""
    is_slip = isinstance(fit.cause, Slip)
    partly = is_slip and fit.kind in (kinds.FACTOR_2, kinds.FACTOR_HALF)
    common = kinds.KINDS.index(fit.kind) + (PARTLY if partly else 0)
    doubt = (fit.cause.rank >= DOUBTFUL) + (fit.cause.rank >= UNLIKELY)
    return (-len(fit.fixed), doubt, bool(fit.broken), common, is_slip, fit.cause.rank)
