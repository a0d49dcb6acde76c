"""The command ``chainrule train``: its options. The work is in ``chainrule.cli.training``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.options import batch_size, processes, rate, sizes


class _Train(click.Command):
    """The command, which keeps its arguments as they were typed: other processes get them too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = list(args)
        return super().parse_args(ctx, args)


@click.command("train", cls=_Train, short_help="Train a network and save the run.")
@click.argument("data", metavar="DATA", required=False)
@click.option("--target", metavar="COLUMN", help="Column to predict (CSV).  [default: the last]")
@click.option(
    "--hidden", type=sizes, metavar="SIZES",
    help="Units of the hidden layers, such as 100,50; 0 for none.",
)  # fmt: skip
@click.option(
    "--activation", metavar="NAME",
    help="Of the hidden layers: relu, tanh, sigmoid, gelu, silu, elu, leaky_relu, softplus, ...",
)  # fmt: skip
@click.option(
    "--optimizer", default="adam", show_default=True, metavar="NAME",
    help="sgd, adagrad, rmsprop, adam, adamw or lbfgs.",
)  # fmt: skip
@click.option("--lr", type=rate, metavar="RATE", help="Learning rate.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the data.")
@click.option("--batch-size", type=batch_size, metavar="N", help="Rows a step, or all.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
    help="Decides the split, the first parameters and the order of rows.",
)  # fmt: skip
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

    DATA is xor, and, or, nand, digits, mnist, or a CSV file whose first row names the columns. Of
    a CSV file a fifth of the rows is set aside for the test; training stops when the loss on
    another part no longer falls. Texts may be categories, and values may be missing.

    Ctrl-C ends the training early and keeps what was learnt.

    \b
    Examples:
      chainrule train xor
      chainrule train xor --hidden 2 --activation sigmoid --seed 3
      chainrule train mnist --hidden 100,50 --epochs 10 --out runs/mnist
      chainrule train houses.csv --target price --lr 0.001
      chainrule train mnist --engine xla --processes 2
    """
    from chainrule.cli.processes import is_launcher, start_workers
    from chainrule.cli.training import Options, train

    ctx = click.get_current_context()
    if options["resume"] is not None:
        from chainrule.cli.checkpoints import kept_options

        typed = click.core.ParameterSource.COMMANDLINE
        given = {k: v for k, v in options.items() if ctx.get_parameter_source(k) == typed}
        options = kept_options(options["resume"], given)
    elif options["data"] is None:
        raise click.UsageError("Missing argument 'DATA'.", ctx)
    if is_launcher(options["processes"]):
        ctx.exit(start_workers(ctx.meta["arguments"], options["processes"], options["engine"]))
    train(Options(**options))
