"""The command ``chainrule check``: the gradients in a Python file of the user's, judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli import options

if TYPE_CHECKING:
    from chainrule.check.report import GradientReport
    from chainrule.cli.user_file import UserFile


class NotJudgedError(click.ClickException):
    """The file cannot be judged: it is neither right nor wrong."""

    exit_code = 2


@click.command("check", short_help="Check the gradients that a Python file computes by hand.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--loss", metavar="NAME", help="The function that gives the loss.")
@click.option("--gradients", metavar="NAME", help="The function, or dict, of the gradients.")
@click.option("--parameters", metavar="NAME", help="The dict, list, array or object of parameters.")
@click.option("--network", metavar="NAME", help="An object with the methods loss and backward.")
@click.option("--data", metavar="X,T", default="X,t", show_default=True, help="Its data.")
@click.option("--step", metavar="NAME", help="Judge this training step instead of the gradients.")
@click.option("--rate", metavar="NUMBER", help="The learning rate that the step is meant to have.")
def check_command(
    file: Path,
    loss: str | None,
    gradients: str | None,
    parameters: str | None,
    network: str | None,
    data: str,
    step: str | None,
    rate: str | None,
) -> None:
    """Check the gradients that FILE, a Python file, computes by hand, and name the mistake.

    This RUNS the file, as `python FILE` does, except that `if __name__ == "__main__":` is not
    true: check only files that you would run.

    \b
    By convention the file has
      parameters             a dict of arrays (or a list, one array, an object)
      loss(parameters)       one number
      gradients(parameters)  a dict of arrays with the same keys
    Other names are given by the options. Ends with 0 if all is right, 1 if something is wrong, 2 if
    the file cannot be judged.

    \b
    Examples:
      chainrule check network.py
      chainrule check network.py --loss cost --gradients backward --parameters params
      chainrule check network.py --network net --data X_train,y_train
      chainrule check network.py --step update --rate 0.1
    """
    from chainrule.cli.user_file import UserFile, UserFileError
    from chainrule.errors import ChainruleError

    number = None if rate is None else options.rate(rate)
    if number is not None and step is None:
        raise click.UsageError("--rate belongs to a training step: --step NAME --rate NUMBER.")
    if network is not None and (loss or gradients or parameters or step):
        raise click.UsageError(
            "--network takes loss and gradients from the object's methods; leave out the others."
        )
    try:
        with UserFile(file) as user:
            if network is not None:
                report = _of_network(user, network, data)
            else:
                report = _of_functions(user, loss, gradients, parameters, step, number)
    except (UserFileError, ChainruleError) as error:
        raise NotJudgedError(str(error)) from error
    _show(report)


def _of_network(user: UserFile, network: str, data: str) -> GradientReport:
    from chainrule.check import check_gradients

    names = [name.strip() for name in data.split(",")]
    if len(names) != 2:
        raise click.UsageError(f"--data takes two names, such as X,t; got {data!r}.")
    thing = user.find(network, "--network", ())
    return check_gradients(thing, tuple(user.find(name, "--data", ()) for name in names))


def _of_functions(
    user: UserFile,
    loss: str | None,
    gradients: str | None,
    parameters: str | None,
    step: str | None,
    rate: float | None,
) -> GradientReport:
    from chainrule.check import check_gradients, check_step

    found_loss = user.find(loss, "--loss", ("loss", "cost", "loss_function"))
    point = user.find(parameters, "--parameters", ("parameters", "params", "p"))
    if step is not None:
        return check_step(user.find(step, "--step", ()), point, found_loss, rate=rate)
    names = ("gradients", "gradient", "grads", "backward", "backprop")
    return check_gradients(found_loss, point, user.find(gradients, "--gradients", names))


def _show(report: Any) -> None:
    from chainrule.cli.console import show_table

    head, *rows = report.table()
    show_table(head, rows, right=("slope", "rest", "theirs", "true"))
    for text in report.explanations():
        click.echo(f"\n{text}")
    if report.ok:
        click.echo(f"\n{report.headline()}.")
        return
    click.echo()
    raise click.ClickException(f"{report.headline()}.")
