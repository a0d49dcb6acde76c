"""The command ``chainrule compare``: runs side by side, in the terminal and on a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chainrule.report.comparison import Entry


@click.command("compare", short_help="Compare runs.")
@click.argument("runs", metavar="RUN RUN ...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.html",
    help="Write a page too, with curves and intervals.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE.html if it is there.")
def compare_command(runs: tuple[Path, ...], out: Path | None, force: bool) -> None:
    """Compare two or more RUNs, folders that `chainrule train` has made.

    Shows the settings that differ and the scores. Where the test rows are the same, each run is
    tested against the first one on them: by McNemar's exact test for classes, by a paired
    permutation test for numbers.

    \b
    Examples:
      chainrule compare runs/a runs/b
      chainrule compare runs/* --out comparison.html
    """
    from chainrule.cli.console import note, show_table
    from chainrule.cli.runs import write_text
    from chainrule.errors import OptionError
    from chainrule.report import comparison
    from chainrule.report.report import checked_path

    if len(runs) < 2:
        raise OptionError("compare takes two runs or more, such as runs/a runs/b.")
    if out is not None:
        checked_path(out)
        if out.exists() and not force:
            raise OptionError(
                f"{out} is there already. Give another --out, or --force to replace it."
            )
    entries = [_entry(folder) for folder in runs]
    head, rows = comparison.settings_table(entries)
    if rows:
        show_table(head, rows)
        click.echo()
    else:
        note("The runs have the same settings.")
    show_table(*comparison.scores_table(entries))
    for remark in comparison.remarks(entries):
        note(remark)
    if out is not None:
        write_text(out, comparison.page(entries))
        click.echo(f"saved in {out}")


def _entry(folder: Path) -> Entry:
    """What is compared of a run."""
    from chainrule.cli.config import read_config
    from chainrule.cli.records import PREDICTIONS, read_history, read_predictions
    from chainrule.cli.reporting import target_of
    from chainrule.cli.runs import read_run
    from chainrule.errors import FileFormatError
    from chainrule.report.comparison import Entry

    run = read_run(folder)
    said = read_predictions(folder, run.class_names) if folder.is_dir() else None
    if said is None:
        raise FileFormatError(
            f"{folder} keeps no {PREDICTIONS}, by which runs are compared. Train it again with "
            "this version: chainrule train."
        )
    config = read_config(folder)
    settings = {
        name: _shown(value)
        for table in ("data", "table", "training")
        for name, value in config.get(table, {}).items()
        if name not in ("rows", "test_rows", "test_fingerprint")
    }
    rows = config.get("data", {}).get("test_fingerprint")
    target = target_of(run.class_names, run.encoder)
    return Entry(str(folder), settings, read_history(folder), target, said.y, said.outputs, rows)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
