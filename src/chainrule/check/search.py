"""Search: which mutants of the chain rule give their numbers.

Greedy, in rounds: of all mutants and slips that explain at least one wrong gradient, the one that
explains the most is taken; with it in force the next round looks at what is still wrong. So a
mistake near the output is found before one further back, which adds to it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.check import kinds
from chainrule.check.activations import Site, activations
from chainrule.check.anatomy import Anatomy
from chainrule.check.closeness import EQUAL, EQUAL_FLOOR, Closeness
from chainrule.check.evidence import Array
from chainrule.check.head import read_head
from chainrule.check.leftover import multiples
from chainrule.check.mutants.activation import activation_mutants
from chainrule.check.mutants.bias import bias_slips
from chainrule.check.mutants.loss import loss_mutants
from chainrule.check.mutants.mutant import Mutant, Slip, derivative_replaced
from chainrule.check.mutants.parameter import (
    added_penalty,
    exchanged_slips,
    parameter_slips,
    penalty_strength,
)
from chainrule.check.mutants.product import product_mutants, updated_mutants
from chainrule.check.mutants.reuse import reuse_mutants
from chainrule.check.mutants.samples import mask_mutants, redrawn_mutants, sample_mutants
from chainrule.check.mutants.scale import factors, scale_mutants
from chainrule.check.mutants.weight import weight_slips
from chainrule.check.replay import Replay, Rules
from chainrule.graph import Tensor
from chainrule.graph.differentiate import Rule

#: A mutant is given up when it has got more gradients wrong than this, and none right.
PATIENCE = 3
#: From this rank on, an explanation is taken only where there is no other.
UNLIKELY = 8
#: So many kinds later comes a factor of 2 that stands in some lines alone.
PARTLY = 10


@dataclass(frozen=True, eq=False)
class Fit:
    """An explanation of some wrong gradients.

    ``fixed`` are the parameters whose numbers it gives; ``broken`` those that were right before
    and are not with it, so that the mistake cannot have reached them. ``goes_on`` says that what
    lies further back is to be looked at with it in force. ``factor`` is what it must be
    multiplied by to fit.
    """

    cause: Mutant | Slip
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    error: float
    goes_on: bool = False
    factor: float = 1.0

    @property
    def kind(self) -> str:
        """The kind of mistake."""
        return self.cause.kind

    def _is_partly_two(self) -> bool:
        """Whether it is a factor 2 or 1/2 in some lines alone, where 1/m is the likelier."""
        return isinstance(self.cause, Slip) and self.kind in (kinds.FACTOR_2, kinds.FACTOR_HALF)

    def order(self) -> tuple[object, ...]:
        """The better explanation first."""
        is_slip = isinstance(self.cause, Slip)
        return (
            -len(self.fixed), self.cause.rank >= UNLIKELY, bool(self.broken),
            kinds.KINDS.index(self.kind) + (PARTLY if self._is_partly_two() else 0), is_slip,
            self.cause.rank,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Finding:
    """A fit that was taken, and those of other kinds that fit equally well."""

    fit: Fit
    rivals: tuple[Fit, ...] = ()


@dataclass
class Search:
    """The search in one recorded loss for what explains ``theirs``.

    ``wrong`` are the parameters whose gradient is still not explained. ``at_zero`` is the slope that
    theirs gives a ReLU at exactly 0, where it is a matter of taste; None as the recording has it.
    """

    replay: Replay
    theirs: Mapping[str, Array]
    wrong: list[str]
    closeness: Closeness
    at_zero: float | None = None
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._multiples: list[tuple[Mutant, float]] = []
        self.anatomy = Anatomy(self.replay)
        self.sites = activations(self.anatomy)
        self.now = self.replay.finished(self._at_kinks())
        self.factors = factors(self.anatomy)
        arriving = {n: self.now.cotangents[n] for n in self.anatomy.penalties}
        self.penalty = self.replay.gradients_from(arriving)
        self.wrong = [n for n in self.wrong if not self._is_right(n, self.now.gradients[n])]

    @property
    def has_kinks(self) -> bool:
        """Whether a ReLU is at exactly 0 here."""
        return any(self._is_at_zero(site) for site in self.sites)

    def _is_at_zero(self, site: Site) -> bool:
        is_bent = site.known is not None and site.name.endswith("ReLU") and site.a is not None
        return is_bent and not np.all(self.replay.values[site.z])

    def _at_kinks(self) -> Rules:
        rules: dict[Tensor, Rule] = {}
        for site in self.sites if self.at_zero is not None else ():
            if self._is_at_zero(site) and site.known is not None:
                z = self.replay.values[site.z]
                slope = np.where(z == 0, self.at_zero, site.known.of_input(z))
                rules |= derivative_replaced(site, functools.partial(np.multiply, slope))
        return rules

    def run(self) -> None:
        """Explain as much as can be explained."""
        while self.wrong:
            fits = self._fits()
            if not fits:
                return
            self._take(fits)

    def _is_right(self, name: str, gradient: Array) -> bool:
        return self.closeness.fit(self.theirs[name], gradient)

    def _take(self, fits: list[Fit]) -> None:
        fits.sort(key=Fit.order)
        best = fits[0]
        enough = max(EQUAL * best.error, EQUAL_FLOOR)
        rivals: dict[str, Fit] = {}
        for fit in fits[1:]:
            equal = set(fit.fixed) == set(best.fixed) and bool(fit.broken) == bool(best.broken)
            likely = fit.cause.rank < UNLIKELY and fit.factor == best.factor
            if equal and likely and fit.kind != best.kind and fit.error <= enough:
                rivals.setdefault(fit.kind, fit)
        self.findings.append(Finding(best, tuple(rivals.values())))
        self.wrong = [name for name in self.wrong if name not in best.fixed]
        if isinstance(best.cause, Mutant) and best.goes_on:
            self.now = self.replay.finished(best.cause.rules, self.now)

    def _fits(self) -> list[Fit]:
        """What explains something; failing that, what does so times a factor people get wrong."""
        self._multiples = []
        found = list(self._slips(exact=True))
        found += [fit for mutant in self._mutants() if (fit := self._tried(mutant)) is not None]
        if found:
            return found
        if self._is_one_multiple():
            return []
        again = [self._tried(mutant, factor) for mutant, factor in self._multiples]
        return [*self._slips(exact=False), *(fit for fit in again if fit is not None)]

    def _is_one_multiple(self) -> bool:
        """Whether all that is wrong is the true gradient times one number, which says enough."""
        wrong = {name: self.theirs[name] for name in self.wrong}
        groups = multiples(wrong, self.now.gradients, self.closeness)
        return any(len(names) == len(wrong) > 1 for names in groups.values())

    # --- slips ---------------------------------------------------------------------------------

    def _slips(self, exact: bool) -> Iterator[Fit]:
        """Slips that fit; the same slip in several parameters is one."""
        alike: dict[tuple[object, ...], list[tuple[Slip, float, float]]] = {}
        for name in self.wrong:
            seen = set()
            for slip in self._slips_of(name):
                if self._says_nothing(slip):
                    continue
                for factor in self._tries(slip, exact):
                    error = self.closeness.error(self.theirs[name], factor * slip.gives)
                    key = (slip.kind, slip.note, slip.rank, factor)
                    if error <= self.closeness.allowed(self.theirs[name]) and key not in seen:
                        seen.add(key)
                        alike.setdefault(key, []).append((slip, error, factor))
        for group in alike.values():
            names = tuple(slip.parameter for slip, _, _ in group)
            worst = max(error for _, error, _ in group)
            yield Fit(group[0][0], names, (), worst, factor=group[0][2])

    def _tries(self, slip: Slip, exact: bool) -> list[float]:
        """What the slip is multiplied by: nothing, or else a factor that people get wrong."""
        if exact:
            return [1.0]
        is_factor = slip.kind in {kinds.AVERAGED, *(kind for _, kind, *_ in self.factors)}
        return [] if is_factor else [factor for factor, *_ in self.factors]

    def _slips_of(self, name: str) -> Iterator[Slip]:
        theirs, gradients, part = self.theirs[name], self.now.gradients, self.penalty[name]
        biases = [bias.name for bias in self.anatomy.biases]
        penalised = bool(self.anatomy.penalties)
        often = sum(product.name == name for product in self.anatomy.products) > 1
        for slip in parameter_slips(name, gradients[name], part, penalised, self.factors):
            # What is used several times rather lost all uses but one, which happens to be zero.
            yield replace(slip, rank=UNLIKELY) if often and slip.kind == kinds.FROZEN else slip
        of_data = [
            *bias_slips(self.anatomy, name, theirs.shape, self.now),
            *weight_slips(self.anatomy, self.sites, name, self.now),
        ]
        if np.any(part):
            data = {n: g - self.penalty[n] for n, g in gradients.items()}
            of_data += exchanged_slips(name, theirs.shape, data, biases)
            of_data = [
                replace(s, gives=s.gives + part) for s in of_data if s.gives.shape == part.shape
            ]
        yield from of_data
        yield from exchanged_slips(name, theirs.shape, gradients, biases)
        if theirs.shape == gradients[name].shape:
            yield from added_penalty(
                name,
                self._parameter(name),
                theirs,
                gradients[name],
                self.closeness.strict,
                self._strengths(),
            )

    def _of_data(self) -> dict[str, Array]:
        """Their gradients without the penalty's part."""
        return {
            name: g - self.penalty[name] if g.shape == self.penalty[name].shape else g
            for name, g in self.theirs.items()
        }

    def _parameter(self, name: str) -> Array:
        return self.replay.values[self.replay.graph.input(name)]

    def _strengths(self) -> list[float]:
        """How strong a penalty is that theirs has, and the loss has not, on the parameters."""
        found = []
        for name in self.wrong:
            parameter, mine = self._parameter(name), self.now.gradients[name]
            if np.count_nonzero(parameter) > 1 and self.theirs[name].shape == mine.shape:
                found.append(
                    penalty_strength(parameter, self.theirs[name], mine, self.closeness.strict)
                )
        return [strength for strength in found if strength is not None]

    def _says_nothing(self, slip: Slip) -> bool:
        """Whether the slip gives the right numbers here; theirs may still have another shape."""
        right = self.now.gradients[slip.parameter]
        return slip.gives.shape == right.shape and self.closeness.fit(slip.gives, right)

    # --- mutants -------------------------------------------------------------------------------

    def _mutants(self) -> Iterator[Mutant]:
        yield from scale_mutants(self.anatomy, self.sites, self.now)
        head = read_head(self.anatomy, self.sites, self.now)
        if head is not None:
            yield from loss_mutants(self.anatomy, head)
        yield from activation_mutants(self.anatomy, self.sites, head)
        yield from product_mutants(self.anatomy)
        yield from reuse_mutants(self.anatomy, self.sites)
        yield from mask_mutants(self.anatomy)
        yield from sample_mutants(self.anatomy)
        yield from redrawn_mutants(self.anatomy, self.sites, self._of_data(), self.now)
        yield from updated_mutants(self.anatomy, self.theirs)

    def _tried(self, mutant: Mutant, factor: float = 1.0) -> Fit | None:
        """Replay with the mutant, its numbers times ``factor``; None if it explains nothing.

        A mutant whose first wrong gradient is off by a factor alone is noted for later.
        """
        if mutant.at is not None:
            strength = self._strength(mutant)
            if strength is None:
                return None
            mutant = replace(mutant, rules=mutant.at(strength))
        fixed: list[str] = []
        broken: list[str] = []
        missed = 0
        last = ""
        worst = 0.0
        for name, gradient in self.replay.gradients(mutant.rules, self.now):
            if name not in self.theirs or self._is_same(gradient, self.now.gradients[name]):
                continue
            theirs = self.theirs[name]
            error = self.closeness.error(theirs, factor * gradient)
            if name not in self.wrong:
                if error > self.closeness.allowed(theirs):
                    broken.append(name)
                    last = name
            elif error <= self.closeness.allowed(theirs):
                fixed.append(name)
                worst, last = max(worst, error), name
            else:
                missed += 1
                if factor == 1 and missed == 1 and not fixed:
                    self._note_multiple(mutant, theirs, gradient)
            if missed + len(broken) > PATIENCE and not fixed:
                return None
        if not fixed:
            return None
        goes_on = (not broken or last in fixed) and factor == 1
        return Fit(mutant, self._sorted(fixed), tuple(broken), worst, goes_on, factor)

    def _is_same(self, gradient: Array, before: Array) -> bool:
        return np.array_equal(gradient, before) or self.closeness.fit(gradient, before)

    def _note_multiple(self, mutant: Mutant, theirs: Array, gradient: Array) -> None:
        if theirs.size > 1 and mutant.kind not in {kind for _, kind, *_ in self.factors}:
            c = self.closeness.factor(theirs, gradient)
            known = [factor for factor, *_ in self.factors]
            near = [f for f in known if c is not None and abs(c - f) <= 1e-4 * abs(f)]
            if near:
                self._multiples.append((mutant, near[0]))

    def _sorted(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names in the order in which the parameters were given."""
        wanted = set(names)
        return tuple(name for name in self.theirs if name in wanted)

    def _strength(self, mutant: Mutant) -> float | None:
        """How strong the mutant must be to give the first wrong gradient that it reaches."""
        for name, gradient in self.replay.gradients(mutant.rules, self.now):
            direction = gradient - self.now.gradients[name]
            theirs = self.theirs.get(name)
            if name not in self.wrong or theirs is None or not np.any(direction):
                continue
            # One number is always met by some strength, and two are by chance.
            moved = np.count_nonzero(np.abs(direction) > 1e-9 * np.max(np.abs(direction)))
            if theirs.shape != direction.shape or moved < 3:
                return None
            rest = theirs - self.now.gradients[name]
            strength = float(np.sum(rest * direction) / np.sum(direction**2))
            near = np.max(np.abs(rest - strength * direction)) <= 1e-3 * np.max(np.abs(rest))
            return strength if near and strength > 0 else None
        return None
