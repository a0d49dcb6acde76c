"""Case: one recorded loss with their gradients, and everything that was read off the two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from chainrule.check.activations import Site, activations
from chainrule.check.anatomy import Anatomy
from chainrule.check.closeness import Closeness, closeness_of
from chainrule.check.evidence import Array, Evidence
from chainrule.check.guards import without_guards
from chainrule.check.mutants.factors import Factor, factors
from chainrule.check.mutants.mutant import Mutant, Slip
from chainrule.check.replay import Pass, Replay
from chainrule.check.ties import ties, tilted
from chainrule.graph import Graph


@dataclass(frozen=True, eq=False)
class Case:
    """What a search works on.

    ``penalty`` is what the loss's penalty has in each gradient, ``factors`` are those that people
    get wrong here, and ``right`` is the backward pass as it should be. ``may_write``: theirs may
    have written into the parameters, for all that was seen.
    """

    replay: Replay
    anatomy: Anatomy
    sites: tuple[Site, ...]
    theirs: Mapping[str, Array]
    closeness: Closeness
    right: Pass
    penalty: Mapping[str, Array]
    factors: tuple[Factor, ...]
    may_write: bool = True

    def parameter(self, name: str) -> Array:
        """The values of a parameter."""
        return self.replay.values[self.replay.graph.input(name)]

    def fits(self, name: str, gradient: Array) -> bool:
        """Whether ``gradient`` is theirs."""
        return self.closeness.fit(self.theirs[name], gradient)

    def theirs_of_data(self) -> dict[str, Array]:
        """Their gradients without the penalty's part."""
        return {
            name: g - self.penalty[name] if g.shape == self.penalty[name].shape else g
            for name, g in self.theirs.items()
        }

    def in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names in the order in which the parameters were given."""
        wanted = set(names)
        return tuple(name for name in self.theirs if name in wanted)


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


def read_case(
    graph: Graph, evidence: Evidence, theirs: Mapping[str, Array], *, may_write: bool = True
) -> Case:
    """The case of ``theirs`` against one reading of the recorded loss."""
    replay = Replay(graph, evidence.parameters)
    anatomy = Anatomy(replay)
    right = replay.finished({})
    penalty = replay.gradients_from({n: right.cotangents[n] for n in anatomy.penalties})
    return Case(
        replay, anatomy, activations(anatomy), theirs, closeness_of(evidence), right, penalty,
        factors(anatomy), may_write,
    )  # fmt: skip


def readings(evidence: Evidence) -> Iterator[Graph]:
    """The recorded loss, and what else a backward pass may rightly be written for.

    That is the loss without what only keeps it finite; and, where a ReLU is at exactly 0, the loss
    with that decided to one side or the other.
    """
    if evidence.graph is None:
        return
    for graph in (without_guards(evidence.graph), evidence.graph):
        if graph is not None:
            yield graph
            at = ties(graph, evidence.parameters)
            if at:
                yield tilted(graph, at, -1)
                yield tilted(graph, at, 1)
