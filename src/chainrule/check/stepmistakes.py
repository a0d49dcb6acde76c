"""What is wrong with a training step, by name: told from the updates and the true gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.check.evidence import Array
from chainrule.check.kinds import Mistake
from chainrule.check.report import Verdict
from chainrule.check.steporder import CLOSE, NEAR, Step, is_close, is_one, multiple, updated_early
from chainrule.optim import Optimizer

NEVER_UPDATED = "never updated"
ASCENDS = "ascends"
RATE_SCALED = "1/m in the rate"
OTHER_RATE = "another rate"
UPDATED_EARLY = "updated before its gradient is used"
NEVER_CLEARED = "gradients never cleared"
WRONG_STATE = "wrong optimizer state"
OTHER_GRADIENT = "another parameter's gradient"
SHAPE_CHANGES = "shape changes"
UNEXPLAINED = "not recognised"


def name_step_mistakes(
    steps: Sequence[Step],
    verdicts: Mapping[str, Verdict],
    rate: float,
    is_given: bool,
    optimizer: Optimizer | None,
) -> tuple[tuple[Mistake, ...], tuple[str, ...], tuple[str, ...]]:
    """The mistakes, notes, and the parameters whose update is right after all.

    Those are the parameters of a step with momentum that nobody declared.
    """
    wrong = [name for name, v in verdicts.items() if not v.right]
    notes: tuple[str, ...] = ()
    if wrong and optimizer is None:
        beta = _momentum(steps, wrong)
        if beta is not None and beta < 1 - 1e-6:
            note = (
                f"the step has momentum {beta:.6g}, which was not declared: "
                f"optimizer=cr.SGD({rate:.6g}, momentum={beta:.6g}) says so."
            )
            return (), (note,), tuple(wrong)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for name in wrong:
        said = _named(name, steps, verdicts, rate, is_given, optimizer)
        groups.setdefault(said, []).append(name)
    mistakes = tuple(
        Mistake(
            kind,
            tuple(names),
            what=what.replace("{}", ", ".join(names)),
            repair="; ".join(dict.fromkeys(repair.replace("{}", name) for name in names)),
        )
        for (kind, what, repair), names in groups.items()
    )
    return mistakes, notes, ()


def _named(
    name: str, steps: Sequence[Step], verdicts: Mapping[str, Verdict], rate: float,
    is_given: bool, optimizer: Optimizer | None,
) -> tuple[str, str, str]:  # fmt: skip
    first = steps[0]
    theirs, true = first.theirs[name], first.true[name].gradient
    if theirs is None or theirs.shape != true.shape:
        return _of_other_shape(name, first, verdicts[name])
    if not np.any(theirs):
        return (
            NEVER_UPDATED,
            "After the step {} is what it was before, though its gradient is not zero.",
            _plain(rate),
        )
    if not (verdicts[name].remark and verdicts[name].remark.startswith("in step")):
        found = next(_in_first_step(name, steps, rate, is_given, optimizer), None)
        if found is not None:
            return found
    found = next(_in_later_steps(name, steps, optimizer), None)
    if found is not None:
        return found
    return (
        UNEXPLAINED,
        "The update is not that of the true gradient, and no usual slip explains it. If "
        "check_gradients finds the backward pass right, look at the loop: does the step see the "
        "data that the loss sees?",
        "",
    )


def _of_other_shape(name: str, first: Step, told: Verdict) -> tuple[str, str, str]:
    shape = first.before[name].shape
    after = first.after[name].shape if name in first.after else ()
    size = [n for n, t in first.true.items() if n != name and t.gradient.shape == after]
    of = f" That is the shape of {', '.join(size)}: is it the gradient of another one?"
    return (
        SHAPE_CHANGES,
        f"{name} had shape {shape} and has {after} after the step: NumPy broadcast it against a "
        f"gradient of another shape.{of if size else ''}",
        f"{name} -= rate * d{name}  # in place, so that another shape is an error",
    )


# --- the first step ---------------------------------------------------------------------------


def _in_first_step(
    name: str, steps: Sequence[Step], rate: float, is_given: bool, optimizer: Optimizer | None
) -> Iterator[tuple[str, str, str]]:
    first = steps[0]
    theirs, truth = first.theirs[name], first.wanted[name]
    assert theirs is not None
    # What divides by a root of averages is a multiple only but for its ε.
    c = multiple(theirs, truth.gradient, CLOSE if optimizer is None else 1e-3)
    if c is not None and abs(c + 1) < NEAR:
        yield (
            ASCENDS,
            "The update goes up the gradient instead of down, so the loss grows.",
            _plain(rate),
        )
    early = updated_early(name, first)
    if early:
        yield (
            UPDATED_EARLY,
            f"The gradient of {{}} is computed with {', '.join(early)} as after the update; all "
            "gradients belong to the old parameters.",
            "compute all gradients first, then update all parameters",
        )
    for other, g in first.true.items():
        if other == name:
            continue
        if is_one(theirs, g.gradient):
            yield (
                OTHER_GRADIENT,
                f"{{}} is updated with the gradient of {other}.",
                _plain(rate),
            )
    if c is not None:
        yield _scaled(c, rate, is_given, optimizer)


def _plain(rate: float) -> str:
    return f"{{}} -= {rate:.6g} * d{{}}"


def _scaled(
    c: float, rate: float, is_given: bool, optimizer: Optimizer | None
) -> tuple[str, str, str]:
    if optimizer is not None:
        return (
            WRONG_STATE,
            f"The first update is {c:.4g} times what {type(optimizer).__name__} makes of the "
            "gradient: another setting, or the correction of its first steps is missing.",
            "",
        )
    whole = next((n for n in (c, 1 / c) if abs(n - round(n)) < 1e-4 * n and round(n) > 1), None)
    number = f"{round(whole)}" if whole is not None else f"{max(c, 1 / c):.6g}"
    if c < 1:
        said = f"a {number}th" if whole is not None else f"{c:.6g}"
        what = f"The update is {said} of rate times gradient"
    else:
        what = f"The update is {number} times rate times gradient"
    against = "" if is_given else " that the other parameters have"
    guess = (
        f"If {number} is the number of rows, 1/m is taken once too {'often' if c < 1 else 'seldom'}"
        if whole is not None
        else "The rate that is used is not the one that was named"
    )
    return (
        RATE_SCALED if is_given or whole is not None else OTHER_RATE,
        f"{what}{against}: the rate in effect is {rate * c:.6g}, not {rate:.6g}. {guess}.",
        _plain(rate),
    )


# --- later steps ------------------------------------------------------------------------------


def _in_later_steps(
    name: str, steps: Sequence[Step], optimizer: Optimizer | None
) -> Iterator[tuple[str, str, str]]:
    if len(steps) < 2:
        return
    beta = _momentum(steps, [name])
    if beta is not None and beta >= 1 - 1e-6:
        yield (
            NEVER_CLEARED,
            "The second update is that of both steps' gradients together: what the first step "
            "computed is still there when the second adds to it.",
            "d{} = ... in each step, not d{} += ...",
        )
    if optimizer is None:
        return
    if beta is not None:
        yield (
            WRONG_STATE,
            f"The update is that of momentum {beta:.6g}, which is not the one that was declared.",
            "",
        )
    second = steps[1].theirs[name]
    alone = steps[1].true[name].gradient
    if second is not None and is_close(second, alone):
        yield (
            WRONG_STATE,
            "The second update is that of the second gradient alone: the state is made anew in "
            "every step, so nothing of the first is remembered.",
            "make the state once, before the loop",
        )
    yield (
        WRONG_STATE,
        f"The first step is right and a later one is not: what {type(optimizer).__name__} keeps "
        "from step to step (momentum, averages, the step's number) goes wrong.",
        "",
    )


def _momentum(steps: Sequence[Step], names: Sequence[str]) -> float | None:
    """β if each update is the gradient plus β times the update before, the same for all."""
    if len(steps) < 2:
        return None
    found = []
    for name in names:
        previous: Array | None = None
        for step in steps:
            theirs, g = step.theirs[name], step.true[name].gradient
            if theirs is None or theirs.shape != g.shape or not np.isfinite(g).all():
                return None
            rest = theirs - g
            if previous is None:
                if not np.linalg.norm(rest) <= CLOSE * np.linalg.norm(g):
                    return None
            else:
                beta = multiple(rest, previous)
                if beta is None:
                    return None
                found.append(beta)
            previous = theirs
    spread = max(found) - min(found) if found else 0.0
    return float(np.median(found)) if found and spread < 1e-3 and min(found) > 0.01 else None
