"""What an illness is: a name, a place in the order, what makes it suspected, and its repairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chainrule.doctor.finding import Prescription
from chainrule.doctor.probes import Probes


@dataclass(frozen=True)
class Suspicion:
    """An illness that the evidence does not exclude, and what an experiment is to try.

    Attributes:
        where, observed, expected: as in a Finding.
        repairs: tried in this order; the one with the lowest loss is prescribed.
        otherwise: tried where none of those cures, up to the first that does.
        is_proven: the evidence alone is a proof, whatever the training came to.
        is_strong: so far from what is usual that the repair is tried although the network learns.
        is_definite: the evidence is no matter of degree, so that a smaller effect will do.
        rivals: names of what shows the same.
    """

    where: str
    observed: str
    expected: str
    repairs: tuple[Prescription, ...] = ()
    otherwise: tuple[Prescription, ...] = ()
    is_proven: bool = False
    is_strong: bool = False
    is_definite: bool = False
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Illness:
    """One illness.

    Attributes:
        name: its key. title: the same in words.
        suspect: from the probes to a suspicion, or None where the evidence excludes it.
        is_specific: it has evidence of its own, apart from the cure. One that has not is named
            only where nothing with evidence cures, and where luck is excluded.
        goes_further: its repair only adds units or steps, or another start, which may as well learn
            noise by heart: it counts if it does no harm on rows held back.
        advice: what to type where no experiment can try it.
    """

    name: str
    title: str
    suspect: Callable[[Probes], Suspicion | None] = field(repr=False)
    is_specific: bool = True
    goes_further: bool = False
    advice: str = ""
