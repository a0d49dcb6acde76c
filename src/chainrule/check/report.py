"""GradientReport: the verdict on each parameter, the mistakes by name, and how it was found out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule.errors import GradientError

if TYPE_CHECKING:
    from chainrule.check.kinds import Mistake

WIDTH = 100


@dataclass(frozen=True)
class Worst:
    """The entry that is furthest off: where it is, what theirs says, what is true."""

    index: tuple[int, ...]
    theirs: float
    true: float


@dataclass(frozen=True)
class Verdict:
    """The judgement on one parameter's gradient.

    Attributes:
        name: of the parameter.
        right: within rounding of the true gradient.
        slope: the number c for which c times the true gradient is nearest to theirs (least
            squares); None where there is no such number, as for a gradient of another shape.
        residual: what is left then, relative to theirs: ‖theirs - c·true‖ / ‖theirs‖.
        worst: the entry that is furthest off, measured by what is allowed for it.
        shape: of the parameter.
        remark: why it is wrong where numbers do not say it, such as another shape.
        judged: false where nothing could be found out; then it is not called right.
    """

    name: str
    right: bool
    slope: float | None
    residual: float | None
    worst: Worst | None
    shape: tuple[int, ...] = ()
    remark: str = ""
    judged: bool = True


@dataclass(frozen=True)
class GradientReport:
    """What ``check_gradients`` found out. Printed, it is a table with explanations.

    Attributes:
        parameters: the verdict on each parameter, by name.
        mistakes: what is wrong, by name, with the place and the repair.
        notes: what is worth knowing and no mistake: kinks that were met, entries left out.
        how: how the true gradient was found, and how sure it is, in words.
        of: what was judged: gradients, or the updates of a training step.
    """

    parameters: Mapping[str, Verdict]
    mistakes: tuple[Mistake, ...]
    notes: tuple[str, ...]
    how: str
    of: str = "gradients"

    @property
    def ok(self) -> bool:
        """Whether every gradient is right and nothing else is wrong."""
        return not self.mistakes and all(v.right for v in self.parameters.values())

    def raise_if_wrong(self) -> None:
        """Do nothing if all is right.

        Raises:
            GradientError: something is wrong; the message is the printed report.
        """
        if not self.ok:
            raise GradientError(str(self))

    def table(self) -> list[tuple[str, ...]]:
        """The head of the table and a row for each parameter; columns with nothing are left out."""
        rows = [_row(verdict) for verdict in self.parameters.values()]
        used = [i for i in range(len(HEAD)) if i < 3 or any(row[i] for row in rows)]
        return [tuple(row[i] for i in used) for row in (HEAD, *rows)]

    def headline(self) -> str:
        """One line: how many are right, how many wrong."""
        wrong = [v.name for v in self.parameters.values() if not v.right]
        if any(not v.judged for v in self.parameters.values()):
            return f"The {self.of} cannot be judged"
        if wrong:
            count = f"{len(wrong)} of {len(self.parameters)} {self.of}"
            return f"{count} {'is' if len(wrong) == 1 else 'are'} wrong: {', '.join(wrong)}"
        right = f"All {len(self.parameters)} {self.of} are right"
        return right + (", but something else is wrong" if self.mistakes else "")

    def explanations(self) -> Iterator[str]:
        """A paragraph for each mistake, then the notes, then how it was found out."""
        for mistake in self.mistakes:
            yield "\n".join(_told(mistake))
        for note in self.notes:
            yield _wrapped("Note: ", note)
        yield _wrapped("How: ", self.how)

    def __str__(self) -> str:
        return "\n\n".join([self.headline(), _drawn(self.table()), *self.explanations()])


#: The columns of the table. "slope" and "rest" are explained under ``Verdict``.
HEAD = ("parameter", "shape", "verdict", "slope", "rest", "worst entry", "theirs", "true")


def _row(verdict: Verdict) -> tuple[str, ...]:
    shape = str(verdict.shape)
    if verdict.right:
        return (verdict.name, shape, "right", "", "", "", "", "")
    said = f"wrong: {verdict.remark}" if verdict.remark else "wrong"
    first = (verdict.name, shape, said if verdict.judged else "cannot be judged")
    slope = "" if verdict.slope is None else f"{verdict.slope:.6g}"
    rest = "" if verdict.residual is None else f"{verdict.residual:.1e}"
    if verdict.worst is None:
        return (*first, slope, rest, "", "", "")
    at = f"[{', '.join(map(str, verdict.worst.index))}]" if verdict.worst.index else ""
    return (*first, slope, rest, at, f"{verdict.worst.theirs:.6g}", f"{verdict.worst.true:.6g}")


def _told(mistake: Mistake) -> Iterator[str]:
    """The mistake as lines: its name and place, their line, what it computes, the repair."""
    hit = f" in {', '.join(mistake.parameters)}" if mistake.parameters else ""
    place = f" ({mistake.place})" if mistake.place else ""
    yield f"Mistake: {mistake.kind}{hit}{place}"
    if mistake.line:
        yield f"    {mistake.line.strip()}"
    yield _wrapped("  ", mistake.what)
    if mistake.repair:
        yield f"  Write: {mistake.repair}"
    for rival in mistake.rivals:
        yield _wrapped("  Fits as well: ", f"{rival.kind}. {rival.what}")
        if rival.repair:
            yield f"    Then write: {rival.repair}"
    if mistake.tell_apart:
        yield _wrapped("  ", mistake.tell_apart)


def _drawn(table: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    head, *rows = table
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, ["─" * width for width in widths], *rows]
    )


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
