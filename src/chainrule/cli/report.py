"""The command ``chainrule report``: the page of a run, made or made anew."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report", short_help="Make the page of a run, or make it anew.")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.html",
    help="Where to write.  [default: report.html in RUN]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE.html if it is there.")
def report_command(run: Path, out: Path | None, force: bool) -> None:
    """Make the page of RUN, a run's folder: what was trained on what, and how well it does.

    `chainrule train` makes it too; this makes it anew, with the chainrule that is installed now.
    The data are read again and split as they were. Where they are gone, or are others by now, the
    page is made of the predictions that the run keeps, and tells less.

    \b
    Examples:
      chainrule report runs/houses
      chainrule report runs/houses --out houses.html
    """
    from chainrule.cli.console import note
    from chainrule.cli.kept import kept_material
    from chainrule.cli.live import waiting
    from chainrule.cli.runs import REPORT, write_text
    from chainrule.errors import OptionError
    from chainrule.report.report import checked_path, report

    if out is not None:
        checked_path(out)
        if out.exists() and not force:
            raise OptionError(
                f"{out} is there already. Give another --out, or --force to replace it."
            )
    where = out or run / REPORT
    with waiting(f"making {where.name}"):
        material, remarks = kept_material(run)
        for remark in remarks:
            note(remark)
        write_text(where, report(material).html)
    click.echo(f"saved in {where}")
