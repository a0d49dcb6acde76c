"""The command ``chainrule``: train a network, predict with it, look at it, check gradients,
say why it does not learn.

Importing this loads Click and nothing heavier: each command imports what it needs when it runs.
A mistake of the user's is one line on stderr; only a mistake of ours is a traceback.
"""

from __future__ import annotations

import errno
import sys
from typing import Any

import click

from chainrule import __version__
from chainrule.cli.check import check_command
from chainrule.cli.compare import compare_command
from chainrule.cli.doctor import doctor_command
from chainrule.cli.export import export_command
from chainrule.cli.predict import predict_command
from chainrule.cli.report import report_command
from chainrule.cli.show import show_command
from chainrule.cli.summary import summary_command
from chainrule.cli.train import train_command
from chainrule.errors import ChainruleError

#: What a shell reports of a program that Ctrl-C ended: 128 and the number of SIGINT.
INTERRUPTED = 130


class Commands(click.Group):
    """The group of commands, with one place where errors become lines."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ChainruleError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of a pipe has gone: Click knows what to do
                raise
            raise click.ClickException(_told(error)) from error
        except MemoryError as error:
            raise click.ClickException(
                f"not enough memory ({error}). Try fewer hidden units, or a smaller batch size."
            ) from error
        except KeyboardInterrupt:
            click.echo("Interrupted: nothing was written.", err=True)
            ctx.exit(INTERRUPTED)


def _told(error: OSError) -> str:
    if error.strerror is None:
        return str(error)
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}{error.strerror}."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="chainrule", message="%(prog)s %(version)s")
def main() -> None:
    """Train neural networks, predict with them, look inside, check gradients.

    \b
    Examples:
      chainrule train xor
      chainrule train houses.csv --target price
      chainrule predict runs/houses-20260101-120000 new-houses.csv
      chainrule summary runs/houses-20260101-120000
      chainrule compare runs/a runs/b
      chainrule export runs/houses-20260101-120000 --to houses.onnx
      chainrule check network.py
      chainrule doctor runs/houses-20260101-120000
      chainrule show xor --as drawing
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal without ² or → is no reason to fail: it gets a question mark.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


main.add_command(train_command)
main.add_command(predict_command)
main.add_command(export_command)
main.add_command(summary_command)
main.add_command(report_command)
main.add_command(compare_command)
main.add_command(check_command)
main.add_command(show_command)
main.add_command(doctor_command)

__all__ = ["main"]
