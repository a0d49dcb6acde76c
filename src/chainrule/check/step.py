"""check_step: one update of a training loop, against the true gradient at the old parameters.

A backward pass may be right and the loop around it wrong: a parameter is changed before another's
gradient is computed with it, gradients of earlier steps are added on, the rate is another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.check.calls import Calls, fitted
from chainrule.check.evidence import Array, Truth
from chainrule.check.judging import verdict
from chainrule.check.report import GradientReport, Verdict
from chainrule.check.stepmistakes import name_step_mistakes
from chainrule.check.steporder import Step
from chainrule.check.stepping import Point, Stepper
from chainrule.check.subjects import chosen
from chainrule.check.truth import Found, Seeker
from chainrule.errors import GradientError, OptionError
from chainrule.optim import SGD, Optimizer

#: Momentum and the like show only from the second step on; a state that is lost, in the third.
STEPS = 3


def check_step(
    step: Callable[..., Any],
    parameters: Any,
    loss: Callable[..., Any],
    /,
    *,
    rate: float | None = None,
    optimizer: Optimizer | None = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> GradientReport:
    """Judge the update of a training loop: three steps in a row, each from where the last ended.

    Every step should be θ ← θ - η·∇loss(θ), or what ``optimizer`` makes of the gradient, with the
    gradient of all parameters taken *before* any of them is changed. All is put back afterwards.

    ::

        def step(p):                        # one turn of the loop, on the data of the loss
            gradients = backward(p)
            for name in p:
                p[name] -= 0.1 * gradients[name]

        check_step(step, parameters, loss, rate=0.1)
        check_step(lambda net: net.train(X, t), net, lambda net: net.loss(X, t), rate=0.1)

    Args:
        step: one update. It gets the parameters, arranged as given, and changes them in place or
            returns new ones; without an argument it changes the given arrays (or its own global
            variables of these names).
        parameters: a dict or list of arrays, one array, or an object with arrays as attributes.
        loss: of the parameters, on the same data that the step uses.
        rate: the learning rate η that the step is meant to have; None finds it out, and then a
            rate that is wrong for all parameters alike cannot be noticed.
        optimizer: such as ``cr.Adam(0.01)``, if it is not plain descent; brings its own rate.
        names: the parameters to be judged; default all.
        seed: of the random directions and entries that confirm the true gradient.

    Returns:
        A report as ``check_gradients`` gives it; "theirs" is the update divided by -η.

    Raises:
        GradientError: the loss is not one finite number, or no parameter ever changes.
        OptionError: both a rate and an optimizer, a rate that is not above 0, and the like.
    """
    if optimizer is not None and rate is not None:
        raise OptionError("give rate= or optimizer=, not both: an optimizer has its own rate.")
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise OptionError(f"rate is the learning rate, a number above 0; got {rate!r}.")
    stepper = Stepper(step, parameters, loss)
    judged = chosen(names, stepper.subject.parameters)
    calls = Calls(stepper.subject)
    points = stepper.run(STEPS)
    with calls.surroundings.kept():
        return _Judge(calls, stepper, points, optimizer, rate, seed).report(judged)


class _Judge:
    """Compares a run of steps with what the true gradient and the optimizer would have done."""

    def __init__(
        self, calls: Calls, stepper: Stepper, points: Sequence[Mapping[str, Any]],
        optimizer: Optimizer | None, rate: float | None, seed: int,
    ) -> None:  # fmt: skip
        self.calls, self.eps, self.seed = calls, stepper.eps, seed
        self.optimizer = optimizer
        self.notes = [stepper.broke] if stepper.broke else []
        self.remarks = _reshaped(points)
        self.points = _usable(points)
        self.found = [self._truth(point) for point in self.points[:-1]]
        given = rate if optimizer is None else optimizer.learning_rate
        self.rate = given if given is not None else self._fitted_rate()
        self.is_given = given is not None

    def report(self, names: Sequence[str]) -> GradientReport:
        """The verdicts of all steps together: the first one that is wrong counts."""
        steps = self._steps()
        verdicts = {name: v for name, v in self._verdicts(steps).items() if name in names}
        mistakes, notes, excused = name_step_mistakes(
            steps, verdicts, self.rate, self.is_given, self.optimizer
        )
        for name in excused:
            verdicts[name] = replace(verdicts[name], right=True, remark="")
        if not self.is_given:
            notes = (f"the rate seems to be {self.rate:.6g}; it was not given.", *notes)
        how = f"{len(steps)} steps in a row were compared with the true gradient, for which "
        return GradientReport(
            verdicts, mistakes, (*self.notes, *notes), how + self.found[0].how, "updates"
        )

    def _truth(self, point: Point) -> Found:
        value = self.calls.loss(point)
        if not np.isfinite(value):
            raise GradientError(
                f"the loss is {value} at these parameters, so no step can be judged there."
            )
        return Seeker(self.calls, point, value, self.eps, self.seed).seek()

    def _fitted_rate(self) -> float:
        """The rate that most parameters' first update agrees with."""
        slopes = {
            name: _slope(self._update(0, name), truth) for name, truth in self.found[0].true.items()
        }
        known = [(c, rest, size) for c, rest, size in slopes.values() if c]
        if not known:
            raise GradientError(
                "the step changes no parameter. It must change the arrays it is given in place "
                "(W -= ...), put new ones into the dict, or return them; W = W - ... inside a "
                "function changes nothing outside."
            )
        # A parameter of one entry is a multiple of its gradient whatever happened to it.
        clean = [abs(c) for c, rest, size in known if rest < 1e-6 and size > 1]
        return float(np.median(clean or [abs(c) for c, _, _ in known]))

    def _update(self, k: int, name: str) -> Array | None:
        """What step k took away from a parameter."""
        before, after = self.points[k].get(name), self.points[k + 1].get(name)
        if before is None or after is None or before.shape != after.shape:
            return None
        return before - after

    def _steps(self) -> list[Step]:
        """Each step: theirs and the wanted update, both divided by the rate."""
        state: dict[str, Any] = {}
        steps = []
        for k, found in enumerate(self.found):
            updates = {name: self._update(k, name) for name in found.true}
            theirs = {n: None if u is None else u / self.rate for n, u in updates.items()}
            wanted, state = self._wanted(found.true, self.points[k], state)
            steps.append(
                Step(self.points[k], self.points[k + 1], theirs, found.true, wanted, found.graph)
            )
        return steps

    def _wanted(
        self, true: Mapping[str, Truth], point: Point, state: dict[str, Any]
    ) -> tuple[dict[str, Truth], dict[str, Any]]:
        """The update that the optimizer makes of the true gradient, over the rate."""
        if self.optimizer is None or (type(self.optimizer) is SGD and self.optimizer.is_plain):
            return {n: self._allowing(t, point[n]) for n, t in true.items()}, {}
        wanted, left = {}, {}
        for name, truth in true.items():
            theta = point[name]
            before = state.get(name) or self.optimizer.init(theta)
            after, left[name] = self._updated(theta, truth.gradient, before)
            # Where a gradient is nothing but rounding, an optimizer that divides by it is noise.
            clear = np.abs(truth.gradient) > 1e3 * truth.tolerance
            change = np.where(clear, (theta - np.asarray(after)) / self.rate, np.nan)
            largest = float(np.nanmax(np.abs(change), initial=0.0))
            wanted[name] = self._allowing(
                Truth(change, np.full(change.shape, 1e-5 * largest), exact=False), theta
            )
        return wanted, left

    def _updated(self, theta: Array, g: Array, state: Any) -> Any:
        """The optimizer's step on arrays: written in ops, it computes with them as well."""
        optimizer: Any = self.optimizer
        return optimizer.update(theta, g, state, np.float64(self.rate))

    def _allowing(self, truth: Truth, theta: Array) -> Truth:
        """With room for the rounding of θ - ηg, of which the update is the difference."""
        room = 4 * self.eps * np.abs(theta) / self.rate
        return replace(truth, tolerance=truth.tolerance + room)

    def _verdicts(self, steps: Sequence[Step]) -> dict[str, Verdict]:
        verdicts: dict[str, Verdict] = {}
        for k, step in enumerate(steps):
            for name, wanted in step.wanted.items():
                if name in verdicts and not verdicts[name].right:
                    continue
                told = verdict(name, step.theirs[name], wanted)
                if not told.right and k and not told.remark:
                    told = replace(told, remark=f"in step {k + 1}")
                if name in self.remarks:
                    told = replace(told, right=False, remark=self.remarks[name])
                verdicts[name] = told
        return verdicts


def _slope(update: Array | None, truth: Truth) -> tuple[float, float, int]:
    """How many gradients the update is, what is left relatively, and the number of entries."""
    g = np.where(truth.known, truth.gradient, 0.0)
    if update is None or not np.any(g) or not np.any(update):
        return 0.0, 0.0, 0
    c = float(np.sum(update * g) / np.sum(g * g))
    return c, float(np.linalg.norm(update - c * g) / np.linalg.norm(update)), g.size


def _reshaped(points: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The parameters that have another shape after a step."""
    remarks: dict[str, str] = {}
    for name, first in points[0].items():
        for point in points[1:]:
            now = point.get(name)
            if now is None:
                remarks.setdefault(name, "gone after a step")
            elif now.shape != first.shape:
                remarks.setdefault(name, f"its shape becomes {now.shape}")
    return remarks


def _usable(points: Sequence[Mapping[str, Any]]) -> list[Point]:
    """The points in float64, up to the first that is not finite or has lost its shape."""
    first = {name: array.shape for name, array in points[0].items()}
    usable: list[Point] = []
    for point in points:
        arrays = {
            name: fitted(np.asarray(point[name], np.float64), shape)
            for name, shape in first.items()
            if name in point
        }
        usable.append(arrays)
        odd = arrays.keys() != first.keys() or any(a.shape != first[n] for n, a in arrays.items())
        if odd or not all(np.isfinite(a).all() for a in arrays.values()):
            break
    if len(usable) < 2 or not all(np.isfinite(a).all() for a in usable[1].values()):
        raise GradientError("after one step a parameter is NaN or infinite: the update overflows.")
    return usable
