"""Results as Markdown tables. Whoever did not do the same work is struck out and told why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from contestants import CONTESTANTS, NOTES, Contestant
from kinds.script import ACCURACY
from work import Failure, Outcome, Reference, Result, Work

BASE = "chainrule"
FLOOR = "floor"
NOTHING = "–"
UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}
# Below this share of the core, a measurement says something about the neighbours too.
OWN_CORE = 0.95
# The largest relative difference between a library's gradients and those by hand, in float64.
GRADIENT_ERROR = 1e-9
LITTLE = 1_000_000


@dataclass(frozen=True)
class Entry:
    """What one contestant did: its outcomes, and where the float64 reference of its share ended."""

    outcomes: Sequence[Outcome]
    reference: Reference | None = None

    @property
    def results(self) -> list[Result]:
        """The results among the outcomes."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Result)]

    @property
    def seconds(self) -> float:
        """The median of the seconds; infinite if there is none."""
        return median(result.seconds for result in self.results) if self.results else math.inf


Entries = Mapping[str, Entry]


def objection(work: Work, name: str, entry: Entry, threads: str = "1") -> str | None:
    """The first reason why these outcomes do not count, None if all of them do."""
    for outcome in entry.outcomes:
        if isinstance(outcome, Failure):
            return outcome.reason
        complaint = complaint_of(work, CONTESTANTS[name], outcome, entry.reference, threads)
        if complaint is not None:
            return complaint
    return None if entry.outcomes else "did not run"


def complaint_of(
    work: Work, who: Contestant, result: Result, wanted: Reference | None, threads: str
) -> str | None:
    """Why ``result`` is not this work, in one line; None if it is."""
    for library, count in result.pools:
        if threads == "1" and count > 1:
            return f"{library} ran {count} threads instead of 1"
    if not who.learns:
        return None
    # Comparisons are written so that NaN complains too.
    if work.kind == "script":
        good = result.accuracy is not None and result.accuracy >= ACCURACY
        return None if good else f"accuracy {result.accuracy} is below {ACCURACY}"
    if work.kind == "ops":
        good = result.error is not None and result.error <= GRADIENT_ERROR
        return None if good else f"gradients are off by {result.error} (relative)"
    if result.loss is None or result.accuracy is None:
        return "nothing was learnt"
    if wanted is None:
        return "there is no reference to compare with"
    low, high, near = bounds(work, who, wanted)
    if not low <= result.loss <= high:
        return f"loss {result.loss:.6g} is outside {low:.6g} to {high:.6g}"
    if not abs(result.accuracy - wanted.accuracy) <= near + 1e-12:
        return f"accuracy {result.accuracy:.4f} is not within {near:g} of {wanted.accuracy:.4f}"
    epochs = work.part(who.does[work.name]).epochs
    if work.kind == "training" and result.epochs != epochs:
        return f"{result.epochs:,} losses recorded for {epochs:,} epochs"
    if result.dtype != work.net.dtype:
        return f"computed in {result.dtype} instead of {work.net.dtype}"
    return None


def is_exact(work: Work, who: Contestant) -> bool:
    """Whether it takes the same batches; everyone starts from the same parameters."""
    return work.batch is None or work.kind != "training" or not who.own_order


def bounds(work: Work, who: Contestant, wanted: Reference) -> tuple[float, float, float]:
    """The least and the largest honest loss, and how far the accuracy may be off."""
    assert work.proof is not None
    if is_exact(work, who):
        near = work.proof.exact
        return wanted.loss * (1 - near), wanted.loss * (1 + near), work.proof.accuracy
    return wanted.loss / work.proof.law, wanted.loss * work.proof.law, work.proof.law_accuracy


def render(work: Work, entries: Entries, absent: Sequence[str] = (), threads: str = "1") -> str:
    """A heading, a table with the quickest first and the failed last, and what is to be said."""
    sound = {n for n, e in entries.items() if objection(work, n, e, threads) is None}
    base = entries[BASE].seconds if BASE in sound else None
    floor = entries[FLOOR].seconds if FLOOR in sound else None
    order = sorted(entries, key=lambda name: entries[name].seconds)
    proofs = proof_columns(work)
    head = [
        "contestant", *(f"{word} {work.unit}" for word in ("median", "min", "max")),
        f"× {BASE}", f"× {FLOOR}", *proofs, "turns", "remark",
    ]  # fmt: skip
    lines = [f"### {work.name}", "", f"{work.title[0].upper()}{work.title[1:]}.", ""]
    lines += [line(head), "|---|" + "---:|" * (len(head) - 2) + "---|"]
    for name in order:
        cells = [name, *numbers(work, entries[name], base, floor, proofs)]
        reason = objection(work, name, entries[name], threads)
        if reason is not None:
            cells = [cell if cell == NOTHING else f"~~{cell}~~" for cell in cells]
        lines.append(line([*cells, reason or remark(work, name)]))
    lines += parts_table(work, entries, [name for name in order if name in sound])
    lines += notes(work, entries, order, absent, threads)
    return "\n".join(lines) + "\n"


def proof_columns(work: Work) -> list[str]:
    """What stands beside the times as the proof of the same work."""
    if work.kind == "script":
        return ["accuracy"]
    if work.kind == "ops":
        return ["gradient error"]
    return ["loss", "accuracy", *(["peak MB", "× needed"] if work.kind == "training" else [])]


def numbers(
    work: Work, entry: Entry, base: float | None, floor: float | None, proofs: Sequence[str]
) -> list[str]:
    """Median, minimum, maximum, ratios, proofs and turns as text."""
    results = entry.results
    if not results:
        return [NOTHING] * (6 + len(proofs))
    seconds = [result.seconds for result in results]
    scale = UNITS[work.unit]
    known = {
        # The worst, not the mean of all: a stray round must not hide.
        "loss": worst([r.loss for r in results], max, ".5g"),
        "accuracy": worst([r.accuracy for r in results], min, ".4f"),
        "gradient error": worst([r.error for r in results], max, ".0e"),
        "peak MB": worst([r.peak and r.peak / 1e6 for r in results], max, ".1f"),
        "× needed": worst(
            # Where little is needed, this would only tell of the interpreter.
            [
                r.peak and r.needed and (r.peak / r.needed if r.needed > LITTLE else None)
                for r in results
            ],
            max,
            ".3g",
        ),
    }
    return [
        *(number(value * scale) for value in (median(seconds), min(seconds), max(seconds))),
        *(NOTHING if mark is None else number(median(seconds) / mark) for mark in (base, floor)),
        *(known[column] for column in proofs),
        str(len(results)),
    ]


def worst(values: Sequence[float | None], choose: object, form: str) -> str:
    """The largest or the smallest as text."""
    given = [value for value in values if value is not None]
    return format(choose(given), form) if given else NOTHING  # type: ignore[operator]


def number(value: float) -> str:
    """Three digits that matter, without an exponent."""
    if value >= 100 or value <= 0:
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(value))}f}"


def remark(work: Work, name: str) -> str:
    """Who it is, and which share it did."""
    who = CONTESTANTS[name]
    note = NOTES.get((name, work.name), who.note)
    share = [
        f"{done:,} {unit}" + ("" if unit == "steps" else f" of {getattr(work, unit):,}")
        for unit, done in who.does[work.name].items()
    ]
    return f"{note}; scaled up from {', '.join(share)}" if share else note


def parts_table(work: Work, entries: Entries, names: Sequence[str]) -> list[str]:
    """The parts of workloads that have any: medians, and where it is apt the ratio to ours."""
    names = [name for name in names if entries[name].results[0].parts]
    if not names:
        return []
    columns = list(entries[names[0]].results[0].parts)
    medians = {
        name: {c: median(r.parts[c] for r in entries[name].results) for c in columns}
        for name in names
    }
    if work.kind == "ops":
        words = list(dict.fromkeys(column.rpartition(" ")[0] for column in columns))
        cells = {
            name: [
                " + ".join(number(found[f"{w} {half}"] * 1e6) for half in ("forward", "backward"))
                for w in words
            ]
            for name, found in medians.items()
        }
        lines = ["", "µs an op, forward + backward:", "", line(["contestant", *words])]
        lines.append("|---|" + "---:|" * len(words))
        return lines + [line([name, *cells[name]]) for name in names]
    lines = [""]
    head = [text for c in columns for text in (f"{c}: ms", f"× {BASE}")]
    lines += [line(["contestant", *head]), "|---|" + "---:|" * len(head)]
    ours = medians.get(BASE)
    for name in sorted(names, key=lambda name: medians[name][columns[0]]):
        found = medians[name]
        row = [name]
        for c in columns:
            row += [number(found[c] * 1e3), number(found[c] / ours[c]) if ours else NOTHING]
        lines.append(line(row))
    return lines


def notes(
    work: Work, entries: Entries, order: Sequence[str], absent: Sequence[str], threads: str
) -> list[str]:
    """How the proof was held, who is absent, and whose core was shared."""
    lines = []
    whole = entries.get(BASE) or next(iter(entries.values()), None)
    if work.proof is not None and whole is not None and whole.reference is not None:
        p, r = work.proof, whole.reference
        text = (
            f"Proof: the float64 reference ends at loss {r.loss:.6g}, accuracy {r.accuracy:.4f} "
            f"(of a share, at that share's). Same order of batches: loss within {p.exact:.2g} of "
            f"it, accuracy within {p.accuracy:g}."
        )
        if p.law > 1:
            text += (
                f" Where a library shuffles by itself: within a factor of {p.law:g}, "
                f"and {p.law_accuracy:g}."
            )
        lines += ["", text]
    if work.kind == "training":
        lines += [
            "",
            "Peak MB: the most that the process held in its first training, without what its "
            "libraries and the test rows took; × needed: over data, parameters, optimizer state "
            "and one batch with its activations.",
        ]
    if absent:
        lines += ["", f"Absent: {', '.join(absent)}."]
    disturbed = [name for name in order if is_disturbed(entries[name])]
    if disturbed and threads == "1":
        lines += ["", f"The core was shared while these ran, run again: {', '.join(disturbed)}."]
    return lines


def line(cells: Sequence[str]) -> str:
    """One line of a Markdown table; a bar inside a cell would begin another cell."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def is_disturbed(entry: Entry) -> bool:
    """Whether the typical measurement had to share its core."""
    shares = [result.cpu_share for result in entry.results]
    return bool(shares) and median(shares) < OWN_CORE
