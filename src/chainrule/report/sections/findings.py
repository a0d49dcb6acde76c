"""What a doctor found: records with a title, where, observed, expected and repair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.report.blocks import Block, Facts, Part, Section
from chainrule.report.material import Material
from chainrule.report.wording import percent

#: The attributes that are told, in this order, and what they are called on the page.
FIELDS = {
    "where": "where",
    "observed": "observed",
    "expected": "expected",
    "sure": "how sure",
    "repair": "what to do",
    "experiment": "proof",
    "before": "before",
    "after": "after",
}


def section(material: Material) -> Section | None:
    """A part for each finding; nothing where there is none."""
    if not material.findings:
        return None
    return Section("findings", "What the doctor found", [part(f) for f in material.findings])


def _words(value: Any) -> str:
    if hasattr(value, "outcome"):  # an experiment
        return f"with it, {value.outcome}"
    return percent(value, 0) if isinstance(value, float) and 0 <= value <= 1 else str(value)


def part(finding: Any) -> Part:
    """A finding: its title, and a line for each thing it says."""
    rows: Sequence[tuple[str, str]] = [
        (name, _words(getattr(finding, attribute)))
        for attribute, name in FIELDS.items()
        if getattr(finding, attribute, None) not in (None, "")
    ]
    blocks: list[Block | str] = [Facts(rows)] if rows else []
    return Part(str(finding.title), blocks)
