"""The picture of the tables: a panel for each workload, a bar for each contestant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from table import BASE, FLOOR, Entries, number, objection
from work import Work

COLOURS = {BASE: "#d1495b", FLOOR: "#b8b8b8"}
OTHERS = "#30638e"
COLUMNS = 2


def draw(tables: Mapping[str, tuple[Work, Entries]], threads: str, file: Path) -> None:
    """Write the ratios to ours as horizontal bars on logarithmic axes; the sound ones only."""
    from matplotlib.figure import Figure

    panels = {name: ratios(*tables[name], threads) for name in tables}
    panels = {name: found for name, found in panels.items() if found}
    if not panels:
        return
    rows = -(-len(panels) // COLUMNS)
    tallest = max(len(found) for found in panels.values())
    figure = Figure(figsize=(11, rows * (0.2 * tallest + 0.9)), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).reshape(-1)
    for ax, (name, found) in zip(axes, panels.items(), strict=False):
        panel(ax, found, tables[name][0])
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    setting = "one thread" if threads == "1" else "all cores"
    figure.suptitle(f"Median time as a multiple of {BASE}'s, {setting}")
    figure.savefig(file)


def ratios(work: Work, entries: Entries, threads: str) -> dict[str, float]:
    """Each sound contestant's median over ours, the slowest first."""
    sound = [name for name in entries if objection(work, name, entries[name], threads) is None]
    if BASE not in sound:
        return {}
    found = {name: entries[name].seconds / entries[BASE].seconds for name in sound}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def panel(ax: Any, found: Mapping[str, float], work: Work) -> None:
    """The bars of one workload, from ours at 1 to the left or the right, each with its number."""
    names, values = list(found), list(found.values())
    colours = [COLOURS.get(name.partition("-")[0], OTHERS) for name in names]
    bars = ax.barh(names, [value - 1 for value in values], left=1, color=colours)
    for bar, value in zip(bars, values, strict=True):
        side = "left" if value >= 1 else "right"
        text = f" {number(value)} "
        ax.text(value, bar.get_y() + bar.get_height() / 2, text, ha=side, va="center", fontsize=7)
    ax.axvline(1, color=COLOURS[BASE], linewidth=1)
    ax.set_xscale("log")
    # Room for the numbers beyond the ends of the bars.
    ax.set_xlim(min(values) / 3, max(values) * 3)
    ax.tick_params(axis="y", labelsize=8)
    ax.set_xlabel(f"× {BASE} (logarithmic)", fontsize=8)
    ax.set_title(work.name, loc="left", fontsize=9)
