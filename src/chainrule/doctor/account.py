"""The account: a diagnosis as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.doctor.diagnosis import Diagnosis
    from chainrule.doctor.finding import Finding

WIDTH = 96
_LABEL = 12


def account(diagnosis: Diagnosis) -> str:
    """The diagnosis in plain words: the verdict, each finding, and what was looked at."""
    lines = list(_wrapped(f"{diagnosis.verdict.upper()}. {diagnosis.summary}".strip(), ""))
    for number, finding in enumerate(diagnosis.findings, start=1):
        lines += ["", *_wrapped(f"{number}. {finding.title} ({finding.name})", "   ", first="")]
        lines += _told(finding)
    if diagnosis.examined:
        lines += ["", *_labelled("examined", ", ".join(diagnosis.examined))]
    if diagnosis.not_judged:
        lines += _labelled("not judged", ", ".join(diagnosis.not_judged))
    lines += _labelled("time", f"{diagnosis.seconds:.1f} s")
    return "\n".join(lines)


def _told(finding: Finding) -> Iterator[str]:
    yield from _labelled("where", finding.where)
    yield from _labelled("observed", finding.observed)
    yield from _labelled("expected", finding.expected)
    yield from _labelled("repair", finding.repair)
    if finding.experiment is not None:
        proof = finding.experiment
        is_repair = proof.changed == finding.repair
        yield from _labelled("proof", f"with it, {proof.outcome}" if is_repair else str(proof))
    yield from _labelled("sure", f"{finding.sure:.0%}")
    if finding.rivals:
        yield from _labelled("or perhaps", ", ".join(finding.rivals))


def _labelled(label: str, text: str) -> list[str]:
    if not text:
        return []
    return list(_wrapped(text, " " * (_LABEL + 3), first=f"   {label:<{_LABEL}}"))


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent if first is None else first,
        subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
