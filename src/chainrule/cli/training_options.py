"""The options that say what is trained and how, for every command that trains or judges it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from chainrule.cli.options import batch_size, rate, sizes

Function = Callable[..., Any]

TABLE = [
    click.option("--target", metavar="COLUMN", help="Column to predict.  [default: the last]"),
    click.option(
        "--task", metavar="NAME",
        help="classification or regression.  [default: found out from the target]",
    ),
    click.option(
        "--split-by", metavar="COLUMN",
        help="The test is what comes last by COLUMN (dates, numbers), or whole groups of equal "
        "values.",
    ),
    click.option(
        "--drop", multiple=True, metavar="COLUMN", help="Leave COLUMN out; may be repeated."
    ),
    click.option(
        "--keep", multiple=True, metavar="COLUMN",
        help="Use COLUMN even if it only seems to count or name the rows; may be repeated.",
    ),
    click.option(
        "--class-weight", metavar="HOW",
        help="auto (rare classes weigh more if there are four times as many others), balanced or "
        "none.",
    ),
    click.option("--stream", is_flag=True, help="Read the table in batches, as large ones are."),
]  # fmt: skip
"""What may be said of a table: a field each of ``TableOptions``."""

NETWORK = [
    click.option(
        "--hidden", type=sizes, metavar="SIZES",
        help="Units of the hidden layers, such as 100,50; 0 for none.",
    ),
    click.option(
        "--activation", metavar="NAME",
        help="Of the hidden layers: relu, tanh, sigmoid, gelu, silu, elu, leaky_relu, softplus, "
        "...",
    ),
    click.option(
        "--optimizer", default="adam", show_default=True, metavar="NAME",
        help="sgd, adagrad, rmsprop, adam, adamw or lbfgs.",
    ),
    click.option("--lr", type=rate, metavar="RATE", help="Learning rate."),
    click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the data."),
    click.option("--batch-size", type=batch_size, metavar="N", help="Rows a step, or all."),
    click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
        help="Decides the split, the first parameters and the order of rows.",
    ),
]  # fmt: skip
"""What may be said of the network and its training."""


def takes(*groups: Sequence[Callable[[Function], Function]]) -> Callable[[Function], Function]:
    """A decorator that gives a command these options, in their order."""

    def decorate(command: Function) -> Function:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate
