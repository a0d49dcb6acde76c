"""The command ``chainrule train``: its options. The work is in ``chainrule.cli.training``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.training_options import NETWORK, TABLE, takes


@click.command("train", short_help="Train a network and save the run.")
@click.argument("data", metavar="DATA")
@takes(TABLE, NETWORK)
@click.option(
    "--restarts", type=click.IntRange(min=0), metavar="N",
    help="How often to start anew if training gets stuck.  [default: 5 for gates, else 0]",
)  # fmt: skip
@click.option(
    "--engine", default="numpy", show_default=True, metavar="NAME", help="numpy, xla or reference."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of the run.  [default: runs/NAME-DATE-TIME]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the run that DIR holds.")
def train_command(**options: Any) -> None:
    """Train a network on DATA, judge it on rows it has not seen, and save the run.

    DATA is xor, and, or, nand, digits, mnist, or a table: a CSV or TSV file whose first row names
    the columns, a file of JSON lines, a Parquet or an NPY file. Of a table a fifth of the rows is
    set aside for the test; training stops when the loss on another part no longer falls. Columns
    may be numbers, dates, yes or no, or categories, and values may be missing.

    Ctrl-C ends the training early and keeps what was learnt.

    \b
    Examples:
      chainrule train xor
      chainrule train xor --hidden 2 --activation sigmoid --seed 3
      chainrule train mnist --hidden 100,50 --epochs 10 --out runs/mnist
      chainrule train houses.csv --target price --lr 0.001
      chainrule train visits.parquet --target returned --split-by group:patient
    """
    from dataclasses import fields

    from chainrule.cli.table_options import TableOptions
    from chainrule.cli.training import Options, train

    table = TableOptions(**{field.name: options.pop(field.name) for field in fields(TableOptions)})
    train(Options(table=table, **options))
