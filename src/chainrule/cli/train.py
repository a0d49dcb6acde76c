"""The command ``chainrule train``: its options. The work is in ``chainrule.cli.training``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.options import processes
from chainrule.cli.training_options import NETWORK, TABLE, takes


class _Train(click.Command):
    """The command, which keeps its arguments as they were typed: other processes get them too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = list(args)
        return super().parse_args(ctx, args)


@click.command("train", cls=_Train, short_help="Train a network and save the run.")
@click.argument("data", metavar="DATA", required=False)
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
@click.option(
    "--processes", type=processes, metavar="N",
    help="Train in N processes of this machine (with --engine xla), or as one of those that the "
    "scheduler of a cluster has started: cluster.",
)  # fmt: skip
@click.option(
    "--checkpoint", type=click.IntRange(min=1), metavar="N",
    help="Epochs between two checkpoints.  [default: 1 with --processes, else none]",
)  # fmt: skip
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="RUN",
    help="Go on with a run from its last checkpoint, without DATA.",
)  # fmt: skip
def train_command(**options: Any) -> None:
    """Train a network on DATA, judge it on rows it has not seen, and save the run.

    DATA is xor, and, or, nand, digits, mnist, or a table: a CSV or TSV file whose first row names
    the columns, a file of JSON lines, a Parquet or an NPY file. Of a table a fifth of the rows is
    set aside for the test; training stops when the loss on another part no longer falls. Columns
    may be numbers, dates, yes or no, or categories, and values may be missing.

    Ctrl-C ends the training early and keeps what was learnt; a second one ends all at once.

    \b
    Examples:
      chainrule train xor
      chainrule train xor --hidden 2 --activation sigmoid --seed 3
      chainrule train mnist --hidden 100,50 --epochs 10 --out runs/mnist
      chainrule train houses.csv --target price --lr 0.001
      chainrule train visits.parquet --target returned --split-by group:patient
      chainrule train mnist --engine xla --processes 2
    """
    from dataclasses import fields

    from chainrule.cli.config import command_line
    from chainrule.cli.processes import is_launcher, start_workers
    from chainrule.cli.run_options import Options
    from chainrule.cli.table_options import TableOptions
    from chainrule.cli.training import train

    ctx = click.get_current_context()
    if options["resume"] is not None:
        from chainrule.cli.checkpoints import kept_options

        typed = click.core.ParameterSource.COMMANDLINE
        given = {k: v for k, v in options.items() if ctx.get_parameter_source(k) == typed}
        chosen = kept_options(options["resume"], given)
    elif options["data"] is None:
        raise click.UsageError("Missing argument 'DATA'.", ctx)
    else:
        names = [field.name for field in fields(TableOptions)]
        table = TableOptions(**{name: options.pop(name) for name in names})
        chosen = Options(table=table, command=command_line(), **options)
    if is_launcher(chosen.processes):
        ctx.exit(start_workers(ctx.meta["arguments"], chosen.processes, chosen.engine))
    train(chosen)
