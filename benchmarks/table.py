"""Results as a Markdown table. Whoever did not do the same work is struck out and told why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from contestants import CONTESTANTS
from workloads import Failure, Result, Workload

Outcome = Result | Failure

BASE = "chainrule"
HEAD = ("contestant", "median s", "min s", "max s", f"× {BASE}", "loss", "accuracy", "remark")
NOTHING = "–"
# Below this share of the core, a measurement says something about the neighbours too.
OWN_CORE = 0.95


def render(work: Workload, outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """A heading and a table with the quickest contestant first and the failed ones last."""
    base = None
    if BASE in outcomes and objection(work, BASE, outcomes[BASE]) is None:
        base = median(result.seconds for result in finished(outcomes[BASE]))
    order = sorted(outcomes, key=lambda name: middle(outcomes[name]))
    lines = [
        f"### {work.name}",
        "",
        f"{work.title}.",
        "",
        line(HEAD),
        "|---|" + "---:|" * (len(HEAD) - 2) + "---|",
        *(line(row(work, name, outcomes[name], base)) for name in order),
    ]
    disturbed = [name for name in order if is_disturbed(outcomes[name])]
    if disturbed:
        lines += ["", f"The core was shared while these ran, run again: {', '.join(disturbed)}."]
    return "\n".join(lines) + "\n"


def objection(work: Workload, name: str, outcomes: Sequence[Outcome]) -> str | None:
    """The first reason why these outcomes do not count, None if all of them do."""
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            return outcome.reason
        complaint = work.complaint(outcome) if CONTESTANTS[name].learns else None
        if complaint is not None:
            return complaint
    return None if outcomes else "did not run"


def row(work: Workload, name: str, outcomes: Sequence[Outcome], base: float | None) -> list[str]:
    """One contestant's cells, struck out if there is an objection."""
    cells = [name, *numbers(finished(outcomes), base)]
    reason = objection(work, name, outcomes)
    if reason is None:
        return [*cells, CONTESTANTS[name].note]
    return [*(cell if cell == NOTHING else f"~~{cell}~~" for cell in cells), reason]


def numbers(results: Sequence[Result], base: float | None) -> list[str]:
    """Median, minimum, maximum, ratio, loss and accuracy as text."""
    if not results:
        return [NOTHING] * (len(HEAD) - 2)
    seconds = [result.seconds for result in results]
    # The worst loss, not the mean of all: a stray round must not hide.
    losses = [result.loss for result in results if result.loss is not None]
    accuracies = [result.accuracy for result in results if result.accuracy is not None]
    return [
        *(f"{value:.3f}" for value in (median(seconds), min(seconds), max(seconds))),
        NOTHING if base is None else f"{median(seconds) / base:.2f}",
        f"{max(losses):.4g}" if losses else NOTHING,
        f"{min(accuracies):.4f}" if accuracies else NOTHING,
    ]


def line(cells: Sequence[str]) -> str:
    """One line of a Markdown table; a bar inside a cell would begin another cell."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def finished(outcomes: Sequence[Outcome]) -> list[Result]:
    """The results among the outcomes."""
    return [outcome for outcome in outcomes if isinstance(outcome, Result)]


def middle(outcomes: Sequence[Outcome]) -> float:
    """The median of the seconds; infinite if there is none."""
    seconds = [result.seconds for result in finished(outcomes)]
    return median(seconds) if seconds else math.inf


def is_disturbed(outcomes: Sequence[Outcome]) -> bool:
    """Whether the typical measurement had to share its core."""
    shares = [result.cpu_seconds / result.seconds for result in finished(outcomes)]
    return bool(shares) and median(shares) < OWN_CORE
