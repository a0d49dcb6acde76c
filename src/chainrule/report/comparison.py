"""Runs side by side: the settings that differ, scores, tests on the same rows, curves together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.report.blocks import Block, Figure, Note, Section, Table
from chainrule.report.charts.bars import Bar, intervals
from chainrule.report.charts.lines import Line, lines
from chainrule.report.material import Target
from chainrule.report.measures.intervals import Estimate
from chainrule.report.measures.scores import Pair, Scores, paired, scores
from chainrule.report.page import document
from chainrule.report.sections.curves import HELD, metrics, points
from chainrule.report.sections.score import LUCK
from chainrule.report.wording import SPACE, alike, amount, capital, chance, percent

#: So many colours are told apart; further runs have them again, dashed.
COLOURS = 4


@dataclass(frozen=True, eq=False)
class Entry:
    """A run to be compared.

    Attributes:
        name: what it is called.
        settings: what was asked for, by name.
        history: a dict for each epoch.
        target: what it predicts.
        y, outputs: of its test rows, as :class:`~chainrule.report.material.Material` has them.
        rows: a text that two runs share if their test rows are the same; None where not known.
    """

    name: str
    settings: Mapping[str, str]
    history: Sequence[Mapping[str, Any]]
    target: Target
    y: NDArray[Any]
    outputs: NDArray[Any]
    rows: str | None = None

    def scores(self) -> Scores:
        """Its scores on its own test rows."""
        return scores(self.y, self.outputs, bool(self.target.names))


def page(entries: Sequence[Entry]) -> str:
    """The comparison as one HTML page."""
    found = [_settings(entries), _scores(entries), _curves(entries)]
    lead = verdict(entries)
    sections = [section for section in found if section is not None]
    return document("Runs compared", lead, [], sections, ["Made by chainrule."])


def verdict(entries: Sequence[Entry]) -> str:
    """Which run has the best score, in a sentence."""
    if not _alike(entries):
        return "These runs predict different things, so that their scores cannot be compared."
    best = max(entries, key=lambda entry: entry.scores().chief.value)
    name, estimate = next(iter(best.scores().estimates.items()))
    text = f"The best {name} is that of {best.name}: {_cell(name, *_ends(estimate))}."
    first = entries[0]
    if best is not first and (pair := against(first, best)) is not None:
        luck = "may be luck" if pair.p > LUCK else "is no luck"
        text += f" Its difference from {first.name} {luck} ({chance(pair.p)})."
    return text


def against(first: Entry, other: Entry) -> Pair | None:
    """The paired test of two runs; None where their test rows are not known to be the same."""
    if first.rows is None or first.rows != other.rows or first.target.names != other.target.names:
        return None
    if not np.array_equal(first.y, other.y):
        return None
    return paired(first.y, first.outputs, other.outputs, bool(first.target.names))


def settings_table(entries: Sequence[Entry]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: the settings in which the runs differ."""
    names = dict.fromkeys(name for entry in entries for name in entry.settings)
    rows = [[name, *[entry.settings.get(name, "") for entry in entries]] for name in names]
    return ["setting", *_names(entries)], [row for row in rows if len(set(row[1:])) > 1]


def scores_table(entries: Sequence[Entry]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: each run's scores, and how it stands against the first."""
    found = [entry.scores().estimates for entry in entries]
    names = list(dict.fromkeys(name for estimates in found for name in estimates))
    rows = []
    for place, (entry, estimates) in enumerate(zip(entries, found, strict=True)):
        cells = [
            _cell(name, *_ends(estimates[name])) if name in estimates else "" for name in names
        ]
        rows.append([_names(entries)[place], *cells, _against(entries[0], entry)])
    return ["run", *names, "against the first"], rows


def remarks(entries: Sequence[Entry]) -> list[str]:
    """What is to be known before the scores are compared."""
    found = []
    first = entries[0]
    apart = [entry.name for entry in entries[1:] if against(first, entry) is None]
    if not _alike(entries):
        found.append("The runs predict different things: their scores cannot be compared.")
    elif apart:
        found.append(
            f"No paired test for {', '.join(apart)}: the test rows are not known to be those of "
            f"{first.name}. Train with the same data and --seed."
        )
    tests = len(entries) - 1 - len(apart)
    if tests > 2:
        found.append(
            f"These are {tests} tests: by luck alone one of them may well fall below {LUCK}. Judge "
            "the one that you choose on fresh rows."
        )
    return found


def _settings(entries: Sequence[Entry]) -> Section:
    head, rows = settings_table(entries)
    told: list[Block | str] = [
        Table(head, rows, "Only settings that differ are shown.")
        if rows
        else "The runs have the same settings."
    ]
    return Section("settings", "What differs", told)


def _scores(entries: Sequence[Entry]) -> Section:
    head, rows = scores_table(entries)
    caption = (
        "In brackets: intervals of 95 % confidence. Against the first: the gain in the first score "
        "(points are hundredths), and the p value of McNemar's exact test (classes) or of a paired "
        "permutation test (numbers) on the same test rows."
    )
    blocks: list[Block | str] = [Table(head, rows, caption, sortable=True)]
    blocks += [Note(text) for text in remarks(entries)]
    if _alike(entries):
        blocks.append(_picture(entries))
    return Section("scores", "How well they do", blocks)


def _picture(entries: Sequence[Entry]) -> Figure:
    name = next(iter(entries[0].scores().estimates))
    factor = 100 if name == "accuracy" else 1
    drawn = []
    for place, entry in enumerate(entries):
        value, low, high = _ends(entry.scores().chief)
        words = _cell(name, value, low, high)
        ends = (factor * low, factor * high)
        drawn.append(Bar(_names(entries)[place], factor * value, words, ends, place % COLOURS + 1))
    alt = f"{name} with intervals: " + "; ".join(f"{bar.name} {bar.words}" for bar in drawn) + "."
    unit = " (%)" if factor == 100 else ""
    chart = intervals(drawn, f"{name} on the test rows{unit}", "run", alt)
    return Figure(chart, "Points are scores, lines their intervals of 95 % confidence.")


def _curves(entries: Sequence[Entry]) -> Section | None:
    """A chart for each column of the histories, on validation rows where there are some."""
    rows = list(itertools.chain.from_iterable(entry.history for entry in entries))
    if not rows:
        return None
    blocks: list[Block | str] = []
    for name in ["loss", *metrics(rows)]:
        blocks += _figure(entries, name)
    return Section("curves", "How their trainings went", blocks)


def _figure(entries: Sequence[Entry], name: str) -> list[Block]:
    # A run that tells another metric does not say where this one is to be looked at.
    first = [row for entry in entries for row in entry.history[:1]]
    held = all(HELD + name in row for row in first if name in row or HELD + name in row)
    column = HELD + name if held else name
    drawn = [
        Line(
            _names(entries)[place],
            points(entry.history, column),
            place % COLOURS + 1,
            place >= COLOURS,
        )
        for place, entry in enumerate(entries)
    ]
    drawn = [line for line in drawn if line.points]
    spoken, whose = name.replace("_", " "), "validation" if held else "training"
    alt = f"{spoken} on the {whose} rows by epoch, a line for each of {amount(len(drawn), 'run')}."
    chart = lines(drawn, "epoch", spoken, alt) if drawn else ""
    caption = f"{capital(spoken)} on the {whose} rows by epoch."
    return [Figure(chart, caption)] if chart else []


def _alike(entries: Sequence[Entry]) -> bool:
    return len({(entry.target.names, entry.target.unit) for entry in entries}) == 1


def _names(entries: Sequence[Entry]) -> list[str]:
    """The names without the folder that all of them are in."""
    split = [entry.name.rstrip("/").split("/") for entry in entries]
    depth = 0
    while all(len(parts) > depth + 1 for parts in split) and len({p[depth] for p in split}) == 1:
        depth += 1
    return ["/".join(parts[depth:]) for parts in split]


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _cell(name: str, *values: float) -> str:
    if name == "accuracy":
        value, low, high = (percent(v) for v in values)
        return f"{value} ({low.removesuffix(SPACE + '%')} – {high.removesuffix(SPACE + '%')})"
    value, low, high = alike(*values)
    return f"{value} ({low} – {high})"


def _against(first: Entry, entry: Entry) -> str:
    pair = None if entry is first else against(first, entry)
    if pair is None:
        return ""
    gain = f"{100 * pair.gain:+.1f} points" if entry.target.names else f"{pair.gain:+.3f}"
    return f"{gain.replace('-', '−')}, {chance(pair.p)}"
