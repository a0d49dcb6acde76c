"""Probes of a program by hand: each computed at its first need, once, and kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from chainrule.check import GradientReport, check_gradients, check_step
from chainrule.doctor.byhand.chain import Layer, chain, fresh
from chainrule.doctor.byhand.others import data_case, on_others
from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.doctor.byhand.reading import Targets, targets_of
from chainrule.doctor.byhand.rectified import Rectified, rectified
from chainrule.doctor.byhand.reference import Reference, every_row, reference
from chainrule.doctor.byhand.running import Portions, Run, finite, portions, run, sound
from chainrule.doctor.byhand.sums import Sums, sums
from chainrule.doctor.byhand.truth import TrueGradient
from chainrule.doctor.byhand.usual_losses import Loss, loss_of
from chainrule.doctor.case import Case
from chainrule.doctor.finding import Prescription
from chainrule.doctor.probes.others import OnOthers, folds, is_whole_table
from chainrule.doctor.probes.reference import Knowable, knowable
from chainrule.doctor.probes.relation import Relation, relation
from chainrule.doctor.standardising import mean_and_spread
from chainrule.errors import ChainruleError
from chainrule.graph.op import Array

#: Rows on which gradients are checked, and on which outputs are looked at.
CHECKED, LOOKED_AT = 20, 7
#: Rows on which units are watched: one that is 0 for all of these is dead for the others too.
WATCHED = 500
#: Biases of the point where gradients are checked: with zeros many a wrong formula is right.
BIAS = 0.3


@dataclass(frozen=True, eq=False)
class Point:
    """Parameters of a usual size and a few scaled rows: where a right program behaves."""

    parameters: Parameters
    X: Array
    y: Array


class Probes:
    """What is known of ``program``. ``tell`` gets a line before each longer piece of work."""

    def __init__(self, program: Program, tell: Callable[[str], Any]) -> None:
        self.program, self.tell = program, tell
        self.examined: list[str] = []
        self.not_judged: list[str] = []
        self._runs: dict[str, Run | None] = {}
        self._on_others: dict[str, OnOthers] = {}

    def note(self, what: str) -> None:
        """Remember that this was looked at."""
        if what not in self.examined:
            self.examined.append(what)

    # --- what is there ---------------------------------------------------------------------------

    @cached_property
    def outputs(self) -> Array | None:
        """The outputs at the start for the first rows; None if the forward pass raises."""
        X = self.program.data[0][:LOOKED_AT]
        try:
            with self.program.undisturbed():
                return np.asarray(self.program.forward(self._copied(), X))
        except Exception:  # told by the run, which fails for the same reason
            return None

    @property
    def columns(self) -> int:
        """How many numbers the program gives for a row; 1 where it gives none."""
        out = self.outputs
        return int(out[0].size) if out is not None and out.ndim and len(out) else 1

    @cached_property
    def targets(self) -> Targets:
        """The training targets as they are meant."""
        return targets_of(self.program.data[1], self.columns)

    @cached_property
    def input_size(self) -> float:
        """The root mean square of the inputs."""
        self.note("the data")
        return float(np.sqrt(np.mean(np.square(np.asarray(self.parts.X, np.float64)))))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that the shapes of the parameters tell."""
        X = self.program.data[0]
        return chain(self.program.parameters, int(np.prod(X.shape[1:])))

    @cached_property
    def parts(self) -> Portions:
        """Rows to train on, and rows held back."""
        return portions(self.program, self.targets)

    @cached_property
    def yardstick(self) -> Portions:
        """The same of those data that are finite, by which what repairs bring is measured."""
        program = sound(self.program)
        if program is self.program:
            return self.parts
        return portions(program, targets_of(program.data[1], self.columns))

    # --- experiments -----------------------------------------------------------------------------

    @cached_property
    def own(self) -> Run:
        """The program run as it is."""
        self.note("its own training")
        self.tell("running the program as it is")
        return run(self.program, self.parts)

    @cached_property
    def rectified(self) -> tuple[Rectified, ...]:
        """The ReLU layers before and after that; none where the forward pass does not tell."""
        usual, own = self.point.parameters, self.own
        try:
            # From all parts of the data, which may lie sorted.
            X = self.parts.X[:: max(1, len(self.parts.X) // WATCHED)]
            found = rectified(self.program, usual, X, own.seen[0], own.parameters)
        except Exception as error:  # a forward pass that cannot be recorded
            self.not_judged.append(f"hidden units ({_first_line(error)})")
            return ()
        self.note("hidden units before and after training")
        return found

    def repaired(self, repair: Prescription) -> Run | None:
        """The program run with a repair, once; None where the repair cannot be made."""
        return self.trial(repair.text, cast(Any, repair.apply))

    def trial(self, changed: str, change: Callable[[Program], Program | None]) -> Run | None:
        """The same for any change; ``changed`` names it."""
        if changed not in self._runs:
            self.tell(changed)
            try:
                other = change(self.program)
            except Exception:  # the user's functions may refuse what an experiment makes
                other = None
            self._runs[changed] = None if other is None else self._tried(other)
        return self._runs[changed]

    def _tried(self, other: Program) -> Run:
        return run(other, portions(other, self._meant(other)))

    def _meant(self, other: Program) -> Targets:
        """The targets of the program with a change."""
        targets = targets_of(other.data[1], self.columns)
        # A repair says what the targets mean no more than the data did.
        if targets.kind == self.targets.kind and len(targets.meant) == len(self.targets.meant):
            return self.targets
        return targets

    @cached_property
    def reference(self) -> Reference:
        """How far a well-made network gets."""
        self.note("a well-made network on the same rows")
        self.tell("training a well-made network on the same rows")
        return reference(self.yardstick, self.program.seed)

    # --- rows held back --------------------------------------------------------------------------

    @cached_property
    def rows(self) -> int:
        """The rows of the program, if all of them are sound and there could be others."""
        X = self.program.data[0]
        return len(X) if sound(self.program) is self.program and not is_whole_table(X) else 0

    @property
    def held_rows(self) -> int:
        """The rows held back in its own run."""
        return 0 if self.parts.held is None else len(self.parts.held.meant)

    @property
    def has_numbers(self) -> bool:
        """Whether its own run ends in numbers."""
        return not self.own.failed and math.isfinite(self.own.share)

    @cached_property
    def judge(self) -> Knowable:
        """What can be known of rows not seen: by a well-made network, or by a single layer."""
        self.note("a well-made network on other rows")
        self.tell("training a well-made network for rows that it does not see")
        judges = [knowable(self._data_case, is_plane=is_plane) for is_plane in (False, True)]
        return min(judges, key=lambda known: known.share)

    def on_others(self, changed: str, change: Callable[[Any], Any]) -> OnOthers:
        """How the program does with one change on rows that it was not trained on."""
        if changed not in self._on_others:
            self.tell(f"on rows held back: {changed}")
            other = change(self.program)
            self._on_others[changed] = on_others(
                other, self._meant(other), list(folds(self._data_case))
            )
        return self._on_others[changed]

    @cached_property
    def _data_case(self) -> Case:
        return data_case(self.program, self.targets)

    @cached_property
    def relation(self) -> Relation:
        """How much the targets seem to depend on X, beside targets shuffled among the rows."""
        self.note("targets shuffled among the rows")
        X, targets = every_row(self.parts)
        return relation(X, targets.meant, self.program.seed)

    # --- where a right program behaves -----------------------------------------------------------

    @cached_property
    def point(self) -> Point:
        """Fresh parameters and scaled rows, so that no start and no scale hides a mistake."""
        X, y = self.program.data
        rng = np.random.default_rng(self.program.seed)
        at = np.sort(rng.permutation(len(X))[:CHECKED])
        wide = np.asarray(X)
        kept = np.isfinite(wide.reshape(len(wide), -1)).all(axis=1)
        mean, spread = mean_and_spread(wide[kept])
        scaled = np.where(np.isfinite(wide[at]), (wide[at] - mean) / spread, 0.0)
        start = fresh(self.program.parameters, self.layers, self.program.seed, bias=BIAS)
        return Point(start, scaled, np.asarray(y)[at])

    def answered(self, p: Parameters, X: Array) -> Array | None:
        """The outputs as (n, columns); None where the forward pass raises or is not finite."""
        try:
            with self.program.undisturbed():
                out = np.asarray(
                    self.program.forward({k: a.copy() for k, a in p.items()}, X), np.float64
                )
        except Exception:  # such a point is not one where this can be asked
            return None
        return (
            out.reshape(len(X), -1) if out.ndim and len(out) == len(X) and finite([out]) else None
        )

    @cached_property
    def sums(self) -> Sums | None:
        """What outputs of a few rows add up to; None where they are no shares of classes."""
        point = self.point
        found = sums(lambda X: self.answered(point.parameters, X), np.array(point.X[:LOOKED_AT]))
        if found is not None:
            self.note("outputs of one row beside others")
        return found

    @cached_property
    def loss(self) -> Loss:
        """The program's loss; where it was not given, the one that suits its outputs."""
        return loss_of(self.program, self.targets.kind)

    @cached_property
    def gradients(self) -> GradientReport | None:
        """What the check of gradients says at that point; None where it cannot be asked."""
        program, point = self.program, self.point
        if program.gradients is None or program.loss is None:
            self.not_judged.append("gradients (loss= and gradients= were not given)")
            return None
        self.note("gradients")
        loss, gradients = program.loss, program.gradients
        try:
            with program.undisturbed():
                return check_gradients(
                    lambda p: loss(p, point.X, point.y), point.parameters,
                    lambda p: gradients(p, point.X, point.y), seed=program.seed,
                )  # fmt: skip
        except Exception as error:  # the user's code, or a loss that cannot be judged
            self.not_judged.append(f"gradients ({_first_line(error)})")
            return None

    @cached_property
    def updates(self) -> GradientReport | None:
        """What the check of the step says there; None where it cannot be asked."""
        program, point, loss = self.program, self.point, self.loss
        self.note("the step")
        try:
            with program.undisturbed():
                return check_step(
                    lambda p: program.step(p, point.X, point.y), point.parameters,
                    lambda p: loss(p, point.X, point.y), seed=program.seed,
                )  # fmt: skip
        except Exception as error:  # as above
            self.not_judged.append(f"the step ({_first_line(error)})")
            return None

    @cached_property
    def truth(self) -> TrueGradient | None:
        """The true gradient as a function, if the loss can be recorded."""
        program, point = self.program, self.point
        if program.loss is None:
            return None
        truth = TrueGradient(program)
        try:
            with program.undisturbed():
                truth(point.parameters, point.X, point.y)
        except Exception:  # such a loss has no experiment with its true gradient
            return None
        return truth

    def _copied(self) -> Parameters:
        return {name: array.copy() for name, array in self.program.parameters.items()}

    def with_floats(self) -> Program:
        """The program with parameters that can be moved."""
        floats = {
            name: array.astype(np.float64) if array.dtype.kind in "iub" else array
            for name, array in self.program.parameters.items()
        }
        return replace(self.program, parameters=floats)


def _first_line(error: Exception) -> str:
    said = str(error).split("\n")[0]
    return said if isinstance(error, ChainruleError) else f"{type(error).__name__}: {said}"
