"""What a judge said of a program, and whether it was right; many of these as a table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mutants.backward import OTHER
from mutants.programs import Loaded, Program, planted, right_programs, same, write_program
from mutants.recipes import Recipe
from mutants.text import Slip, slips_of, written

#: The kinds of mistakes that are planted, as the judge's reports name them.
KINDS = (
    "missing 1/m",
    "doubled 1/m",
    "factor 2",
    "factor 1/2",
    "scaled",
    "wrong sign",
    "transposed",
    "weight not transposed",
    "bias not summed",
    "bias averaged",
    "bias summed over every axis",
    "bias of another layer",
    "input of another layer",
    "activation derivative missing",
    "activation derivative of the wrong quantity",
    "derivative of another activation",
    "softmax and loss paired wrongly",
    "output derivative counted twice",
    "penalty only in the loss",
    "penalty only in the gradient",
    "frozen parameter",
    "unused parameter",
    "reused node overwritten",
    "stale cache",
    "mask or noise differs",
    "argument written into",
    "not deterministic",
)
UNRECOGNISED = "not recognised"

#: Called like check_gradients; returns a report with ok and mistakes.
Judge = Callable[..., Any]


@dataclass(frozen=True)
class Mark:
    """One program and what the judge said.

    ``outcome``: "right", "twin" (named among rivals that give the very same numbers in this
    program), "rival" (among rivals, though they need not be told apart by luck alone),
    "unrecognised", "wrong" (another name), "missed" (said to be right). For a program without a
    mistake: "right" or "false alarm".
    """

    program: Program
    outcome: str
    said: str


def mark(judge: Judge, program: Program, folder: Path) -> Mark:
    """Hand the program to the judge and compare its report with what was planted."""
    loaded = program.load(folder)
    try:
        report = judge(*loaded.asked)
        mistakes = list(report.mistakes)
        ok = bool(report.ok)
    except Exception as error:
        outcome = "false alarm" if program.slip is None else "wrong"
        return Mark(program, outcome, f"{type(error).__name__}: {error}")
    said = str(report)
    if program.slip is None:
        return Mark(program, "right" if ok else "false alarm", said)
    if ok:
        return Mark(program, "missed", said)
    return Mark(program, outcome_of(mistakes, program, folder), said)


def outcome_of(mistakes: Sequence[Any], program: Program, folder: Path) -> str:
    """Every mistake that is named must be the planted one, or have it among its rivals."""
    assert program.slip is not None
    meant = {program.slip.kind} | program.slip.also
    if program.slip.kind == OTHER:
        meant = {UNRECOGNISED}
    if program.slip.kind == "scaled":
        # By a number that happens to have a name: then the name is better.
        meant |= multiples(program, folder)
    first = {mistake.kind for mistake in mistakes}
    if first and first <= meant:
        return "right"
    if first <= {UNRECOGNISED}:
        return "unrecognised"
    rivals = [{m.kind, *(rival.kind for rival in m.rivals)} for m in mistakes]
    if all(kinds & meant for kinds in rivals):
        return "twin" if first - meant <= twins(program, folder) else "rival"
    return "wrong"


def twins(program: Program, folder: Path) -> set[str]:
    """Other kinds that give the very same loss and numbers in this program.

    Those that do when they are planted in it, and those that say by what number the gradients are
    multiplied, where that is all that is wrong with them.
    """
    lines = write_program(program.recipe)
    loss, numbers = seen(program.load(folder))
    room = rounding(program.recipe)
    found = multiples(program, folder)
    for slip in slips_of(lines):
        if program.slip is None or slip.kind in {program.slip.kind} | found:
            continue
        other = Program(program.recipe, slip, written(lines, slip))
        try:
            other_loss, other_numbers = seen(other.load(folder))
        except ValueError:  # shapes that do not fit: this slip would have been noticed
            continue
        scale = max(float(np.abs(array).max(initial=0.0)) for array in numbers)
        if other_loss == loss and same(numbers, other_numbers, room * scale):
            found |= {slip.kind} | slip.also
    return found


def rounding(recipe: Recipe) -> float:
    """By how much equal numbers may differ, beside the largest."""
    return 1e-5 if recipe.dtype == "float32" else 1e-10


def multiples(program: Program, folder: Path) -> set[str]:
    """The names of the number by which all wrong gradients are multiplied, if there is one."""
    recipe = program.recipe
    correct = Program(recipe, None, written(write_program(recipe)))
    right_loss, right = seen(correct.load(folder))
    loss, numbers = seen(program.load(folder))
    room = rounding(recipe) * max(float(np.abs(array).max(initial=0.0)) for array in right)
    pairs = zip(numbers, right, strict=True)
    wrong = [(a, b) for a, b in pairs if not same([a], [b], room)]
    if loss != right_loss or any(a.shape != b.shape for a, b in wrong):
        return set()
    averaged = recipe.m * (recipe.sizes[-1] if recipe.norm == "size" else 1)
    factors = (
        ("factor 2", 2.0), ("factor 1/2", 0.5), ("wrong sign", -1.0), ("missing 1/m", recipe.m),
        ("missing 1/m", averaged), ("doubled 1/m", 1 / recipe.m), ("bias averaged", 1 / recipe.m),
    )  # fmt: skip
    return {
        name for name, factor in factors if all(same([a], [factor * b], room) for a, b in wrong)
    }


def seen(loaded: Loaded) -> tuple[float, list[np.ndarray]]:
    """The loss, and the gradients as they act on the parameters: one number acts on all of them."""
    arrays = loaded.arrays()
    theirs = [
        np.broadcast_to(array, like.shape) if array.size == 1 else array
        for array, like in zip(loaded.theirs(), arrays, strict=True)
    ]
    return loaded.loss_of(arrays), theirs


# Many programs


@dataclass
class Tally:
    """The marks of all programs, by kind; the ones without a mistake under None."""

    marks: dict[str | None, list[Mark]] = field(default_factory=dict)

    def add(self, found: Mark) -> None:
        """Put a mark where it belongs."""
        slip = found.program.slip
        self.marks.setdefault(None if slip is None else slip.kind, []).append(found)

    def count(self, kind: str | None, *outcomes: str) -> int:
        """How many programs of this kind had one of these outcomes."""
        return sum(found.outcome in outcomes for found in self.marks.get(kind, ()))

    def planted(self, kind: str | None) -> int:
        """How many programs of this kind were marked."""
        return len(self.marks.get(kind, ()))

    def rate(self, kind: str) -> float:
        """The share that was named rightly: also beside rivals that are the same in numbers."""
        return self.count(kind, "right", "twin") / max(self.planted(kind), 1)

    @property
    def kinds(self) -> list[str]:
        """The kinds that were planted and have a name."""
        return [kind for kind in self.marks if kind not in (None, OTHER)]

    @property
    def whole(self) -> float:
        """The share of all planted mistakes that was named rightly."""
        named = sum(self.count(kind, "right", "twin") for kind in self.kinds)
        return named / max(sum(self.planted(kind) for kind in self.kinds), 1)

    def misses(self) -> list[Mark]:
        """Everything that was not named rightly, shortest program first."""
        flat = itertools.chain.from_iterable(self.marks.values())
        wrong = [found for found in flat if found.outcome not in ("right", "twin")]
        return sorted(wrong, key=lambda found: len(found.program.source))

    def complaints(self, overall: float = 0.95, each: float = 0.8) -> list[str]:
        """Which demands are not met, in words. None: a judge that does what it should."""
        found = []
        if not self.kinds or not self.planted(None):
            found.append("nothing was marked")
        if self.whole < overall:
            found.append(f"{self.whole:.1%} named rightly over all, wanted {overall:.0%}")
        for kind in [*self.kinds, OTHER]:
            if self.planted(kind) and self.rate(kind) < each:
                found.append(f"{kind}: {self.rate(kind):.0%} named rightly, wanted {each:.0%}")
        if alarms := self.count(None, "false alarm"):
            found.append(
                f"{alarms} false alarms on {self.planted(None)} programs without a mistake"
            )
        return found


def tally(
    judge: Judge, kinds: Iterable[str], each: int, right: int, seed: int, folder: Path
) -> Tally:
    """Mark ``each`` programs of every kind, and ``right`` programs without a mistake."""
    found = Tally()
    for kind in kinds:
        for program in itertools.islice(planted(kind, seed, folder), each):
            found.add(mark(judge, program, folder))
    for program in itertools.islice(right_programs(seed, folder), right):
        found.add(mark(judge, program, folder))
    return found


def table(found: Tally) -> str:
    """The scoreboard in Markdown."""
    lines = [
        "| planted mistake | programs | named rightly | of these with twins | among rivals "
        "| not recognised | wrong name | taken for right |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    columns = (("right", "twin"), ("twin",), ("rival",), ("unrecognised",), ("wrong",), ("missed",))
    for kind in found.kinds:
        counts = [found.count(kind, *outcomes) for outcomes in columns]
        lines.append(f"| {kind} | {found.planted(kind)} | {' | '.join(map(str, counts))} |")
    sums = [sum(found.count(kind, *outcomes) for kind in found.kinds) for outcomes in columns]
    planted_programs = sum(found.planted(kind) for kind in found.kinds)
    lines.append(f"| **all** | {planted_programs} | {' | '.join(map(str, sums))} |")
    if others := found.planted(OTHER):
        named = found.count(OTHER, "rival", "wrong")
        known = found.count(OTHER, "right", "twin")
        missed = found.count(OTHER, "missed")
        lines.append(
            f"| none of these kinds | {others} | – | – | – | {known} | {named} | {missed} |"
        )
    lines += [
        "",
        f"Named rightly: {found.whole:.1%}. False alarms: {found.count(None, 'false alarm')} on "
        f"{found.planted(None)} programs without a mistake.",
        "",
        "Twins are two mistakes that give the very same numbers in the program at hand, such as a "
        "missing 1/m and a factor 2 where m is 2: then naming both is naming it rightly.",
    ]
    return "\n".join(lines)


def misses_report(found: Tally, per_kind: int) -> str:
    """The smallest programs that were not named rightly: what was planted, what was said."""
    lines: list[str] = []
    shown: dict[tuple[str | None, str], int] = {}
    for miss in found.misses():
        slip: Slip | None = miss.program.slip
        key = (None if slip is None else slip.kind, miss.outcome)
        shown[key] = shown.get(key, 0) + 1
        if shown[key] > per_kind:
            continue
        title = "no mistake" if slip is None else str(slip)
        lines += [
            f"## {miss.outcome}: planted {title} (program {miss.program.recipe.seed})",
            "",
            *(["```diff", difference(miss.program).rstrip(), "```"] if slip else []),
            "```python",
            miss.program.source.rstrip(),
            "```",
            "said:",
            "```",
            miss.said.rstrip(),
            "```",
            "",
        ]
    return "\n".join(lines)


def difference(program: Program) -> str:
    """The lines that the slip changed."""
    found = []
    for line in write_program(program.recipe):
        right, wrong = line.right, line.text(program.slip)
        if right != wrong:
            found += [f"- {right}", f"+ {wrong}"]
    return "\n".join(found)
