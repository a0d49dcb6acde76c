"""What is known of a table: columns, split, what may flatter the score, hardest rows."""

from __future__ import annotations

from chainrule.data import TableFacts
from chainrule.data.facts import ColumnFacts
from chainrule.report.blocks import Block, Note, Table
from chainrule.report.wording import amount, number, percent

#: More columns than these are not listed; of a hard row so many are shown.
MOST_COLUMNS, MOST_CELLS = 200, 6
MOST_HARD = 12
#: A longer text of a cell is cut.
LONGEST = 40


def facts(known: TableFacts) -> dict[str, str]:
    """The file and its split, by name."""
    split = known.split
    found = {
        "file": f"{known.source}, {amount(known.rows, 'row')}",
        "training rows": f"{split.train:,}",
        "validation rows": f"{split.validation:,}",
        "test rows": f"{split.test:,}",
        "split": split.text,
    }
    if known.class_weights:
        weights = zip(known.classes, known.class_weights, strict=True)
        found["a row counts"] = ", ".join(f"{number(w, 3)} of {name}" for name, w in weights)
    if known.streamed:
        found["reading"] = "in batches, never as a whole"
    return found


def warnings(known: TableFacts) -> list[Block | str]:
    """What may make the score look better than it is."""
    return [Note(suspect.text) for suspect in known.suspects]


def columns(known: TableFacts) -> list[Block | str]:
    """A line for each column."""
    rows = [
        (
            column.name,
            column.kind,
            column.role if not column.why else f"{column.role}: {column.why}",
            f"{column.missing:,}",
            "many" if column.distinct is None else f"{column.distinct:,}",
            _values(column, known.split.train),
        )
        for column in known.columns[:MOST_COLUMNS]
    ]
    head = ("column", "kind", "used as", "missing", "different", "values")
    more = "" if len(known.columns) <= MOST_COLUMNS else f" The first of {len(known.columns):,}."
    return [Table(head, rows, f"The columns, as the training rows have them.{more}", True)]


def _values(column: ColumnFacts, rows: int) -> str:
    """The range of numbers, the commonest of categories."""
    if column.kind == "number" and column.minimum is not None and column.maximum is not None:
        mean = "" if column.mean is None else f", {number(column.mean, 3)} on average"
        return f"{number(column.minimum, 3)} to {number(column.maximum, 3)}{mean}"
    if column.kind in ("date", "text"):
        return ""
    there = max(rows - column.missing, 1)
    shown = [f"{_cut(name)} ({percent(count / there, 0)})" for name, count in column.common[:4]]
    return ", ".join(shown) + (", …" if len(column.common) > len(shown) else "")


def hardest(known: TableFacts) -> Table:
    """The test rows that the network got most wrong, as they stand in the file."""
    order = sorted(
        (column for column in known.columns if column.role == "input"),
        key=lambda column: -(column.importance or 0.0),
    )
    names = [column.name for column in order[:MOST_CELLS]]
    rows = [
        [
            f"{hard.line:,}",
            _cut(hard.actual),
            _cut(hard.predicted),
            number(hard.loss, 3),
            *[_cut(hard.cells.get(name, "")) for name in names],
        ]
        for hard in known.hardest[:MOST_HARD]
    ]
    more = f"; the columns that matter most of {len(order):,}" if len(order) > len(names) else ""
    head = ("line", "actual", "predicted", "loss", *names)
    return Table(head, rows, f"Lines and values are those of {known.source}{more}.", sortable=True)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
