"""A table as a problem: which column is to be predicted, and which rows are for what."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.live import Wait, waiting
from chainrule.cli.problems import Part, Problem, Recipe
from chainrule.cli.splits import (
    Split,
    split_by_chance,
    split_by_groups,
    split_by_time,
    split_kind,
)
from chainrule.cli.streams import is_large, stream_problem
from chainrule.cli.table_options import TableOptions
from chainrule.cli.table_parts import (
    Learnt,
    Pieces,
    known_classes,
    learn,
    made_problem,
    refuse_few_rows,
    with_target,
)
from chainrule.data import Table, TableEncoder, TableFile, open_table
from chainrule.data.learning import MISSING_IS_FINE, refuse_strays
from chainrule.data.numbers import nearly_numbers
from chainrule.data.spool import NewSpool, in_this_folder
from chainrule.data.survey import ColumnSurvey
from chainrule.data.table_file import rows_soon_told, whole_table
from chainrule.data.target import Target, learn_target
from chainrule.errors import DataError

#: Training rows from which on a table is not small, and has many.
SMALL, MANY = 5000, 100_000
#: Rows that are encoded at a time.
ROWS_AT_ONCE = 1 << 16


def table_problem(
    path: Path, options: TableOptions, seed: int, new_spool: NewSpool = in_this_folder
) -> Problem:
    """The problem of predicting a column of a table, the last one unless ``target`` names it.

    A fifth of the rows is the test, a fifth of the others validation: by chance, and by classes
    where there are classes; or as ``split_by`` says. Means, categories and classes are learnt from
    the remaining rows alone. A file that is too large for the memory is read in batches; its
    encoded rows lie in what ``new_spool`` makes meanwhile.

    Raises:
        OptionError: no such column, task or way of weighting.
        DataError, FileFormatError: no such file, or not a table that can be learnt from.
        MissingPackageError: scikit-learn is not installed; or a Parquet file, and no pyarrow.
    """
    with waiting(f"looking at {path.name}"):
        file = open_table(path)
        target = options.check(file.names)
        if options.stream or is_large(path, file):
            return stream_problem(path, file, options, seed, new_spool)
        learnt, pieces, split = _in_memory(file, target, options, seed)
        trained, held, _ = pieces.sizes
        return made_problem(path, file, learnt, pieces, split, options, recipe(trained, held > 0))


def _in_memory(
    file: TableFile, target: str, options: TableOptions, seed: int
) -> tuple[Learnt, Pieces, Split]:
    """Read, split and encode the rows; of the table itself, only the test is kept."""
    with waiting(f"reading {Path(file.source).name}") as wait:
        told = partial(rows_soon_told, file)
        whole = whole_table(file, watch=partial(wait.rows, expected=told))
    table = with_target(dataclasses.replace(whole, target=target))
    refuse_few_rows(table.source, target, len(table), len(whole) - len(table))
    # From all rows only the kind of task is taken: classes, or numbers.
    goal = learn_target(table, target, options.task)
    # Said of the whole file, so that it does not depend on which rows the split sets aside.
    for name in table.names:
        if name != target and name not in options.drop and not options.groups_by(name):
            refuse_strays(table, name, MISSING_IS_FINE)
    split = _split(table, options, goal, seed)
    learnt = _learn(table.take(split.train), goal, options, split)
    held, test = (
        known_classes(table.take(rows), learnt.target) for rows in (split.validation, split.test)
    )
    if not len(test):
        raise DataError(f"{table.source}: no row of the test has a class that training rows have.")
    encoder = learnt.encoder
    sizes = (len(split.train), len(held), len(test))
    with waiting("encoding", sum(sizes)) as wait:
        pieces = Pieces(
            _part(encoder, table, split.train, wait),
            _part(encoder, held, np.arange(len(held)), wait),
            _part(encoder, test, np.arange(len(test)), wait),
            test,
            sizes,
            len(whole),
            len(whole) - len(table),
        )
    return learnt, pieces, split


def _learn(train: Table, goal: Target, options: TableOptions, split: Split) -> Learnt:
    surveys = {name: ColumnSurvey(name) for name in train.names}
    for survey in surveys.values():
        survey.add(train)
    return learn(train.source, surveys, goal.name, goal.task, options, split)


def _part(encoder: TableEncoder, table: Table, rows: NDArray[np.intp], wait: Wait) -> Part:
    """Encode rows of a table, some at a time: a copy of a million rows would take memory."""
    X = np.empty((len(rows), len(encoder.feature_names)), np.float32)
    y = []
    for first in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        some = table.take(rows[first : first + ROWS_AT_ONCE])
        X[first : first + len(some)] = encoder.transform(some)
        y.append(encoder.encode_target(some))
        wait.add(len(some))
    return Part(X, np.concatenate(y))


def recipe(rows: int, validated: bool) -> Recipe:
    """What suits a table of so many training rows: more rows bear a larger network."""
    if rows < SMALL:
        return Recipe((32,), "relu", 0.01, 200, 32, patience=20 if validated else None)
    if rows < MANY:
        return Recipe((64, 32), "relu", 0.005, 100, 256, patience=10 if validated else None)
    return Recipe((64, 32), "relu", 0.003, 30, 256, patience=4 if validated else None)


def _split(table: Table, options: TableOptions, goal: Target, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    if options.split_by is not None:
        kind, name = split_kind(table, options.split_by)
        by = split_by_time(table, name) if kind == "time" else split_by_groups(table, name, rng)
        return dataclasses.replace(by, column=name)
    labels = goal.encode(table) if goal.task == "classification" else None
    found = split_by_chance(len(table), labels, rng)
    if not len(found.test):
        raise DataError(
            f"{table.source}: no class of the target {table.target!r} occurs three times, so that "
            f"no row can be set aside for the test{nearly_numbers(goal.class_names)}."
        )
    return found
