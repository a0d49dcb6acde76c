"""The report of a network: from material to a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import OptionError
from chainrule.report.blocks import Section
from chainrule.report.material import Material
from chainrule.report.measures.judgement import Judgement, judgement
from chainrule.report.page import document
from chainrule.report.sections import (
    calibration,
    confusion,
    curves,
    data,
    findings,
    hardest,
    importance,
    making,
    network,
    regions,
    residuals,
    score,
)
from chainrule.report.wording import amount, duration


@dataclass(frozen=True)
class Report:
    """A page, and what it found: ``html`` is its text, ``judgement`` the scores on it."""

    html: str
    judgement: Judgement

    def save(self, path: str | Path) -> None:
        """Write the page to a file.

        Raises:
            OptionError: the name does not end with .html, or its folder does not exist.
        """
        where = checked_path(path)
        where.write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        name, estimate = next(iter(self.judgement.network.estimates.items()))
        return f"<Report: {name} {estimate.value:.4g}, {len(self.html) // 1024} KiB>"


def report(material: Material) -> Report:
    """Measure what there is to measure, and write the page."""
    judged = judgement(material)
    text = document(
        material.title,
        score.sentence(material, judged),
        figures(material, judged),
        sections(material, judged),
        [
            "Made by chainrule. All of this page is in this one file: it loads nothing and sends "
            "nothing."
        ],
    )
    return Report(text, judged)


def sections(material: Material, judged: Judgement) -> list[Section]:
    """The sections that the material allows, in order."""
    found: Sequence[Section | None] = [
        findings.section(material),
        data.section(material),
        score.section(material, judged),
        curves.section(material),
        regions.section(material),
        confusion.section(material),
        residuals.section(material),
        calibration.section(material),
        hardest.section(material),
        importance.section(material),
        network.section(material),
        making.section(material),
    ]
    return [section for section in found if section is not None]


def figures(material: Material, judged: Judgement) -> list[tuple[str, str]]:
    """The key numbers at the top of the page."""
    name, own = next(iter(judged.network.estimates.items()))
    best = max((row.scores.chief.value for row in judged.rows[1:]), default=None)
    found = [(name if material.by_heart else f"test {name}", score.share(material, own.value))]
    if best is not None:
        found.append(("best simple answer", score.share(material, best)))
    if not material.by_heart:
        found.append(("test rows", f"{len(material.y):,}"))
    parameters = sum(array.size for array in material.net.parameters.values())
    found.append(("parameters", f"{parameters:,}"))
    if material.history:
        seconds = sum(row.get("seconds") or 0.0 for row in material.history)
        found.append((f"for {amount(len(material.history), 'epoch')}", duration(seconds)))
    return found


def checked_path(path: str | Path) -> Path:
    """Where a page is to be written.

    Raises:
        OptionError: the name does not end with .html, or its folder does not exist.
    """
    where = Path(path)
    if where.suffix.lower() not in (".html", ".htm"):
        raise OptionError(
            f"a report is a page, so its name must end with .html, and this is {str(path)!r}."
        )
    if not where.absolute().parent.is_dir():
        raise OptionError(
            f"{where} cannot be written: there is no folder {where.absolute().parent}."
        )
    return where
