"""How often the judge of hand-written gradients names the mistake, and how often it errs.

    python benchmarks/marking.py                  # 20 programs for each kind, 400 right ones
    python benchmarks/marking.py --each 5 --right 50 --misses misses.md

The programs are written by tests/mutants: NumPy by hand, forward and backward, as people write
them, each with one planted mistake or with none. Prints a Markdown table.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click

from chainrule.check import check_gradients

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mutants.scoring import KINDS, OTHER, misses_report, table, tally


@click.command()
@click.option("--each", default=20, show_default=True, help="Programs for each kind of mistake.")
@click.option("--right", default=400, show_default=True, help="Programs without a mistake.")
@click.option("--seed", default=1, show_default=True, help="Another seed, other programs.")
@click.option("--kind", "kinds", multiple=True, help="Only this kind; may be given again.")
@click.option("--misses", type=click.Path(path_type=Path), help="Write the failures to this file.")
@click.option("--show", default=1, show_default=True, help="Failures to write for each kind.")
def main(
    each: int, right: int, seed: int, kinds: tuple[str, ...], misses: Path | None, show: int
) -> None:
    """Mark the judge on programs with planted mistakes and on programs without."""
    for kind in kinds:
        if kind not in (*KINDS, OTHER):
            raise click.BadParameter(f"{kind!r} is not planted. Known: {', '.join(KINDS)}")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = tally(check_gradients, kinds or (*KINDS, OTHER), each, right, seed, Path(folder))
    print(table(found))
    print(f"\nSeed {seed}, {time.perf_counter() - began:.0f} s.")
    if misses is not None:
        misses.write_text(misses_report(found, show), encoding="utf-8")
    sys.exit(1 if found.complaints() else 0)


if __name__ == "__main__":
    main()
