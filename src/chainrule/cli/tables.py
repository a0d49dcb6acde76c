"""A table as a problem: which column is to be predicted, and which rows are for what."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import Known, Part, Problem, Recipe
from chainrule.cli.remarks import of_columns, of_target, of_weights
from chainrule.cli.splits import (
    Split,
    split_by_chance,
    split_by_groups,
    split_by_time,
    split_kind,
)
from chainrule.cli.table_options import TableOptions
from chainrule.data import Table, TableEncoder, TableFile, open_table
from chainrule.data.columns import DateColumn
from chainrule.data.described import column_facts
from chainrule.data.facts import ColumnFacts, SplitFacts, Suspect
from chainrule.data.learning import MISSING_IS_FINE, refuse_strays
from chainrule.data.survey import ColumnSurvey
from chainrule.data.suspects import columns_alone, duplicates
from chainrule.data.table import joined, missing
from chainrule.data.table_file import rows_a_batch
from chainrule.data.target import NumberTarget, Target, learn_target, target_of
from chainrule.errors import DataError

FEWEST_ROWS = 10
#: Classes are unequal when the commonest has so many times the rows of the rarest.
UNEQUAL = 4
DROPPED = "--drop says so"


def table_problem(path: Path, options: TableOptions, seed: int) -> Problem:
    """The problem of predicting a column of a table, the last one unless ``target`` names it.

    A fifth of the rows is the test, a fifth of the others validation: by chance, and by classes
    where there are classes; or as ``split_by`` says. Means, categories and classes are learnt from
    the remaining rows alone. A file that is too large for the memory is read in batches.

    Raises:
        OptionError: no such column, task or way of weighting.
        DataError, FileFormatError: no such file, or not a table that can be learnt from.
        MissingPackageError: a Parquet file, and pyarrow is not installed.
    """
    file = open_table(path)
    target = options.check(file.names)
    whole = joined(list(file.batches(rows_a_batch(len(file.names)))))
    table, remarks = with_target(dataclasses.replace(whole, target=target))
    if len(table) < FEWEST_ROWS:
        raise DataError(
            f"{path} has {len(table)} rows, too few to set some aside for the test; give at least "
            f"{FEWEST_ROWS}."
        )
    # From all rows only the kind of task is taken: classes, or numbers.
    goal = learn_target(table, target, options.task)
    # Said of the whole file, so that it does not depend on which rows the split sets aside.
    for name in table.names:
        if name != target and name not in options.drop:
            refuse_strays(table, name, MISSING_IS_FINE)
    split = _split(table, options, goal, seed)
    rows = {"train": split.train, "validation": split.validation, "test": split.test}
    surveys = survey_columns([table.take(split.train)])
    learnt = learn(table.source, surveys, target, goal.task, options, split)
    train, held, test = (_known_classes(table.take(r), learnt.target) for r in rows.values())
    encoder = learnt.encoder
    parts = [Part(encoder.transform(p), encoder.encode_target(p)) for p in (train, held, test)]
    weights = class_weights(options.class_weight, parts[0], encoder.class_names)
    suspects = found_suspects(learnt, *parts) if len(test) else []
    return _problem(path, file, learnt, parts, test, split, len(whole), weights, suspects, remarks)


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What the training rows taught: the encoder, and the facts of every column."""

    encoder: TableEncoder
    target: Target
    columns: tuple[ColumnFacts, ...]
    by_default: bool


def with_target(table: Table) -> tuple[Table, list[str]]:
    """The rows whose target is there, and what is to be said of the others.

    Raises:
        DataError: the target is missing in every row.
    """
    gone = missing(table.columns[str(table.target)])
    count = int(gone.sum())
    if not count:
        return table, []
    if count == len(table):
        raise DataError(
            f"{table.source}: the target {table.target!r} is missing in every row: there is "
            f"nothing to learn."
        )
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    left = "it is" if count == 1 else "they are"
    first = f"{table.unit} {table.lines[int(gone.argmax())]}"
    remark = f"{rows} no {table.target!r} (the first in {first}); {left} left out."
    return table.take(np.flatnonzero(~gone)), [remark]


def _split(table: Table, options: TableOptions, goal: Target, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    if options.split_by is not None:
        kind, name = split_kind(table, options.split_by)
        if name == table.target:
            raise DataError(f"--split-by {name!r}: that is the target.")
        by = split_by_time(table, name) if kind == "time" else split_by_groups(table, name, rng)
        return dataclasses.replace(by, column=name)
    labels = goal.encode(table) if goal.task == "classification" else None
    found = split_by_chance(len(table), labels, rng)
    if not len(found.test):
        raise DataError(
            f"{table.source}: no class of the target {table.target!r} occurs three times, so that "
            f"no row can be set aside for the test."
        )
    return found


def survey_columns(tables: Sequence[Table]) -> dict[str, ColumnSurvey]:
    """A survey of every column over some tables of the same columns."""
    surveys = {name: ColumnSurvey(name) for name in tables[0].names}
    for table in tables:
        for survey in surveys.values():
            survey.add(table)
    return surveys


def learn(
    source: str, surveys: Mapping[str, ColumnSurvey], target: str, task: str | None,
    options: TableOptions, split: Split,
) -> Learnt:  # fmt: skip
    """Learn from surveys of the training rows: what to do with each column, and the target.

    Raises:
        DataError: no column is of use, or a target from which nothing can be learnt.
    """
    told = target_of(surveys[target], source, task)
    why = dict.fromkeys(options.drop, DROPPED)
    if split.how == "groups" and split.column is not None:
        why[split.column] = "it says which rows belong together"
    for name in options.keep:
        surveys[name].kept = True
    inputs = {n: s for n, s in surveys.items() if n != target and n not in why}
    encoder = TableEncoder(told.task).learn(inputs, told, source)
    if split.how == "time" and split.column is not None:
        encoder, left_out = _without_time(encoder, split.column)
        why |= left_out
    why = encoder.ignored | why
    used = {column.name: column for column in encoder.columns}
    columns = []
    for name, survey in surveys.items():
        role = "target" if name == target else "input" if name in used else "left out"
        if role == "left out" and name == split.column:
            role = "split"
        columns.append(column_facts(survey, used.get(name), role, why.get(name, "")))
    return Learnt(encoder, told, tuple(columns), options.target is None)


def _without_time(encoder: TableEncoder, name: str) -> tuple[TableEncoder, dict[str, str]]:
    """The same without what only says how late a row is, and the reason if nothing is left.

    The rows of the test are all later than those of the training: what a network would learn of a
    column that grows, it would have to guess there.
    """
    columns = []
    for column in encoder.columns:
        if column.name != name:
            columns.append(column)
        elif isinstance(column, DateColumn) and len(column.parts) > 1:
            columns.append(dataclasses.replace(column, parts=column.parts[1:]))
    encoder.columns = tuple(columns)
    left = {} if name in [c.name for c in columns] else {name: "it says which rows are later"}
    if not columns:
        raise DataError(f"no column is left to learn from but {name!r} of --split-by.")
    return encoder, left


def _known_classes(table: Table, target: Target) -> Table:
    """Without rows of a class that the training rows lack, as a split by time may have them."""
    if isinstance(target, NumberTarget):
        return table
    known = target.knows(table)
    return table if known.all() else table.take(np.flatnonzero(known))


def class_weights(asked: str | None, train: Part, class_names: Sequence[str]) -> tuple[float, ...]:
    """What a row of each class counts, so that all classes count alike; empty: every row 1."""
    if not class_names or asked == "none":
        return ()
    counts = np.bincount(train.y, minlength=len(class_names))
    if asked != "balanced" and counts.max() < UNEQUAL * counts.min():
        return ()
    return tuple((counts.sum() / (len(counts) * counts)).tolist())


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


def found_suspects(learnt: Learnt, train: Part, held: Part, test: Part) -> list[Suspect]:
    """What may flatter the score."""
    names = [(column.name, len(column.feature_names)) for column in learnt.encoder.columns]
    X = np.concatenate([held.X, test.X]) if len(held) else test.X
    y = np.concatenate([held.y, test.y]) if len(held) else test.y
    alone = columns_alone(names, learnt.target.name, train.X, train.y, X, y)
    return [*alone, *duplicates(train.X, test.X)]


def _problem(
    path: Path, file: TableFile, learnt: Learnt, parts: Sequence[Part], test: Table, split: Split,
    rows: int, weights: tuple[float, ...], suspects: Sequence[Suspect], remarks: list[str],
) -> Problem:  # fmt: skip
    train, held, judged = parts
    encoder = learnt.encoder
    said = of_target(learnt.target, learnt.by_default)
    remarks = [said, *remarks, *of_columns(learnt.columns, encoder.columns)]
    if split.column is not None:
        remarks.append(split.text)
    counts: tuple[int, ...] = ()
    if encoder.class_names:
        counts = tuple(np.bincount(train.y, minlength=len(encoder.class_names)).tolist())
    remarks += of_weights(encoder.class_names, counts, weights)
    remarks += [suspect.text for suspect in suspects]
    facts = SplitFacts(split.how, split.column, len(train), len(held), len(judged), split.text)
    size = path.stat().st_size
    known = Known(file.format, rows, size, said, learnt.columns, facts, tuple(suspects), test)
    return Problem(
        re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "table",
        path.name,
        train,
        balanced(held, weights) if len(held) else None,
        judged,
        recipe(len(train), len(held) > 0),
        encoder.class_names,
        encoder.feature_names,
        encoder=encoder,
        remarks=tuple(remarks),
        class_counts=counts,
        class_weights=weights,
        known=known,
    )


def recipe(rows: int, validated: bool) -> Recipe:
    """What suits a table of so many training rows."""
    batch = 32 if rows < 5000 else 256
    return Recipe((32,), "relu", 0.01, 200, batch, patience=20 if validated else None)
