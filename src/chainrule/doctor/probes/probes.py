"""Probes: each is computed at its first need, once, and kept for every illness that asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import Portions, Trial, portions, train, untrained, with_validation
from chainrule.doctor.prescriptions import fresh_starts
from chainrule.doctor.probes.answers import kind_of_targets, mixes_rows, perfect_loss
from chainrule.doctor.probes.forward import Leak, curvature, gradient_sizes, leak
from chainrule.doctor.probes.layers import Start, Units, starts, units
from chainrule.doctor.probes.others import OnOthers, is_whole_table, on_others
from chainrule.doctor.probes.reference import Knowable, Reference, knowable, reference
from chainrule.doctor.probes.relation import Relation, relation
from chainrule.doctor.probes.statics import Columns, columns, variety_in_batches
from chainrule.doctor.probes.twins import Twins, twins
from chainrule.doctor.yardstick import BETTER, LOST, Course, Effect, lacking
from chainrule.train.nonfinite import Birth

#: Rows on which units are looked at.
LOOKED_AT = 500
#: By how much of the constant answer's loss two trainings must differ to be different outcomes.
WORSE = 0.04


class Probes:
    """What is known of ``case``. ``tell`` is handed a line before each longer piece of work."""

    def __init__(self, case: Case, tell: Callable[[str], None]) -> None:
        self.case, self.tell = case, tell
        self.examined: list[str] = []
        self._trials: dict[str, Trial] = {}
        self._on_others: dict[str, OnOthers] = {}

    @cached_property
    def data(self) -> Portions:
        """The checked rows, and the loss of the best constant answer on them."""
        return self.own.portions if self.case.epochs else portions(self.case)

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
    def split(self) -> Trial:
        """The case trained as it is, without the rows held back, where there are enough."""
        self._note("its own training")
        self.tell("training it as it is")
        return train(self.case, data=portions(self.case), explain=True)

    @cached_property
    def own(self) -> Trial:
        """The case trained as it is."""
        split = self.split
        if split.portions.held is None or split.failed is not None:
            return split
        # On all rows it is the very training that ``fit`` makes. Where chance decides, that may
        # end worse than the same on four fifths of the rows; then it is what must be explained.
        whole = train(self.case, data=portions(self.case, hold=False), explain=True)
        is_worse = whole.failed is not None or whole.share - split.share > max(
            WORSE, 0.5 * split.share
        )
        return whole if is_worse else split

    @cached_property
    def as_given(self) -> Trial | None:
        """The network as it was handed over, not trained any further; None if it was new."""
        if self.case.trained is None:
            return None
        self._note("the network as given")
        return untrained(replace(self.case, network=self.case.trained), self.data)

    @cached_property
    def with_validation(self) -> Trial | None:
        """The case trained on all its rows, and its validation rows looked at on the way."""
        data = with_validation(self.case)
        if data is None:
            return None
        self._note("validation")
        self.tell("training it on all rows, with validation")
        return train(self.case, data=data)

    @cached_property
    def twins(self) -> Twins | None:
        """The validation rows that are training rows too; None if none are, or by nature."""
        if self.case.validation is None:
            return None
        self._note("training rows beside validation rows")
        return twins((self.case.X, self.case.y), self.case.validation)

    @cached_property
    def birth(self) -> Birth | None:
        """Where the first number came from that was not finite; None if all were."""
        return self.own.birth

    @cached_property
    def leak(self) -> Leak | None:
        """How rows of a batch depend on each other; None if they do not."""
        self._note("rows by themselves")
        return leak(self.case.network, self.data.train["x"])

    @cached_property
    def curvature(self) -> float:
        """How far the network is from linear, started afresh."""
        self._note("additivity")
        return curvature(fresh_starts(self.case)[0].apply(self.case).network)

    @cached_property
    def gradient_ratio(self) -> float:
        """The size of the gradient of the first layer's weights beside that of the last one's."""
        self._note("gradient of each layer")
        part = {name: array[:LOOKED_AT] for name, array in self.data.train.items()}
        sizes = list(gradient_sizes(self.case.network, self.case.loss, part).values())
        return sizes[0] / max(sizes[-1], 1e-300)

    @cached_property
    def kind_of_targets(self) -> str:
        """What the targets are: "classes", "probability" or "values", whatever the loss says."""
        return kind_of_targets(self.case.loss, self.data.train["t"])

    @cached_property
    def perfect_loss(self) -> float | None:
        """The loss of a perfect answer; None where it cannot be asked."""
        self._note("loss of a perfect answer")
        return perfect_loss(self.case.loss, self.data.train["t"], self.kind_of_targets)

    @cached_property
    def loss_mixes_rows(self) -> bool:
        """Whether the loss is the same when the targets are shuffled among the rows."""
        self._note("rows in the loss")
        return mixes_rows(self.case.loss, self.data.train["t"])

    @cached_property
    def variety_in_batches(self) -> float:
        """How much the targets of a batch differ, beside those of a batch drawn at random."""
        self._note("batches")
        rows = len(self.data.train["t"])
        return variety_in_batches(self.data.train["t"], self.case.batch_size or rows)

    @property
    def rows(self) -> int:
        """The rows of the case, if there could be others."""
        return 0 if is_whole_table(self.case.X) else len(self.case.X)

    @property
    def held_rows(self) -> int:
        """The rows held back in its own training."""
        held = self.own.portions.held
        return 0 if held is None else len(held["x"])

    @property
    def has_numbers(self) -> bool:
        """Whether its own training ends in numbers."""
        return self.own.failed is None

    @cached_property
    def reference(self) -> Reference:
        """How far a well-made network gets."""
        self._note("a well-made network on the same rows")
        self.tell("training a well-made network on the same rows")
        return reference(self.case, self.data)

    @cached_property
    def best_plane(self) -> Reference:
        """How far a single layer gets on the same rows when it is trained as well as can be."""
        self._note("a single layer on the same rows")
        self.tell("training a single layer on the same rows")
        return reference(self.case, self.data, is_plane=True)

    @cached_property
    def a_plane_suffices(self) -> bool:
        """Whether a single layer, trained well, cures the case: no hidden layer is missing then."""
        own, plane, has_others = self.own, self.best_plane, self.data.held is not None
        if own.failed is None and plane.share > (1 - BETTER) * own.share:
            return False
        before = LOST if own.failed is not None else self._lack(own, has_others)
        return Effect(before, self._lack(plane, has_others)).is_cured

    def _lack(self, course: Course, has_others: bool) -> float:
        return lacking(course, self.reference, has_others=has_others)

    @cached_property
    def knowable(self) -> Knowable:
        """What a well-made network knows of rows that it has not seen."""
        self._note("a well-made network on other rows")
        self.tell("training a well-made network for rows that it does not see")
        return knowable(self.case)

    @cached_property
    def judge(self) -> Knowable:
        """What can be known of rows not seen: by the well-made network, or by a single layer."""
        self.tell("training a single layer for rows that it does not see")
        plane = knowable(self.case, is_plane=True)
        return min(plane, self.knowable, key=lambda known: known.share)

    @cached_property
    def relation(self) -> Relation:
        """How much the targets seem to depend on X, beside targets shuffled among the rows."""
        self._note("targets shuffled among the rows")
        whole = portions(self.case, hold=False).train
        return relation(whole["x"], whole["t"], self.case.seed)

    def on_others(self, changed: str, change: Callable[[Case], Case]) -> OnOthers:
        """How the case does with one change on rows that it was not trained on."""
        if changed not in self._on_others:
            self.tell(f"on rows held back: {changed}")
            self._on_others[changed] = on_others(change(self.case))
        return self._on_others[changed]

    def trial(self, changed: str, change: Callable[[Case], Case]) -> Trial:
        """The case trained with one change; ``changed`` names it, and each is trained once."""
        if changed not in self._trials:
            self.tell(changed)
            case = change(self.case)
            hold = self.own.portions.held is not None
            self._trials[changed] = train(case, data=portions(case, hold=hold))
        return self._trials[changed]

    def _note(self, what: str) -> None:
        if what not in self.examined:
            self.examined.append(what)
