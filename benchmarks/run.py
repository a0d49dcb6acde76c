"""The benchmark: the same work, side by side, in one run. See README.md beside this file."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

import machine
from chainrule.errors import unknown_name
from contestants import CONTESTANTS, missing
from figure import draw
from measure import Orders
from table import Entries, Entry, objection, render
from turns import ask_once, take_turns
from work import Reference, Work
from workloads import WORKLOADS

Tables = dict[str, tuple[Work, Entries]]


def known(kind: str, names: Mapping[str, object], given: Iterable[str]) -> list[str]:
    """The names, if all are known. Raises click.BadParameter with the nearest one."""
    found = []
    for name in given:
        if name not in names:
            raise click.BadParameter(str(unknown_name(kind, name, names)))
        found.append(name)
    return found


@click.command()
@click.argument("workloads", nargs=-1)
@click.option("--contestants", help="Who does it, separated by commas; default: who is installed.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--threads",
    default="1",
    show_default=True,
    type=click.Choice(["1", "all"]),
    help="One thread on one core, or as many as each library likes on all.",
)
@click.option(
    "--budget",
    default=12.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Minutes for all. Everyone has a first turn; after it the slowest give way.",
)
@click.option(
    "--out",
    default="runs/benchmark",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for results.json, tables.md and ratios.svg.",
)
def main(
    workloads: tuple[str, ...],
    contestants: str | None,
    rounds: int,
    threads: str,
    budget: float,
    out: Path,
) -> None:
    """Do the same work with several libraries and compare the time.

    WORKLOADS are W1 to W8; without any, all.
    """
    chosen = known("workload", WORKLOADS, workloads or WORKLOADS)
    given = [name.strip() for name in (contestants or ",".join(CONTESTANTS)).split(",")]
    names = known("contestant", CONTESTANTS, given)
    out.mkdir(parents=True, exist_ok=True)
    end = time.perf_counter() + 60 * budget
    steering = [
        f"Not every library chose its own kernels: {setting}.\n" for setting in machine.steered()
    ]
    tables: Tables = {}
    texts: list[str] = []
    for number, name in enumerate(chosen):
        work = WORKLOADS[name]
        waiting = sum(WORKLOADS[later].weight for later in chosen[number:])
        seconds = max(end - time.perf_counter(), 0) * work.weight / waiting
        progress = Progress(f"{name} ({number + 1} of {len(chosen)})")
        entries, absent = compete(work, names, rounds, threads, seconds, progress.tell)
        progress.clear()
        tables[name] = work, entries
        texts.append(render(work, entries, absent, threads))
        click.echo(texts[-1])
        # After each workload, so that an interrupted run keeps what it has.
        (out / "tables.md").write_text("\n".join([*texts, *steering]), encoding="utf-8")
        kept = json.dumps(record(tables, rounds, threads), indent=1)
        (out / "results.json").write_text(kept + "\n", encoding="utf-8")
        draw(tables, threads, out / "ratios.svg")
    for text in steering:
        click.echo(text)
    click.echo(f"Written: results.json, tables.md and ratios.svg in {out}.")


class Progress:
    """A line for the person who waits: rewritten on a terminal, line after line elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.began = time.perf_counter()
        self.live = sys.stderr.isatty()

    def tell(self, text: str) -> None:
        """Say what is being done now."""
        said = f"{self.title}, {time.perf_counter() - self.began:.0f} s: {text}"
        click.echo(f"\r\x1b[K{said}" if self.live else said, err=True, nl=not self.live)

    def clear(self) -> None:
        """Make room for the table."""
        if self.live:
            click.echo("\r\x1b[K", err=True, nl=False)


def compete(
    work: Work,
    names: Sequence[str],
    rounds: int,
    threads: str,
    seconds: float,
    tell: Callable[[str], None],
) -> tuple[dict[str, Entry], list[str]]:
    """One workload: what everyone did, and who is absent, with what to do about it."""
    takers = [name for name in names if work.name in CONTESTANTS[name].does]
    reasons = {name: missing(CONTESTANTS[name], work.name) for name in takers}
    present = [name for name in takers if reasons[name] is None]
    absent = [f"{name} ({reason})" for name, reason in reasons.items() if reason is not None]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        file = Path(folder) / "data.npz"
        tell("the data")
        work.load().save(file)
        orders = {
            name: Orders(work.name, name, CONTESTANTS[name].does[work.name], threads, str(file))
            for name in present
        }
        references = reference_of_each(work, orders, tell)
        outcomes = take_turns(orders, rounds, seconds, tell)
    return {name: Entry(outcomes[name], references.get(name)) for name in present}, absent


def reference_of_each(
    work: Work, orders: Mapping[str, Orders], tell: Callable[[str], None]
) -> dict[str, Reference]:
    """Where the float64 reference ends, for the share of each contestant."""
    if work.proof is None:
        return {}
    found: dict[str, Reference] = {}
    by_share: dict[str, Reference] = {}
    for name, order in orders.items():
        key = json.dumps(order.share, sort_keys=True)
        if key not in by_share:
            tell("the float64 reference" + (f" of {key}" if order.share else ""))
            asked = Orders(work.name, None, order.share, "all", order.data)
            by_share[key] = Reference(**ask_once(asked))
        found[name] = by_share[key]
    return found


def record(tables: Tables, rounds: int, threads: str) -> dict[str, object]:
    """All that was measured, with the verdicts and with where it was measured."""
    packages = {package for who in CONTESTANTS.values() for package in who.packages}
    return {
        "machine": machine.describe(packages, threads),
        "rounds": rounds,
        "workloads": {
            name: {
                "title": work.title,
                "proof": work.proof and asdict(work.proof),
                "contestants": {
                    who: {
                        "objection": objection(work, who, entry, threads),
                        "share": CONTESTANTS[who].does[work.name],
                        "reference": entry.reference and asdict(entry.reference),
                        "turns": [asdict(outcome) for outcome in entry.outcomes],
                    }
                    for who, entry in entries.items()
                },
            }
            for name, (work, entries) in tables.items()
        },
    }


if __name__ == "__main__":
    main()
