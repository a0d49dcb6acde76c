"""The command ``chainrule show``: a network or a function as formula, program, walk or drawing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.options import sizes

if TYPE_CHECKING:
    from chainrule.cli.shown import Shown

#: The largest number of entries in the inputs of a drawing that bears numbers.
MOST_ENTRIES = 64


@click.command("show", short_help="Show a network or a function from the inside.")
@click.argument("what")
@click.argument("more", nargs=-1, metavar="")
@click.option(
    "--as", "reading", default="formula", show_default=True,
    type=click.Choice(["formula", "program", "walk", "drawing"]),
    help="In LaTeX, in NumPy, number by number, or as an SVG picture.",
)  # fmt: skip
@click.option(
    "--out", metavar="FILE",
    help="Where to write; - is the terminal.  [default: the terminal; NAME.svg for a drawing]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--forward", is_flag=True, help="The prediction alone, without loss and gradients.")
@click.option("--rows", type=click.IntRange(min=1), metavar="N", help="How many samples.")
@click.option("--hidden", type=sizes, metavar="SIZES", help="As for chainrule train.")
@click.option("--activation", metavar="NAME", help="As for chainrule train.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
    help="Decides the parameters, and random numbers for what has no values.",
)  # fmt: skip
@click.option(
    "--shapes", metavar="NAME=SIZES...", help="Of a function's arguments: --shapes x=3,2 w=2,1."
)
@click.option(
    "--collapse", metavar="LAYERS",
    help="Draw layers as one box each: all, none, or names such as dense1,dense2.",
)  # fmt: skip
@click.option(
    "--direction", type=click.Choice(["right", "down"]), help="How a drawing is to be read."
)
def show_command(
    what: str, more: tuple[str, ...], reading: str, out: str | None, force: bool,
    shapes: str | None, collapse: str | None, direction: str | None, **options: Any,
) -> None:  # fmt: skip
    """Show WHAT from the inside.

    \b
    WHAT is
      xor, and, or, nand, digits, mnist    the network that chainrule train would begin with
      a model file, or a run's folder      a network that was saved
      FILE.py:NAME                         a function (or a Sequential) in a Python file

    The last RUNS the file, as `python FILE` does, except that `if __name__ == "__main__":` is not
    true: show only files that you would run. An argument of the function is taken from the variable
    of the same name in the file, or has the shape given by --shapes and random numbers; one with a
    default keeps it.

    A network is shown with its loss and the gradients; a walk goes through the first rows of its
    data.

    \b
    Examples:
      chainrule show xor
      chainrule show xor --hidden 2 --as walk
      chainrule show mnist --as drawing --collapse all --out mnist.svg
      chainrule show runs/houses --as program
      chainrule show model.py:loss --as drawing --shapes x=3,2 w=2,1
    """
    from chainrule.cli.console import note
    from chainrule.cli.shown import Options, read_shapes, shown
    from chainrule.cli.user_file import UserFileError

    if more and shapes is None:
        raise click.UsageError(
            f"one thing is shown at a time; what is {' '.join(more)!r}? Shapes stand behind "
            "--shapes."
        )
    if reading != "drawing" and (collapse or direction):
        raise click.UsageError("--collapse and --direction belong to a drawing: --as drawing.")
    given = read_shapes([*(shapes or "").split(), *more])
    try:
        found = shown(Options(what, shapes=given, wants_values=reading == "walk", **options))
    except UserFileError as error:
        raise click.ClickException(str(error)) from error
    text, remark = READINGS[reading](found, collapse, direction)
    if remark:
        note(remark)
    file = out or (f"{found.name}.svg" if reading == "drawing" else "-")
    _write(text, file, force)


def _write(text: str, file: str, force: bool) -> None:
    from chainrule.cli.runs import write_text
    from chainrule.errors import OptionError

    if file == "-":
        # Bytes, so that formulas and names come out whole whatever the terminal's encoding.
        click.echo(text.encode("utf-8"), nl=False)
        return
    path = Path(file)
    if path.exists() and not force:
        raise OptionError(f"{path} is there already. Give another --out, or --force to replace it.")
    write_text(path, text)
    click.echo(f"saved in {path}")


def _formula(found: Shown, collapse: str | None, direction: str | None) -> tuple[str, str]:
    from chainrule.show.numbers import has_backward

    graph = found.graph
    whole = graph.value_and_gradients() if has_backward(graph) else graph
    return whole.formula() + "\n", ""


def _program(found: Shown, collapse: str | None, direction: str | None) -> tuple[str, str]:
    return found.graph.program(), ""


def _walk(found: Shown, collapse: str | None, direction: str | None) -> tuple[str, str]:
    return f"{found.graph.walk(**(found.values or {}))}\n", found.remark


def _drawing(found: Shown, collapse: str | None, direction: str | None) -> tuple[str, str]:
    chosen: Any = {None: None, "all": True, "none": False}.get(
        collapse, (collapse or "").split(",")
    )
    values = found.values
    if values is not None and max((a.size for a in values.values()), default=0) > MOST_ENTRIES:
        values = None
    drawing = found.graph.draw(values=values, collapse=chosen, direction=direction)
    said = [found.remark if values is not None else "", drawing.note]
    return drawing.svg, "\n".join(text for text in said if text)


READINGS: dict[str, Callable[[Shown, str | None, str | None], tuple[str, str]]] = {
    "formula": _formula,
    "program": _program,
    "walk": _walk,
    "drawing": _drawing,
}
"""Each reading of a graph: its text, and a remark (nothing for none)."""
