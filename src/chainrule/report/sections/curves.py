"""How the training went: loss and metrics, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chainrule.report.blocks import Block, Figure, Section
from chainrule.report.charts.lines import Line, lines
from chainrule.report.material import Material
from chainrule.report.wording import amount, capital, duration, number

HELD = "validation_"
NOT_METRICS = ("epoch", "loss", "seconds", "learning_rate")


def section(material: Material) -> Section | None:
    """A chart of the loss, and one of each metric."""
    rows = material.history
    if not rows:
        return None
    blocks: list[Block | str] = [_told(material)]
    for name in ["loss", *metrics(rows)]:
        blocks += _figure(name, rows)
    return Section("curves", "How the training went", blocks)


def metrics(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The metrics of a history, in its order."""
    names: Iterable[str] = (name.removeprefix(HELD) for row in rows for name in row)
    return [name for name in dict.fromkeys(names) if name not in NOT_METRICS]


def points(rows: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    """(epoch, value) of a column; what is not a number is NaN, what is missing is left out."""
    return [
        (float(row["epoch"]), math.nan if row[name] is None else float(row[name]))
        for row in rows
        if name in row
    ]


def _figure(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    drawn = [
        Line("training", points(rows, name), 1),
        Line("validation", points(rows, HELD + name), 2, is_dashed=True),
    ]
    drawn = [line for line in drawn if line.points]
    spoken = name.replace("_", " ")
    ends = "; ".join(
        f"{line.name} from {number(_first(line))} to {number(line.points[-1][1])}" for line in drawn
    )
    alt = f"{capital(spoken)} by epoch, {ends}."
    chart = lines(drawn, "epoch", spoken, alt)
    return [Figure(chart, _caption(name, drawn))] if chart else []


def _first(line: Line) -> float:
    """What was measured first, which need not have been in the first epoch."""
    return next((value for _, value in line.points if not math.isnan(value)), math.nan)


def _caption(name: str, drawn: Sequence[Line]) -> str:
    spoken = capital(name.replace("_", " "))
    if len(drawn) == 1:
        return f"{spoken} by epoch."
    held = [point for point in drawn[1].points if math.isfinite(point[1])]
    if not held:
        return f"{spoken} by epoch; on the validation rows it was not finite."
    falling = name == "loss" or "error" in name
    best = (min if falling else max)(held, key=lambda point: point[1])
    return (
        f"{spoken} by epoch. On the validation rows it was best in epoch {best[0]:g}, with "
        f"{number(best[1])}."
    )


def _told(material: Material) -> str:
    rows = material.history
    seconds = sum(row.get("seconds") or 0.0 for row in rows)
    stopped = f" It ended there: {material.stopped}." if material.stopped else ""
    text = f"The training took {amount(len(rows), 'epoch')} and {duration(seconds)}.{stopped}"
    last = rows[-1]
    if not material.stopped and last.get("validation_loss") and last.get("loss"):
        ratio = last["validation_loss"] / last["loss"]
        if ratio > 1.5:
            text += (
                f" At its end the loss on the validation rows is {number(ratio, 2)} times that on "
                "the training rows: the network knows rows better that it was trained on "
                "(overfitting). More rows, a smaller network, dropout or an earlier stop help."
            )
    return text
