"""What it looks at: how much each column matters, by shuffling it."""

from __future__ import annotations

import numpy as np

from chainrule.report.blocks import Block, Figure, Section, Table
from chainrule.report.charts.bars import Bar, bars
from chainrule.report.charts.cells import cells
from chainrule.report.material import Material
from chainrule.report.measures.importance import Importance, importance
from chainrule.report.wording import number

MOST_BARS = 20


def section(material: Material) -> Section | None:
    """Bars with their spread; for pictures a map."""
    if material.by_heart and len(material.y) < 2:
        return None
    found = importance(material)
    if found is None:
        return None
    loss = "log loss" if material.names else f"RMSE (in the unit of {material.target.unit})"
    blocks: list[Block | str] = [
        f"Each column's values were exchanged at random between {_which(material, found)}, "
        f"{found.repeats} times; the more the loss rises above its "
        f"{number(found.loss, 3)}, the more the network relies on the column. Columns that tell "
        "the same share their importance, so that each alone may seem to matter little; and what "
        "matters to the network need not be a cause."
    ]
    order = np.argsort(-found.rise, kind="stable")
    if found.grid is not None:
        blocks.append(_map(found, loss))
    else:
        blocks.append(_bars(found, order[:MOST_BARS], loss))
        if len(order) > MOST_BARS:
            rows = [
                (found.names[i], number(found.rise[i], 3), number(found.spread[i], 2))
                for i in order[MOST_BARS : 5 * MOST_BARS]
            ]
            blocks.append(Table(("column", "rise", "spread"), rows, "The next columns.", True))
    return Section("importance", "What it looks at", blocks)


def _bars(found: Importance, order: np.ndarray, loss: str) -> Figure:
    drawn = [
        Bar(
            found.names[i],
            float(found.rise[i]),
            f"{number(found.rise[i], 2)}",
            (float(found.rise[i] - found.spread[i]), float(found.rise[i] + found.spread[i])),
        )
        for i in order
    ]
    first = ", ".join(f"{bar.name} {bar.words}" for bar in drawn[:5])
    alt = f"Level bars: the rise of the {loss} when a column is shuffled. The first: {first}."
    chart = bars(drawn, f"rise of the {loss}", "column", alt)
    shown = (
        f" The first {len(order)} of {len(found.names)}." if len(found.names) > len(order) else ""
    )
    return Figure(
        chart,
        "Permutation importance (Breiman 2001): bars are means over the shuffles, thin lines one "
        f"standard deviation to either side.{shown}",
    )


def _map(found: Importance, loss: str) -> Figure:
    assert found.grid is not None
    best = found.names[int(found.rise.argmax())]
    alt = f"A map of the picture's parts: the darker, the more the {loss} rises. Most: {best}."
    values = found.rise.reshape(found.grid)
    return Figure(
        cells(values, "column", "row", f"rise of the {loss}", alt),
        f"Permutation importance (Breiman 2001) of the picture's parts: the darkest is a rise of "
        f"the {loss} by {number(found.rise.max(), 2)}. From shuffle to shuffle a part's rise "
        f"varies by {number(float(np.median(found.spread)), 1)} (the median of the standard "
        "deviations).",
        width=24,
        least=16,
    )


def _which(material: Material, found: Importance) -> str:
    of = "" if found.rows == len(material.y) else f" of the {len(material.y):,}"
    return (
        f"{found.rows:,}{of} {material.judged}" if of else f"the {found.rows:,} {material.judged}"
    )
