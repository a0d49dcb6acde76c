"""The command ``chainrule doctor``: why does the program in a Python file not learn?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.check import NotJudgedError

if TYPE_CHECKING:
    from chainrule.cli.user_file import UserFile


@click.command("doctor", short_help="Say why the program in a Python file does not learn.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--network", metavar="NAME", help="Diagnose this network of the file.")
@click.option("--data", metavar="X,Y", default="X,y", show_default=True, help="Its data.")
@click.option("--epochs", type=click.IntRange(min=1), help="How often the loop sees all rows.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
def doctor_command(
    file: Path, network: str | None, data: str, epochs: int | None, seed: int
) -> None:
    """Say why the program in FILE, a Python file, does not learn, and prove it by experiments.

    This RUNS the file, as `python FILE` does, except that `if __name__ == "__main__":` is not
    true: so put the training there. Nothing in the file is changed.

    \b
    By convention the file has
      X, y                        the data, and perhaps X_validation, y_validation
      parameters                  a dict of arrays, as they are before training
      forward(parameters, X)      the outputs
      step(parameters, X, y)      one update, in place or returned
    and, the more the better,
      loss(parameters, X, y), gradients(parameters, X, y), batches(X, y),
      metric(parameters, X, y), epochs
    With --network NAME it has a network instead: ours, a perceptron of scikit-learn, or a
    torch.nn.Sequential. Ends with 0 if nothing wrong was found, 1 if something was, 2 if the file
    cannot be judged.

    \b
    Examples:
      chainrule doctor loop.py
      chainrule doctor model.py --network net --data X_train,y_train
    """
    from chainrule.cli.user_file import UserFile, UserFileError
    from chainrule.doctor import diagnose
    from chainrule.errors import ChainruleError

    options: dict[str, Any] = {"seed": seed} | ({} if epochs is None else {"epochs": epochs})
    try:
        with UserFile(file) as user:
            if network is not None:
                X, y = _data(user, data)
                found = diagnose(user.find(network, "--network", ()), X, y, **options)
            else:
                found = diagnose(**_program(user, options))
    except (UserFileError, ChainruleError) as error:
        raise NotJudgedError(str(error)) from error
    click.echo(str(found))
    if not found.is_healthy:
        click.get_current_context().exit(1)


def _program(user: UserFile, options: dict[str, Any]) -> dict[str, Any]:
    from chainrule.cli.user_program import program_in

    return program_in(user) | options


def _data(user: UserFile, names: str) -> tuple[Any, Any]:
    pair = [name.strip() for name in names.split(",")]
    if len(pair) != 2:
        raise click.UsageError(f"--data takes two names, such as X,y; got {names!r}.")
    return user.find(pair[0], "--data", ()), user.find(pair[1], "--data", ())
