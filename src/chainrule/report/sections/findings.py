"""What a doctor found: records with a title, where, observed, expected and repair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.report.blocks import Block, Facts, Part, Section
from chainrule.report.material import Material

#: The attributes that are told, in this order, and what they are called on the page.
FIELDS = {
    "where": "where",
    "observed": "observed",
    "expected": "expected",
    "repair": "what to do",
    "before": "before",
    "after": "after",
}


def section(material: Material) -> Section | None:
    """A part for each finding; nothing where there is none."""
    if not material.findings:
        return None
    return Section("findings", "What the doctor found", [part(f) for f in material.findings])


def part(finding: Any) -> Part:
    """A finding: its title, and a line for each thing it says."""
    rows: Sequence[tuple[str, str]] = [
        (name, str(getattr(finding, attribute)))
        for attribute, name in FIELDS.items()
        if getattr(finding, attribute, None) not in (None, "")
    ]
    blocks: list[Block | str] = [Facts(rows)] if rows else []
    return Part(str(finding.title), blocks)
