"""Probes: each is computed at its first need, once, and kept for every illness that asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import Portions, Trial, portions, train
from chainrule.doctor.probes.layers import Start, Units, starts, units
from chainrule.doctor.probes.reference import Reference, reference
from chainrule.doctor.probes.statics import Columns, columns

#: Rows on which units are looked at.
LOOKED_AT = 500


class Probes:
    """What is known of ``case``. ``tell`` is handed a line before each longer piece of work."""

    def __init__(self, case: Case, tell: Callable[[str], None]) -> None:
        self.case, self.tell = case, tell
        self.examined: list[str] = []
        self._trials: dict[str, Trial] = {}

    @cached_property
    def data(self) -> Portions:
        """The checked rows, and the loss of the best constant answer on them."""
        return portions(self.case)

    @cached_property
    def columns(self) -> Columns:
        """The inputs, column by column."""
        self._note("inputs")
        return columns(self.data.train["x"])

    @cached_property
    def starts(self) -> list[Start]:
        """How the parameters start, layer by layer."""
        self._note("initial weights")
        return starts(self.case.network)

    @cached_property
    def first_units(self) -> list[Units]:
        """What the units do before training."""
        self._note("units before training")
        return units(self.case.network, self.data.train["x"][:LOOKED_AT])

    @cached_property
    def last_units(self) -> list[Units]:
        """What the units do after the case's own training."""
        self._note("units after training")
        return units(self.own.network, self.data.train["x"][:LOOKED_AT])

    @cached_property
    def own(self) -> Trial:
        """The case trained as it is."""
        self._note("its own training")
        return self.trial("its own training", lambda case: case)

    @cached_property
    def reference(self) -> Reference:
        """How far a well-made network gets."""
        self._note("a well-made network on the same rows")
        self.tell("training a well-made network on the same rows")
        return reference(self.case, self.data)

    @cached_property
    def shuffled(self) -> Reference:
        """How far it gets when the targets are mixed up among the rows."""
        self._note("a well-made network on shuffled targets")
        self.tell("training a well-made network on shuffled targets")
        return reference(self.case, self.data, shuffled=True)

    def trial(self, changed: str, change: Callable[[Case], Case]) -> Trial:
        """The case trained with one change; ``changed`` names it, and each is trained once."""
        if changed not in self._trials:
            self.tell(changed)
            self._trials[changed] = train(change(self.case))
        return self._trials[changed]

    def _note(self, what: str) -> None:
        if what not in self.examined:
            self.examined.append(what)
