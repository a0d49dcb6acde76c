"""Which classes are taken for which: the confusion matrix, and a line for each class."""

from __future__ import annotations

import html

import numpy as np

from chainrule.nn.metrics import confusion_matrix
from chainrule.report.blocks import Block, Markup, Section, Table
from chainrule.report.material import Array, Material
from chainrule.report.wording import percent

#: A larger matrix is left out: nobody reads a thousand counts.
MOST_CLASSES = 25
MOST_PAIRS = 12
#: Of more classes only the worst have a line each.
MOST_ROWS = 50


def section(material: Material) -> Section | None:
    """The matrix where it can be read, the commonest confusions, precision and recall."""
    if not material.names:
        return None
    counts = confusion_matrix(material.outputs, material.y)
    blocks: list[Block | str] = []
    if len(counts) <= MOST_CLASSES:
        blocks.append(Markup(_matrix(material, counts), _caption(counts), "matrix"))
    pairs = _pairs(material, counts)
    if pairs and len(counts) > 2:
        head = ("true class", "taken for", "rows", "of the class")
        blocks.append(Table(head, pairs, "The commonest confusions.", sortable=True))
    if not material.by_heart:
        blocks.append(_classes(material, counts))
    return Section("confusion", "Which classes it confuses", blocks)


def _matrix(material: Material, counts: Array) -> str:
    names = [html.escape(name) for name in material.names]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = []
    for name, row in zip(names, counts, strict=True):
        total = max(int(row.sum()), 1)
        cells = "".join(
            f'<td style="--share:{count / total:.3f}"{"" if count else " class=none"}>{count:,}'
            "</td>"
            for count in row
        )
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return (
        f'<table class="confusion"><caption class="hidden">Confusion matrix</caption><thead><tr>'
        f'<td></td><th scope="colgroup" colspan="{len(names)}">predicted class</th></tr>'
        f'<tr><th scope="col">true class</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _caption(counts: Array) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    return (
        f"The confusion matrix: rows are true classes, columns what the network said, numbers how "
        f"many rows. {right:,} of {total:,} lie on the diagonal, which is right. The shading is "
        f"the share of the true class."
    )


def _pairs(material: Material, counts: Array) -> list[tuple[str, str, str, str]]:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    found = []
    for place in order:
        i, j = divmod(int(place), len(wrong))
        if wrong[i, j]:
            share = percent(wrong[i, j] / counts[i].sum())
            found.append((material.names[i], material.names[j], f"{wrong[i, j]:,}", share))
    return found


def _classes(material: Material, counts: Array) -> Table:
    rows = []
    for k, name in enumerate(material.names):
        right, said, true = int(counts[k, k]), int(counts[:, k].sum()), int(counts[k].sum())
        precision = percent(right / said) if said else ""
        recall = percent(right / true) if true else ""
        both = percent(2 * right / (said + true)) if said + true else ""
        rows.append((name, f"{true:,}", precision, recall, both))
    shown = ""
    if len(rows) > MOST_ROWS:
        found = np.diag(counts) / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
        rows = [rows[k] for k in np.argsort(found, kind="stable")[:MOST_ROWS]]
        shown = f" Of {len(counts):,} classes these {MOST_ROWS} have the lowest F₁."
    return Table(
        ("class", "rows", "precision", "recall", "F₁"),
        rows,
        "Precision: of the rows that were given this class, how many are of it. Recall: of the "
        f"rows of this class, how many were found. F₁ is the harmonic mean of both.{shown}",
        sortable=True,
    )
