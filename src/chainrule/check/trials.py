"""Trials: one mutant at a time, replayed and held against their gradients."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.check.case import Case, Fit
from chainrule.check.evidence import Array
from chainrule.check.head import read_head
from chainrule.check.mutants.activation import activation_mutants
from chainrule.check.mutants.loss import loss_mutants
from chainrule.check.mutants.mutant import Mutant
from chainrule.check.mutants.product import product_mutants, updated_mutants
from chainrule.check.mutants.reuse import reuse_mutants
from chainrule.check.mutants.samples import mask_mutants, redrawn_mutants, sample_mutants
from chainrule.check.mutants.scale import scale_mutants
from chainrule.check.replay import Pass

#: A mutant is given up when it has got more gradients wrong than this, and none right.
PATIENCE = 3


def mutants(case: Case, now: Pass, *, factors_alone: bool = False) -> Iterator[Mutant]:
    """Every mutant of the case, family by family; or those that are a factor alone."""
    yield from scale_mutants(case.anatomy, case.sites)
    if factors_alone:
        return
    head = read_head(case.anatomy, case.sites, now)
    if head is not None:
        yield from loss_mutants(case.anatomy, head)
    yield from activation_mutants(case.anatomy, case.sites, head)
    yield from product_mutants(case.anatomy)
    yield from reuse_mutants(case.anatomy, case.sites)
    yield from mask_mutants(case.anatomy)
    yield from sample_mutants(case.anatomy)
    yield from redrawn_mutants(case.anatomy, case.sites, case.theirs_of_data(), now)
    if case.may_write:
        yield from updated_mutants(case.anatomy, case.theirs)


@dataclass
class Trials:
    """Replays of mutants on top of the pass ``now``, while the gradients of ``wrong`` are wrong.

    ``multiples`` collects the mutants that were off by a factor alone, with that factor.
    """

    case: Case
    now: Pass
    wrong: Set[str]
    multiples: list[tuple[Mutant, float]] = field(default_factory=list)

    def fits(self, *, factors_alone: bool = False) -> list[Fit]:
        """All mutants that explain something; or those alone that are a factor."""
        every = mutants(self.case, self.now, factors_alone=factors_alone)
        tried = (self.tried(mutant) for mutant in every)
        return [fit for fit in tried if fit is not None]

    def multiple_fits(self) -> list[Fit]:
        """After ``fits``: the mutants that explain something if multiplied by a factor."""
        tried = (self.tried(mutant, factor) for mutant, factor in self.multiples)
        return [fit for fit in tried if fit is not None]

    def tried(self, mutant: Mutant, factor: float = 1.0) -> Fit | None:
        """Replay with the mutant, its numbers times ``factor``; None if it explains nothing."""
        if mutant.at is not None:
            strength = self._strength(mutant)
            if strength is None:
                return None
            mutant = replace(mutant, rules=mutant.at(strength))
        closeness = self.case.closeness
        fixed: list[str] = []
        broken: list[str] = []
        missed, worst, last = 0, 0.0, ""
        for name, theirs, gradient in self._moved(mutant):
            error = closeness.error(theirs, factor * gradient)
            fits = error <= closeness.allowed(theirs)
            if fits and name in self.wrong:
                fixed.append(name)
                worst, last = max(worst, error), name
            elif name in self.wrong:
                if not missed and not fixed and factor == 1:
                    self._note_multiple(mutant, theirs, gradient)
                missed += 1
            elif not fits:
                broken.append(name)
                last = name
            if missed + len(broken) > PATIENCE and not fixed:
                return None
        if not fixed:
            return None
        # What lies further back comes with the mutant if the furthest it reached does.
        goes_on = (not broken or last in fixed) and factor == 1
        names = self.case.in_order(fixed)
        return Fit(mutant, names, tuple(broken), worst, goes_on, factor)

    def _moved(self, mutant: Mutant) -> Iterator[tuple[str, Array, Array]]:
        """Each parameter that the mutant makes a difference to: its name, theirs, the mutant's."""
        for name, gradient in self.case.replay.gradients(mutant.rules, self.now):
            before = self.now.gradients[name]
            if name not in self.case.theirs or np.array_equal(gradient, before):
                continue
            if not self.case.closeness.fit(gradient, before):
                yield name, self.case.theirs[name], gradient

    def _note_multiple(self, mutant: Mutant, theirs: Array, gradient: Array) -> None:
        if theirs.size > 1 and mutant.kind not in {factor.kind for factor in self.case.factors}:
            c = self.case.closeness.factor(theirs, gradient)
            known = [factor.value for factor in self.case.factors]
            near = [f for f in known if c is not None and abs(c - f) <= 1e-4 * abs(f)]
            if near:
                self.multiples.append((mutant, near[0]))

    def _strength(self, mutant: Mutant) -> float | None:
        """How strong the mutant must be to give the first wrong gradient that it reaches."""
        for name, theirs, gradient in self._moved(mutant):
            if name not in self.wrong:
                continue
            direction = gradient - self.now.gradients[name]
            # One number is always met by some strength, and two are by chance.
            moved = np.count_nonzero(np.abs(direction) > 1e-9 * np.max(np.abs(direction)))
            if theirs.shape != direction.shape or moved < 3:
                return None
            rest = theirs - self.now.gradients[name]
            strength = float(np.sum(rest * direction) / np.sum(direction**2))
            near = np.max(np.abs(rest - strength * direction)) <= 1e-3 * np.max(np.abs(rest))
            return strength if near and strength > 0 else None
        return None
