"""Findings: what is wrong, what shows it, what cures it, and the experiment that proves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.doctor.case import Case


@dataclass(frozen=True)
class Prescription:
    """A repair: one change of a case, and how it is typed.

    Attributes:
        text: what the user writes.
        change: from a case to the repaired case; the given one stays as it is.
    """

    text: str
    change: Callable[[Case], Case] = field(repr=False)

    def apply(self, case: Case) -> Case:
        """The repaired case."""
        return self.change(case)


#: Rows of the data on which neither training was trained.
HELD_ROWS = "rows held back"


@dataclass(frozen=True)
class Experiment:
    """A training of a copy, changed in one thing, beside one of the copy unchanged.

    Attributes:
        changed: what was changed.
        budget: how long both were trained, in words.
        before, after: the loss at the end; inf where it was no number any more.
        measured_on: the rows on which the losses were computed, in words.
        reference: the loss that a well-made network reaches on these data, if that was asked.
    """

    changed: str
    budget: str
    before: float
    after: float
    measured_on: str = "the training rows"
    reference: float | None = None

    @property
    def outcome(self) -> str:
        """What came of it, without what was changed."""
        return (
            f"loss {_number(self.before)} became {_number(self.after)} "
            f"({self.budget}, on {self.measured_on})"
        )

    def __str__(self) -> str:
        return f"{self.changed}: {self.outcome}"


def _number(loss: float) -> str:
    return f"{loss:.4g}" if loss < float("inf") else "without end"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        name: its key, such as "rate_too_large"; ``title`` is the same in words.
        where: the layer, parameter, column or option.
        observed: what was seen, with the number. expected: what should be, with the number and why.
        sure: from 0 to 1.
        repair: what can be typed. prescription: the same as a change of the case.
        experiment: the training that proves the repair.
        rivals: names of what could not be told apart from it.
    """

    name: str
    title: str
    where: str
    observed: str
    expected: str
    sure: float
    repair: str
    experiment: Experiment | None = None
    prescription: Prescription | None = None
    rivals: tuple[str, ...] = ()

    def apply(self, case: Case) -> Case:
        """The case with the repair made, to be trained again; the given one stays as it is.

        Without a prescription (where only the user can repair) it is the same case.
        """
        return case if self.prescription is None else self.prescription.apply(case)
