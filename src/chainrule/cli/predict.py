"""The command ``chainrule predict``: rows of a table in, predictions as CSV out."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from chainrule.cli.live import Wait
    from chainrule.cli.runs import Run
    from chainrule.data import Table, TableFile


@click.command("predict", short_help="Predict the rows of a table.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to write.  [default: the terminal]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def predict_command(model: Path, file: Path, out: Path | None, force: bool) -> None:
    """Predict every row of FILE with MODEL, a run's folder or a model file.

    A model trained on a table takes raw rows with the same columns, as CSV, TSV, JSON lines,
    Parquet or NPY; the target may be there or not. Any other takes a CSV file of plain numbers, a
    column for each input, with or without a header; for digits and mnist these are the pixels, as
    counts (to 16 or 255) or from 0 to 1.

    The output is CSV: a column "prediction", and for classes a column "probability_CLASS" each.

    \b
    Examples:
      chainrule predict runs/houses new-houses.csv
      chainrule predict runs/houses/model.safetensors new-houses.csv --out prices.csv
    """
    from chainrule.cli.live import Wait, waiting
    from chainrule.cli.runs import read_run, write_text
    from chainrule.errors import OptionError

    if out is not None and out.exists() and not force:
        raise OptionError(f"{out} is there already. Give another --out, or --force to replace it.")
    # Where the rows themselves are seen, or whoever reads them shows something, there is no line.
    hidden = out is not None or _is_file(sys.stdout)
    with waiting(f"predicting {file.name}") if hidden else nullcontext(Wait()) as wait:
        pieces = predictions(read_run(model), file, wait)
        if out is not None:
            write_text(out, pieces)
            return
        for text in pieces:
            # Bytes, so that names of classes come out whole whatever the terminal's encoding.
            click.echo(text.encode("utf-8"), nl=False)


def _is_file(stream: TextIO) -> bool:
    """Whether a stream leads to a file on disk, and not to a terminal or another program."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # a stream that only looks like one
        return False


def predictions(run: Run, file: Path, wait: Wait) -> Iterator[str]:
    """The predictions for the rows of a file, as the text of a CSV file, piece by piece.

    Of a table some rows are read at a time; what is said of categories never seen, and of keys that
    no JSON object has, goes to stderr.

    Raises:
        DataError, FileFormatError: the file is not there, is broken, or does not fit the model.
    """
    import csv
    import io

    from chainrule.cli.plain_rows import read_inputs

    parts = [read_inputs(file, run)] if run.encoder is None else _rows(run, file, wait)
    for place, X in enumerate(parts):
        outputs = run.net.predict(X)
        stream = io.StringIO()
        write = csv.writer(stream, lineterminator="\n").writerow
        if run.class_names:
            _write_classes(write, run, outputs, place == 0)
        else:
            _write_numbers(write, run, outputs, place == 0)
        yield stream.getvalue()


def _rows(run: Run, file: Path, wait: Wait) -> Iterator[Any]:
    """The encoded rows of a table, some at a time."""
    from chainrule.cli.console import note
    from chainrule.data import open_table
    from chainrule.data.columns import OTHER, CategoryColumn
    from chainrule.data.commas import Marks
    from chainrule.data.csv_table import CsvFile
    from chainrule.data.table_file import rows_a_batch, rows_soon_told
    from chainrule.errors import DataError

    assert run.encoder is not None
    table_file = open_table(file)
    marks = Marks()
    if isinstance(table_file, CsvFile):
        used = {column.name for column in run.encoder.columns}
        for name, value in table_file.marks.in_doubt(run.encoder.marks).items():
            if name in used:
                raise DataError(
                    f"{file}, column {name!r}: {value} may be {value.replace('.', '')}, as this "
                    f"file writes decimal commas, or {value.replace('.', ',')}; the model's own "
                    "table wrote none. Write it in one of these two ways."
                )
        marks = table_file.marks = table_file.marks.after(run.encoder.marks)
    lacking = _optional(run, table_file)
    rows, unseen = rows_a_batch(len(table_file.names)), dict[str, tuple[str, int]]()
    batches = table_file.batches(rows, run.encoder.texts)
    for table in wait.rows(batches, partial(rows_soon_told, table_file)):
        if isinstance(table_file, CsvFile) and table_file.marks is not marks:
            names = ", ".join(map(repr, sorted(table_file.marks.points - marks.points)))
            raise DataError(
                f"{file}: dots part thousands at first in {names}, and are decimal points from "
                f"{table.unit} {table.lines[0]} on or later. Write all numbers of a column alike."
            )
        table = _with_missing(table, lacking)
        yield run.encoder.transform(table)
        for name, (text, count) in run.encoder.unseen(table).items():
            first, before = unseen.get(name, (text, 0))
            unseen[name] = (first, before + count)
    for name in lacking:
        note(f"Column {name!r}: no row has this key; it counts as missing.")
    taken_for = {
        column.name: OTHER if isinstance(column, CategoryColumn) and column.other else "missing"
        for column in run.encoder.columns
    }
    for name, (text, count) in unseen.items():
        held = "1 row holds" if count == 1 else f"{count:,} rows hold"
        note(
            f"Column {name!r}: {held} what no training row had (such as {text!r}); it counts as "
            f"{taken_for[name]}."
        )


def _optional(run: Run, file: TableFile) -> list[str]:
    """Columns that no row of a file of JSON objects has: a key is left out where it has no value.

    Of a file that has none of the model's columns, none: it is another table.
    """
    assert run.encoder is not None
    names = [column.name for column in run.encoder.columns]
    lacking = [name for name in names if name not in file.names]
    return lacking if file.format == "jsonl" and len(lacking) < len(names) else []


def _with_missing(table: Table, names: list[str]) -> Table:
    """The table with further columns, in which every value is missing."""
    import dataclasses

    import numpy as np

    if not names:
        return table
    more = {name: np.full(len(table), np.nan) for name in names}
    return dataclasses.replace(
        table, names=(*table.names, *names), columns={**table.columns, **more}
    )


def _write_classes(write: Any, run: Run, outputs: Any, head: bool) -> None:
    from chainrule.cli.scores import probabilities

    if head:
        write(["prediction", *[f"probability_{name}" for name in run.class_names]])
    for row in probabilities(outputs):
        write([run.class_names[int(row.argmax())], *[f"{p:.6g}" for p in row]])


def _write_numbers(write: Any, run: Run, outputs: Any, head: bool) -> None:
    columns = outputs.reshape(len(outputs), -1)
    if run.encoder is not None:
        columns = run.encoder.decode_target(columns)
    width = columns.shape[1]
    if head:
        write(["prediction"] if width == 1 else [f"prediction_{k + 1}" for k in range(width)])
    for row in columns:
        write([f"{value:.9g}" for value in row])
