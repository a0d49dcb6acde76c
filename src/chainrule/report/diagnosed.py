"""A diagnosis as a page: the findings, the pictures, and what came of the repair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.doctor.byhand import Program
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.case import Case
from chainrule.doctor.diagnosis import Diagnosis
from chainrule.doctor.experiment import train
from chainrule.doctor.finding import Finding
from chainrule.report.blocks import Block, Facts, Figure, Part, Section
from chainrule.report.charts.lines import Line, lines
from chainrule.report.evidence import figures, losses
from chainrule.report.page import document
from chainrule.report.wording import duration, number

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Trials:
    """Two trainings on the same budget: as it was, and repaired. Curves are (epoch, loss).

    ``of`` says what the losses are of.
    """

    repair: str
    before: Curve
    after: Curve
    of: str = "loss on the training rows"

    def rows(self, most: int = 8) -> list[list[str]]:
        """Epoch and both losses, at a few epochs."""
        known = [dict(self.before), dict(self.after)]
        epochs = sorted(set(known[0]) | set(known[1]))
        places = sorted({round(i * (len(epochs) - 1) / (most - 1)) for i in range(most)})
        return [
            [f"{epochs[i]:g}", *[number(c[epochs[i]]) if epochs[i] in c else "–" for c in known]]
            for i in places
        ]


def tried(case: Case, finding: Finding) -> Trials:
    """The case trained as it is, and with the finding's repair."""
    before, after = train(case), train(finding.apply(case))
    return Trials(finding.repair, losses(before), losses(after))


def tried_by_hand(program: Program, finding: Finding) -> Trials:
    """The program run as it is, and with the finding's repair."""
    probes = Probes(program, lambda line: None)
    prescription = finding.prescription
    after = None
    if prescription is not None:
        after = probes.trial("the repair", lambda given: prescription.apply(given))  # type: ignore[arg-type, return-value]
    curves = [
        [(float(epoch), share) for epoch, share, _ in run.curve] if run else []
        for run in (probes.own, after)
    ]
    return Trials(finding.repair, curves[0], curves[1], "share of the constant loss")


def case_page(title: str, found: Diagnosis, case: Case, trials: Trials | None) -> str:
    """The page of a network's diagnosis."""
    return _page(title, found, trials, figures(case))


def program_page(title: str, found: Diagnosis, trials: Trials | None) -> str:
    """The page of a diagnosis of a program by hand."""
    return _page(title, found, trials, [])


def _page(title: str, found: Diagnosis, trials: Trials | None, pictures: Sequence[Block]) -> str:
    sections = [Section("findings", "What the doctor found", _findings(found))]
    if trials is not None:
        sections.append(Section("repair", "The repair, tried", _repair(trials)))
    if pictures:
        sections.append(Section("evidence", "What the network does", list(pictures)))
    sections.append(Section("examined", "What was looked at", _examined(found)))
    return document(
        f"Diagnosis of {title}",
        f"{found.verdict.capitalize()}. {found.summary}".strip(),
        [],
        sections,
        ["Made by chainrule. All of this page is in this one file: it loads nothing and sends "
         "nothing."],
    )  # fmt: skip


def _findings(found: Diagnosis) -> list[Block | str]:
    if not found.findings:
        return ["Nothing wrong was found."]
    return [
        Part(f"{place}. {finding.title}", [Facts(_told(finding))])
        for place, finding in enumerate(found.findings, 1)
    ]


def _told(finding: Finding) -> list[tuple[str, str]]:
    proof = finding.experiment
    told = {
        "name": f"`{finding.name}`",
        "where": finding.where,
        "observed": finding.observed,
        "expected": finding.expected,
        "what to do": f"`{finding.repair}`",
        "proof": "" if proof is None else str(proof),
        "sure": f"{finding.sure:.0%}",
        "or perhaps": ", ".join(finding.rivals),
    }
    return [(name, text) for name, text in told.items() if text]


def _repair(trials: Trials) -> list[Block | str]:
    drawn = [
        Line("as it was", trials.before, 1, is_dashed=True),
        Line("repaired", trials.after, 2),
    ]
    drawn = [line for line in drawn if line.points]
    ends = "; ".join(
        f"{line.name} from {number(line.points[0][1])} to {number(line.points[-1][1])}"
        for line in drawn
    )
    chart = lines(drawn, "epoch", trials.of, f"{trials.of.capitalize()} by epoch: {ends}.")
    told: list[Block | str] = [f"Trained again with: `{trials.repair}`"]
    return [*told, Figure(chart, f"{trials.of.capitalize()}: {ends}.")] if chart else told


def _examined(found: Diagnosis) -> list[Block | str]:
    rows = {
        "examined": ", ".join(found.examined),
        "not judged": ", ".join(found.not_judged),
        "time": duration(found.seconds),
    }
    return [Facts([(name, text) for name, text in rows.items() if text])]
