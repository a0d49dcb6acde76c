"""What was trained on what: the rows, the columns, the target."""

from __future__ import annotations

import numpy as np

from chainrule.report.blocks import Block, Facts, Figure, Notes, Section
from chainrule.report.charts.bars import Bar, bars
from chainrule.report.charts.points import histogram
from chainrule.report.material import Material
from chainrule.report.sections import table
from chainrule.report.wording import amount, number, percent

#: With more classes a chart of all of them says less than the commonest and the rarest.
MOST_CLASSES = 30


def section(material: Material) -> Section:
    """Facts, the target's distribution, and what was decided without being asked for."""
    blocks: list[Block | str] = [Facts(facts(material))]
    if material.table is not None:
        blocks = [*table.warnings(material.table), *blocks, *table.columns(material.table)]
    blocks += [_classes(material) if material.names else _values(material)]
    if material.remarks:
        blocks += ["Decided without being asked for:", Notes(material.remarks)]
    return Section("data", "What was trained on what", blocks)


def facts(material: Material) -> list[tuple[str, str]]:
    """Names and what there is to say of them."""
    found = dict(material.facts)
    if material.table is not None:
        found.pop("data", None)  # the file, of which more is known
        found = table.facts(material.table) | found
    elif material.training is not None:
        found["training rows"] = f"{len(material.training):,}"
    if material.validation and material.table is None:
        found["validation rows"] = f"{material.validation:,}"
    if not material.by_heart and material.table is None:
        found["test rows"] = f"{len(material.y):,}"
    count = int(np.prod(material.net.input_shape or (0,)))
    shape = material.image_shape
    found["inputs"] = amount(count, "number") + " a row"
    if shape is not None:
        found["inputs"] = f"pictures of {shape[0]} × {shape[1]} pixels"
    found["target"] = (
        f"{amount(len(material.names), 'class', 'classes')}" if material.names
        else f"numbers, `{material.target.unit}`"
    )  # fmt: skip
    parameters = sum(array.size for array in material.net.parameters.values())
    found["parameters"] = f"{parameters:,}"
    return list(found.items())


def _classes(material: Material) -> Figure:
    y, whose = _known(material)
    shares = np.bincount(y, minlength=len(material.names)) / len(y)
    order = range(len(shares))
    left_out = ""
    if len(shares) > MOST_CLASSES:
        by_size = np.argsort(-shares, kind="stable")
        order = [*by_size[: MOST_CLASSES // 2], *by_size[-MOST_CLASSES // 2 :]]  # type: ignore[assignment]
        left_out = f" Only the {MOST_CLASSES // 2} commonest and rarest are shown."
    drawn = [Bar(material.names[k], 100 * shares[k], percent(shares[k])) for k in order]
    rarest, commonest = (material.names[k] for k in (int(shares.argmin()), int(shares.argmax())))
    alt = (
        f"Level bars: the share of each class in the {whose}, from {percent(shares.min())} for "
        f"{rarest} to {percent(shares.max())} for {commonest}."
    )
    even = shares.min() > 0.8 * shares.max()
    caption = "The classes are about equally frequent." if even else (
        f"The commonest class, {commonest}, is {number(shares.max() / shares.min(), 2)} times as "
        f"frequent as the rarest, {rarest}." if shares.min() else f"{rarest} does not occur."
    )  # fmt: skip
    chart = bars(drawn, f"share of the {whose} (%)", "class", alt)
    return Figure(chart, f"How the classes are distributed in the {whose}. {caption}{left_out}")


def _values(material: Material) -> Figure:
    y, whose = _known(material)
    values = y.reshape(-1)
    unit = material.target.unit
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    alt = (
        f"Histogram of {unit} in the {whose}: from {number(low)} to {number(high)}, half of them "
        f"below {number(middle)}."
    )
    chart = histogram(values, unit, "row", alt)
    return Figure(chart, f"How {unit} is distributed in the {whose}.", width=32, least=20)


def _known(material: Material) -> tuple[np.ndarray, str]:
    if material.training is None or material.by_heart:
        return material.y, material.judged
    return material.training.y, "training rows"
