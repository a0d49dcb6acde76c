"""The marks of many programs, added up as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from doctor.programs import BY_HAND, HARMLESS, HEALTHY, ILL, NETWORK, UNFIT, Mark

HEAD = (
    "| fault | programs | harmless | first | among two | recall | precision | cannot tell | cured |"
)
RULE = "|---|---:|---:|---:|---:|---:|---:|---:|---:|"


def share(part: int, whole: int) -> str:
    """Such as "12 of 13 (92 %)"; a dash for none."""
    return f"{part} of {whole} ({part / whole:.0%})".replace("%", " %") if whole else "-"


def answers(mark: Mark) -> tuple[str, ...]:
    """What the doctor named, in order; being unlucky counts as naming the local minimum."""
    if mark.verdict == "unlucky" and "local_minimum" not in mark.names:
        return ("local_minimum", *mark.names)
    return mark.names


def _named(mark: Mark, first: int | None = None) -> bool:
    return any(name in mark.right for name in answers(mark)[:first])


def _row(title: str, marks: Sequence[Mark], everyone: Sequence[Mark], names: set[str]) -> str:
    ill = [mark for mark in marks if mark.state == ILL]
    said = [m for m in everyone if m.state in (ILL, HEALTHY) and set(answers(m)[:1]) & names]
    true = sum(_named(mark, 1) for mark in said)
    tried = [mark for mark in ill if mark.cured is not None]
    cells = (
        title,
        str(len(ill)),
        str(sum(mark.state == HARMLESS for mark in marks)),
        share(sum(_named(mark, 1) for mark in ill), len(ill)),
        share(sum(_named(mark, 2) for mark in ill), len(ill)),
        share(sum(_named(mark) for mark in ill), len(ill)),
        share(true, len(said)),
        share(sum(mark.verdict == "cannot tell" for mark in ill), len(ill)),
        share(sum(bool(mark.cured) for mark in tried), len(tried)),
    )
    return "| " + " | ".join(cells) + " |"


def table(marks: Sequence[Mark]) -> Iterator[str]:
    """The lines: a table of faults for each side, then the healthy programs."""
    for side in (NETWORK, BY_HAND):
        here = [mark for mark in marks if mark.spec.side == side]
        faulty = [mark for mark in here if mark.spec.is_fault]
        if faulty:
            yield f"### Faults, {side}\n"
            yield from (HEAD, RULE)
            kinds = list(dict.fromkeys(mark.spec.kind for mark in faulty))
            for kind in kinds:
                yield _row(kind, [m for m in faulty if m.spec.kind == kind], here, {kind})
            every = {name for mark in here for name in answers(mark)}
            yield _row("**all**", faulty, here, every)
            yield ""
        yield from _healthy([mark for mark in here if not mark.spec.is_fault], side)
    yield from _harmless(marks)
    asked = [mark for mark in marks if mark.verdict]
    if asked:
        times = sorted(mark.seconds for mark in asked)
        errors = sum(mark.verdict == "error" for mark in asked)
        failed = sum(bool(mark.error) for mark in asked) - errors
        yield (
            f"A diagnosis took {median(times):.2f} s (median), {times[-1]:.1f} s at most; "
            f"{errors} raised an error, and {failed} repairs did."
        )


def _healthy(marks: Sequence[Mark], side: str) -> Iterator[str]:
    fit = [mark for mark in marks if mark.state == HEALTHY]
    if not marks:
        return
    yield f"### Healthy programs, {side}\n"
    yield "| kind | programs | unfit | with an alarm | alarms a program | cannot tell | names |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    kinds = list(dict.fromkeys(mark.spec.kind for mark in marks))
    for kind in [*kinds, ""]:
        of_kind = [mark for mark in fit if not kind or mark.spec.kind == kind]
        unfit = sum(mark.state == UNFIT for mark in marks if not kind or mark.spec.kind == kind)
        alarms = [mark for mark in of_kind if answers(mark)]
        count = sum(len(answers(mark)) for mark in of_kind)
        names = dict.fromkeys(name for mark in alarms for name in answers(mark))
        cells = (
            kind or "**all**", str(len(of_kind)), str(unfit), share(len(alarms), len(of_kind)),
            f"{count / len(of_kind):.3f}" if of_kind else "-",
            share(sum(m.verdict == "cannot tell" for m in of_kind), len(of_kind)),
            ", ".join(names) if kind else "",
        )  # fmt: skip
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _harmless(marks: Sequence[Mark]) -> Iterator[str]:
    """What was said of faults that did no harm: to name the fault is right, another is not."""
    harmless = [mark for mark in marks if mark.state == HARMLESS]
    if harmless and any(mark.verdict for mark in harmless):
        silent = sum(not answers(mark) for mark in harmless)
        named = sum(_named(mark, 1) for mark in harmless)
        yield (
            f"Of {len(harmless)} programs whose fault did no harm, the doctor was silent on "
            f"{silent}, named the fault first on {named}, and something else on "
            f"{len(harmless) - silent - named}.\n"
        )


def misses(marks: Sequence[Mark]) -> Iterator[str]:
    """A line for each program that was marked down."""
    for mark in marks:
        spec = mark.spec
        wrong = (
            (mark.state == ILL and not _named(mark, 1))
            or (mark.state == HEALTHY and answers(mark))
            or mark.cured is False
            or mark.error
        )
        if wrong and mark.verdict:
            yield (
                f"{spec.side}, {spec.kind}, {spec.host}, {spec.activation}, seed {spec.seed}: "
                f"{mark.state} ({mark.effect}); {mark.verdict}: "
                f"{', '.join(answers(mark)) or 'nothing'}"
                f"{'' if mark.cured is None else '; cured' if mark.cured else '; not cured'}"
                + (f"\n{mark.error}" if mark.error else "")
            )
