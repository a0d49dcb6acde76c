"""A CSV file as a problem: which column is to be predicted, and which rows are for what."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np

from chainrule.cli.problems import Part, Problem, Recipe
from chainrule.cli.splits import set_aside
from chainrule.data import Table, TableEncoder, read_csv
from chainrule.data.learning import MISSING_IS_FINE, refuse_strays
from chainrule.data.target import learn_target
from chainrule.errors import DataError

TEST_SHARE = 0.2
#: Of what is left for training.
VALIDATION_SHARE = 0.2
FEWEST_ROWS = 10


def table_problem(path: Path, target: str | None, seed: int) -> Problem:
    """The problem of predicting a column of a CSV file, the last one unless ``target`` names it.

    A fifth of the rows is the test, a fifth of the others validation, by classes where there are
    classes. Means, categories and classes are learnt from the remaining rows alone.

    Raises:
        OptionError: no such column.
        DataError, FileFormatError: no such file, or not a table that can be learnt from.
    """
    table = read_csv(path)
    table = dataclasses.replace(table, target=table.names[-1] if target is None else target)
    if len(table) < FEWEST_ROWS:
        raise DataError(
            f"{path} has {len(table)} rows, too few to set some aside for the test; give at least "
            f"{FEWEST_ROWS}."
        )
    # From all rows only the kind of task is taken: classes, or numbers.
    goal = learn_target(table, str(table.target), None)
    # Said of the whole file, so that it does not depend on which rows the split sets aside.
    for name in table.names:
        if name != table.target:
            refuse_strays(table, name, MISSING_IS_FINE)
    labels = goal.encode(table) if goal.task == "classification" else None
    rng = np.random.default_rng(seed)
    rows, test = set_aside(np.arange(len(table)), labels, TEST_SHARE, rng)
    rows, validation = set_aside(rows, labels, VALIDATION_SHARE, rng)
    if not len(test):
        raise DataError(
            f"{path}: no class of the target {table.target!r} occurs three times, so that no row "
            f"can be set aside for the test."
        )
    encoder = TableEncoder(goal.task).fit(table.take(rows))

    def part(chosen: Table) -> Part:
        return Part(encoder.transform(chosen), encoder.encode_target(chosen))

    held = part(table.take(validation)) if len(validation) else None
    return Problem(
        re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "table",
        path.name,
        part(table.take(rows)),
        held,
        part(table.take(test)),
        _recipe(len(rows), held is not None),
        encoder.class_names,
        encoder.feature_names,
        encoder=encoder,
        remarks=_remarks(encoder, target is None),
    )


def _recipe(rows: int, validated: bool) -> Recipe:
    batch = 32 if rows < 5000 else 256
    return Recipe((32,), "relu", 0.01, 200, batch, patience=20 if validated else None)


def _remarks(encoder: TableEncoder, by_default: bool) -> tuple[str, ...]:
    """What was decided without being asked for."""
    remarks = []
    if by_default:
        remarks.append(
            f"Predicting the last column, {encoder.target!r} ({encoder.task}); "
            f"--target chooses another."
        )
    remarks += [f"Column {name!r} is left out: {why}." for name, why in encoder.ignored.items()]
    return tuple(remarks)
