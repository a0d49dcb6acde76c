"""Where predicted numbers miss: predicted against actual values, and the errors themselves."""

from __future__ import annotations

import numpy as np

from chainrule.report.blocks import Block, Facts, Figure, Gallery, Section
from chainrule.report.charts.points import Point, against, histogram, scatter
from chainrule.report.material import Array, Material
from chainrule.report.wording import number

MOST_POINTS = 600
MOST_OUTPUTS = 4


def section(material: Material) -> Section | None:
    """Charts and quantiles, of each output."""
    if material.names:
        return None
    count = material.y.shape[1]
    blocks: list[Block | str] = []
    for k in range(min(count, MOST_OUTPUTS)):
        blocks += _output(material, k, f"{material.target.unit} {k + 1}" if count > 1 else "")
    if count > MOST_OUTPUTS:
        blocks.append(f"The first {MOST_OUTPUTS} of {count} outputs are shown.")
    return Section("residuals", "Where it misses", blocks)


def _output(material: Material, k: int, name: str) -> list[Block | str]:
    y, f = material.y[:, k], material.outputs[:, k]
    unit = name or material.target.unit
    chosen = np.arange(len(y))
    sampled = ""
    if len(y) > MOST_POINTS:
        chosen = np.random.default_rng(material.seed).permutation(len(y))[:MOST_POINTS]
        sampled = f" {MOST_POINTS} of the {len(y):,} rows are drawn, chosen at random."
    points = [Point(y[i], f[i], f"actual {number(y[i])}, predicted {number(f[i])}") for i in chosen]
    correlation = number(np.corrcoef(y, f)[0, 1], 2) if np.ptp(y) and np.ptp(f) else "none"
    errors = f - y
    plane = against(
        points, f"actual {unit}", f"predicted {unit}",
        f"Predicted against actual {unit}, {len(points)} points; their correlation is "
        f"{correlation}.",
    )  # fmt: skip
    spread = scatter(
        [Point(f[i], errors[i], f"predicted {number(f[i])}, error {number(errors[i])}")
         for i in chosen],
        f"predicted {unit}", "error", "The error, predicted minus actual, against the prediction."
    )  # fmt: skip
    shape = histogram(errors, f"error: predicted − actual {unit}", "row", _told(errors))
    return [
        Figure(plane, f"On the dashed line the prediction is right.{sampled}", width=32, least=20),
        Gallery(
            [
                Figure(shape, "How large the errors are. A hill around 0 is good.", least=20),
                Figure(
                    spread,
                    "Errors by prediction. A funnel or a bend would show that the network is worse "
                    "for some values than for others, or misses something that it could learn.",
                    least=20,
                ),
            ]
        ),
        _table(errors, unit),
    ]


def _told(errors: Array) -> str:
    low, middle, high = np.quantile(errors, [0.05, 0.5, 0.95])
    return (
        f"Histogram of the errors: nine of ten lie between {number(low, 3)} and {number(high, 3)}, "
        f"the middle one is {number(middle, 3)}."
    )


def _table(errors: Array, unit: str) -> Facts:
    sizes = np.abs(errors)
    rows = [
        ("mean error (bias)", number(errors.mean(), 3)),
        ("half of the errors are smaller than", number(np.quantile(sizes, 0.5), 3)),
        ("nine of ten are smaller than", number(np.quantile(sizes, 0.9), 3)),
        ("the largest", number(sizes.max(), 3)),
    ]
    return Facts(rows, f"Errors in the unit of {unit}.")
