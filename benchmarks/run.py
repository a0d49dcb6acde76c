"""The benchmark: the same work, side by side, in one run. See README.md beside this file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

import machine
from chainrule.errors import unknown_name
from contestants import CONTESTANTS
from table import Outcome, objection, render
from workloads import WORKLOADS, Failure, Result

CHILD = Path(__file__).with_name("measure.py")
SECONDS_TO_LIVE = 600

Outcomes = dict[str, dict[str, list[Outcome]]]


Parser = Callable[[click.Context, click.Parameter, str], list[str]]


def names(known: Mapping[str, object], kind: str) -> Parser:
    """A click callback that takes names separated by commas, each of them known."""

    def parse(context: click.Context, option: click.Parameter, value: str) -> list[str]:
        given = [name.strip() for name in value.split(",") if name.strip()]
        for name in given:
            if name not in known:
                raise click.BadParameter(str(unknown_name(kind, name, known)))
        return given

    return parse


@click.command()
@click.option(
    "--workloads",
    default=",".join(WORKLOADS),
    show_default=True,
    callback=names(WORKLOADS, "workload"),
    help="What to do, separated by commas.",
)
@click.option(
    "--contestants",
    default=",".join(CONTESTANTS),
    show_default=True,
    callback=names(CONTESTANTS, "contestant"),
    help="Who does it.",
)
@click.option(
    "--rounds",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="Turns that each contestant takes.",
)
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every measurement, the machine and the versions to this file.",
)
def main(workloads: list[str], contestants: list[str], rounds: int, file: Path | None) -> None:
    """Train the same network with several libraries on one core and compare the time."""
    outcomes: Outcomes = {}
    for workload in workloads:
        outcomes[workload] = take_turns(workload, contestants, rounds)
        click.echo(render(WORKLOADS[workload], outcomes[workload]))
    if machine.steered():
        click.echo(f"Not every library chose its own kernels: {', '.join(machine.steered())}.")
    if file is not None:
        file.write_text(json.dumps(record(outcomes, rounds), indent=1) + "\n", encoding="utf-8")


def take_turns(workload: str, contestants: Sequence[str], rounds: int) -> dict[str, list[Outcome]]:
    """A B C A B C, so that a slow minute of the machine meets everybody alike."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in contestants}
    for turn in range(rounds):
        for name in contestants:
            if any(isinstance(outcome, Failure) for outcome in outcomes[name]):
                continue
            click.echo(f"{workload}: round {turn + 1} of {rounds}, {name}", err=True)
            outcomes[name].append(run_child(workload, name))
    return outcomes


def run_child(workload: str, contestant: str) -> Outcome:
    """One measurement in a process of its own, on one core and with one thread."""
    core = machine.core()
    try:
        done = subprocess.run(
            [sys.executable, str(CHILD), workload, contestant],
            env={**os.environ, **machine.ONE_THREAD},
            # Before the child's own code: thread pools count the cores when they are loaded.
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_LIVE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Failure(f"not done after {SECONDS_TO_LIVE} s")
    if done.returncode != 0:
        complaint = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return Failure(complaint[-1])
    fields = json.loads(done.stdout.splitlines()[-1])
    fields["pools"] = tuple((library, threads) for library, threads in fields["pools"])
    return Result(**fields)


def record(outcomes: Outcomes, rounds: int) -> dict[str, object]:
    """All that was measured, with the verdicts and with where it was measured."""
    packages = {package for who in CONTESTANTS.values() for package in who.packages}
    return {
        "machine": machine.describe(packages),
        "rounds": rounds,
        "workloads": {
            workload: {
                "title": WORKLOADS[workload].title,
                "proof": asdict(WORKLOADS[workload].proof),
                "contestants": {
                    name: {
                        "objection": objection(WORKLOADS[workload], name, measured),
                        "measurements": [asdict(outcome) for outcome in measured],
                    }
                    for name, measured in contestants.items()
                },
            }
            for workload, contestants in outcomes.items()
        },
    }


if __name__ == "__main__":
    main()
