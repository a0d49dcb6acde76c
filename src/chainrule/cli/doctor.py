"""The command ``chainrule doctor``: why a network does not learn, proved by an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.training_options import NETWORK, TABLE, takes

if TYPE_CHECKING:
    from chainrule.doctor import Diagnosis
    from chainrule.report.diagnosed import Trials


class NotDiagnosedError(click.ClickException):
    """What was given cannot be judged: it is neither healthy nor ill."""

    exit_code = 2


@click.command("doctor", short_help="Say why a network does not learn, and prove it.")
@click.argument("patient", metavar="RUN|DATA|FILE.py")
@takes(TABLE, NETWORK)
@click.option("--prescribe", is_flag=True, help="Make the repair, train again and show both.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.html",
    help="Write the account as a page too, with pictures.  [default for a RUN: doctor.html in it]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE.html if it is there.")
def doctor_command(
    patient: str, prescribe: bool, out: Path | None, force: bool, **options: Any
) -> None:
    """Say why a network does not learn, with the experiment that proves it; or that it does.

    RUN is a folder that `chainrule train` has made. DATA is what `chainrule train` takes, with the
    same options: the training is judged that it would do. FILE.py is a Python file of yours, which
    is RUN, as `python FILE` does, except that `if __name__ == "__main__":` is not true.

    \b
    By convention FILE.py has
      network, X, y        a chainrule network (or a perceptron of scikit-learn, or a
                           torch.nn.Sequential), and perhaps loss, optimizer, epochs, batch_size
    or, for a loop in plain NumPy,
      X, y, parameters     the data, with samples in rows or in columns, and a dict of arrays as
                           they are before training
      forward(parameters, X)       the outputs
      step(parameters, X, y)       one update, in place or returned
    and, the more the better, loss(parameters, X, y), gradients(parameters, X, y),
    batches(X, y), metric(parameters, X, y), epochs; X_val and y_val for both.

    Copies are trained; nothing of yours is changed. Ends with 0 if nothing is wrong, 1 if something
    is, 2 if it cannot be judged.

    \b
    Examples:
      chainrule doctor runs/houses
      chainrule doctor houses.csv --target price --lr 10 --prescribe
      chainrule doctor network.py --out account.html
    """
    from chainrule.cli.console import note, status_line
    from chainrule.cli.patients import admitted
    from chainrule.cli.runs import write_text
    from chainrule.cli.user_file import UserFileError
    from chainrule.errors import ChainruleError, OptionError
    from chainrule.report.report import checked_path

    if out is not None:
        checked_path(out)
        if out.exists() and not force:
            raise OptionError(
                f"{out} is there already. Give another --out, or --force to replace it."
            )
    trials = page = None
    try:
        with admitted(patient, options) as who:
            for remark in who.remarks:
                note(remark)
            with status_line() as tell:
                found = who.diagnosed(tell)
                cure = next((f for f in found.findings if f.prescription), None)
                if prescribe and cure is not None:
                    tell("training it again, repaired")
                    trials = who.treated(cure)
            where = out or (None if who.folder is None else who.folder / "doctor.html")
            if where is not None:
                page = who.page(found, trials)
    except (UserFileError, ChainruleError) as error:
        raise NotDiagnosedError(str(error)) from error
    click.echo(str(found))
    if prescribe:
        _tell_of_repair(found, trials)
    if where is not None and page is not None:
        write_text(where, page)
        click.echo(f"\nsaved in {where}")
    if not found.is_healthy and found.verdict != "unlucky":
        click.get_current_context().exit(1)


def _tell_of_repair(found: Diagnosis, trials: Trials | None) -> None:
    """What came of the first repair, beside what was before."""
    from chainrule.cli.console import show_table

    click.echo()
    if trials is not None:
        click.echo(f"Trained again with: {trials.repair}")
        show_table(["epoch", "loss before", "loss repaired"], trials.rows(), right=("epoch",))
    elif found.is_healthy:
        click.echo("There is nothing to repair.")
    else:
        click.echo("No repair can be made here: the findings say what you can do.")
