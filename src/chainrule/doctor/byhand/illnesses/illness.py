"""An illness of a program by hand: as one of a network, with probes of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.illnesses.illness import Suspicion

__all__ = ["Illness", "Suspicion"]


@dataclass(frozen=True)
class Illness:
    """One illness; the attributes are those of ``doctor.illnesses.Illness``."""

    name: str
    title: str
    suspect: Callable[[Probes], Suspicion | None] = field(repr=False)
    is_specific: bool = True
    advice: str = ""
