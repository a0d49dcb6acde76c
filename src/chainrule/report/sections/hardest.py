"""The hardest examples: the judged rows that cost most."""

from __future__ import annotations

import numpy as np

from chainrule.report.blocks import Block, Figure, Gallery, Section, Table
from chainrule.report.charts.pixels import picture
from chainrule.report.material import Material
from chainrule.report.measures.scores import row_losses
from chainrule.report.sections import table
from chainrule.report.wording import number, percent

COUNT = 12
#: Columns of the table besides the answer; wider ones cannot be read.
MOST_COLUMNS = 6


def section(material: Material) -> Section | None:
    """Pictures, or a table of the rows."""
    if material.by_heart:
        return None
    losses = row_losses(material.y, material.outputs, bool(material.names))
    worst = np.argsort(-losses, kind="stable")[:COUNT]
    wrong = "the highest loss, the surest mistakes first" if material.names else "the largest error"
    blocks: list[Block | str] = [
        f"The {material.judged} with {wrong}. Look at them: what is wrong here is wrong in the "
        "label, or in the row, or it is what the network has yet to learn."
    ]
    if material.image_shape is not None and material.X is not None and material.names:
        blocks.append(Gallery([_picture(material, int(i)) for i in worst], is_small=True))
    elif material.table is not None and material.table.hardest:
        blocks.append(table.hardest(material.table))
    else:
        blocks.append(_table(material, worst, losses))
    return Section("hardest", "The hardest examples", blocks)


def _picture(material: Material, i: int) -> Figure:
    assert material.X is not None
    assert material.image_shape is not None
    p = material.outputs[i]
    true, said = material.names[int(material.y[i])], material.names[int(p.argmax())]
    pixels = material.X[i].reshape(material.image_shape)
    low, high = float(material.X.min()), float(material.X.max())
    verdict = f"true {true}, said {said}" if true != said else f"{true}, said rightly"
    alt = f"Test row {i + 1}: a picture of {true}, taken for {said}."
    return Figure(
        picture(pixels, alt, low, high),
        f"{verdict} with {percent(float(p.max()), 0)}",
        width=8,
        least=5,
    )


def _table(material: Material, worst: np.ndarray, losses: np.ndarray) -> Table:
    inputs, names = _inputs(material)
    if material.names:
        head = ["test row", "true", "said", "probability of the true class", *names]
        rows = [
            [
                str(i + 1),
                material.names[int(material.y[i])],
                material.names[int(material.outputs[i].argmax())],
                percent(float(material.outputs[i, int(material.y[i])])),
                *[number(v, 3) for v in inputs[i]],
            ]
            for i in worst
        ]
    else:
        head = ["test row", "actual", "predicted", "error", *names]
        rows = [
            [
                str(i + 1),
                ", ".join(number(v) for v in material.y[i]),
                ", ".join(number(v) for v in material.outputs[i]),
                number(float(losses[i]), 3),
                *[number(v, 3) for v in inputs[i]],
            ]
            for i in worst
        ]
    more = "" if material.X is None else (
        " Inputs are as the network takes them" + (
            f"; the first {MOST_COLUMNS} of {np.prod(material.X.shape[1:]):,} are shown."
            if len(names) == MOST_COLUMNS and np.prod(material.X.shape[1:]) > MOST_COLUMNS else "."
        )
    )  # fmt: skip
    return Table(head, rows, f"Rows are counted from 1.{more}", sortable=True)


def _inputs(material: Material) -> tuple[np.ndarray, list[str]]:
    """The first inputs of each row, and their names."""
    if material.X is None:
        return np.zeros((len(material.y), 0)), []
    X = material.X.reshape(len(material.X), -1)[:, :MOST_COLUMNS]
    names = material.feature_names or tuple(f"x{k + 1}" for k in range(X.shape[1]))
    return X, list(names[: X.shape[1]])
