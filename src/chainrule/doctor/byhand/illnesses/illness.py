"""An illness of a program by hand: as one of a network, with probes of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.illnesses.illness import Suspicion

__all__ = ["Illness", "Suspicion", "called"]


def _seen_by_a_check(probes: Probes) -> None:
    """No suspicion: what only a check of the gradients or of the step sees, the check names."""


@dataclass(frozen=True)
class Illness:
    """One illness; the attributes are those of ``doctor.illnesses.Illness``, and one more.

    Attributes:
        mistakes: what ``check_gradients`` and ``check_step`` call it. Where one of them names it,
            its words are the title, and its line is the advice.
    """

    name: str
    title: str = ""
    suspect: Callable[[Probes], Suspicion | None] = field(default=_seen_by_a_check, repr=False)
    is_specific: bool = True
    advice: str = ""
    mistakes: tuple[str, ...] = ()


def called(kind: str, among: Sequence[Illness]) -> Illness | None:
    """The illness that a check calls ``kind``; None if it is none of these."""
    return next((illness for illness in among if kind in illness.mistakes), None)
