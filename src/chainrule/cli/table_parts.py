"""The steps from a table to a problem that are the same in memory and on a stream."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import Known, Part, Problem, Recipe
from chainrule.cli.remarks import of_columns, of_marks, of_target, of_unjudged, of_weights
from chainrule.cli.splits import Split
from chainrule.cli.table_options import TableOptions
from chainrule.data import Table, TableEncoder, TableFile
from chainrule.data.columns import DateColumn
from chainrule.data.commas import Marks
from chainrule.data.csv_table import CsvFile
from chainrule.data.described import column_facts
from chainrule.data.facts import ColumnFacts, SplitFacts, Suspect
from chainrule.data.packed import inner_name
from chainrule.data.survey import ColumnSurvey
from chainrule.data.suspects import columns_alone, duplicates
from chainrule.data.table import missing
from chainrule.data.target import ClassTarget, NumberTarget, Target, target_of
from chainrule.errors import DataError

FEWEST_ROWS = 10
#: Classes are unequal when the commonest has so many times the rows of the rarest.
UNEQUAL = 4


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What the training rows taught: the encoder, the facts of every column, rows of each class."""

    encoder: TableEncoder
    target: Target
    columns: tuple[ColumnFacts, ...]
    class_counts: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Pieces:
    """The encoded parts of a table, and its test rows as they stand in the file.

    Of a stream, ``train`` has only some of the training rows. ``sizes`` are the true numbers of
    rows for training, validation and test; ``rows`` is what the whole file has, and ``untold`` how
    many of them have no target.
    """

    train: Part
    validation: Part
    test: Part
    test_table: Table
    sizes: tuple[int, int, int]
    rows: int
    untold: int


def with_target(table: Table) -> Table:
    """The rows whose target is there."""
    gone = missing(table.columns[str(table.target)])
    return table.take(np.flatnonzero(~gone)) if gone.any() else table


def refuse_few_rows(source: str, target: str, told: int, untold: int) -> None:
    """Stop at a table with too few rows whose target is there.

    Raises:
        DataError: fewer than 10.
    """
    if untold and not told:
        raise DataError(
            f"{source}: the target {target!r} is missing in every row: there is nothing to learn."
        )
    if told < FEWEST_ROWS:
        has = f"has {told:,} row{'s' if told != 1 else ''}"
        with_it = f" with a {target!r}" if untold else ""
        raise DataError(
            f"{source} {has}{with_it}, too few to set some aside for the test; give at least "
            f"{FEWEST_ROWS}."
        )


def learn(
    source: str, surveys: Mapping[str, ColumnSurvey], target: str, task: str | None,
    options: TableOptions, split: Split,
) -> Learnt:  # fmt: skip
    """Learn from surveys of the training rows: what to do with each column, and the target.

    Raises:
        DataError: no column is of use, or a target from which nothing can be learnt.
    """
    told = target_of(surveys[target], source, task)
    why = dict.fromkeys(options.drop, "--drop says so")
    if split.how == "groups" and split.column is not None:
        why[split.column] = "it says which rows belong together"
    for name in options.keep:
        surveys[name].kept = True
    inputs = {n: s for n, s in surveys.items() if n != target and n not in why}
    encoder = TableEncoder(told.task).learn(inputs, told, source)
    if split.how == "time" and split.column is not None:
        why |= _forget_time(encoder, split.column, source)
    why = encoder.ignored | why
    used = {column.name: column for column in encoder.columns}
    columns = []
    for name, survey in surveys.items():
        role = "target" if name == target else "input" if name in used else "left out"
        if role == "left out" and name == split.column:
            role = "split"
        regression = name == target and isinstance(told, NumberTarget)
        columns.append(
            column_facts(survey, used.get(name), role, why.get(name, ""), regression=regression)
        )
    counts: tuple[int, ...] = ()
    if isinstance(told, ClassTarget):
        counts = told.counts(surveys[target].counted)
    return Learnt(encoder, told, tuple(columns), counts)


def _forget_time(encoder: TableEncoder, name: str, source: str) -> dict[str, str]:
    """Take out what only says how late a row is; the reason, if nothing is left of the column.

    The rows of the test are all later than those of the training: what a network would learn of a
    column that grows, it would have to guess there.
    """
    columns = []
    for column in encoder.columns:
        if column.name != name:
            columns.append(column)
        elif isinstance(column, DateColumn) and len(column.parts) > 1:
            columns.append(dataclasses.replace(column, parts=column.parts[1:]))
    if not columns:
        raise DataError(f"{source}: no column is left to learn from but {name!r} of --split-by.")
    encoder.columns = tuple(columns)
    if any(column.name == name for column in columns):
        return {}
    return {name: "it says which rows are later"}


def known_classes(table: Table, target: Target) -> Table:
    """Without rows of a class that the training rows lack, as time or groups may have them."""
    if isinstance(target, NumberTarget):
        return table
    known = target.knows(table)
    return table if known.all() else table.take(np.flatnonzero(known))


def class_weights(asked: str | None, counts: Sequence[int]) -> tuple[float, ...]:
    """What a row of each class counts, so that all classes count alike; empty: every row 1."""
    if not counts or asked == "none":
        return ()
    if asked != "balanced" and max(counts) < UNEQUAL * min(counts):
        return ()
    total = sum(counts)
    return tuple(total / (len(counts) * count) for count in counts)


def balanced(part: Part, weights: Sequence[float]) -> Part:
    """The rows of a part with those of rarer classes repeated, so that all classes count alike.

    The validation loss, which ends the training, then means what the weighted loss means.
    """
    if not weights or not len(part):
        return part
    groups = [np.flatnonzero(part.y == label) for label in np.unique(part.y)]
    most = max(map(len, groups))
    rows: NDArray[np.intp] = np.sort(np.concatenate([np.resize(group, most) for group in groups]))
    return Part(part.X[rows], part.y[rows])


def _suspects(learnt: Learnt, pieces: Pieces) -> list[Suspect]:
    """What may flatter the score."""
    names = [(column.name, len(column.feature_names)) for column in learnt.encoder.columns]
    train, held, test = pieces.train, pieces.validation, pieces.test
    X, y = np.concatenate([held.X, test.X]), np.concatenate([held.y, test.y])
    alone = columns_alone(names, learnt.target.name, train.X, train.y, X, y)
    return [*alone, *duplicates(train.X, test.X)]


def made_problem(
    path: Path, file: TableFile, learnt: Learnt, pieces: Pieces, split: Split,
    options: TableOptions, recipe: Recipe,
) -> Problem:  # fmt: skip
    """The problem of a table that is split and encoded, with all that is to be said of it."""
    encoder, counts = learnt.encoder, learnt.class_counts
    encoder.marks = file.marks if isinstance(file, CsvFile) else Marks()
    weights = class_weights(options.class_weight, counts)
    suspects = _suspects(learnt, pieces)
    task_text = of_target(learnt.target, options.target is None)
    remarks = [task_text]
    if pieces.untold:
        rows = "1 row has" if pieces.untold == 1 else f"{pieces.untold:,} rows have"
        it = "it is" if pieces.untold == 1 else "they are"
        remarks.append(f"{rows} no {learnt.target.name!r}: {it} left out.")
    remarks += of_columns(learnt.columns, encoder.columns)
    remarks += of_marks(encoder.marks, learnt.columns)
    if split.column is not None or split.is_short:
        remarks.append(split.text)
    remarks += of_unjudged(encoder.class_names, pieces.test.y)
    remarks += of_weights(encoder.class_names, counts, weights)
    remarks += [suspect.text for suspect in suspects]
    facts = SplitFacts(split.how, split.column, *pieces.sizes, split.text)
    known = Known(
        file.format,
        pieces.rows,
        path.stat().st_size,
        task_text,
        learnt.columns,
        facts,
        tuple(suspects),
        pieces.test_table,
    )
    return Problem(
        re.sub(r"[^\w.-]+", "-", Path(inner_name(path)).stem).strip("-.") or "table",
        path.name,
        pieces.train,
        balanced(pieces.validation, weights) if len(pieces.validation) else None,
        pieces.test,
        recipe,
        encoder.class_names,
        encoder.feature_names,
        encoder=encoder,
        remarks=tuple(remarks),
        class_counts=counts,
        class_weights=weights,
        known=known,
    )
