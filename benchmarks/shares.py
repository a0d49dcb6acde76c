"""What its data take in each process of a group, and how long they take to be prepared.

    python benchmarks/shares.py table                  # 300,000 rows of 30 numbers, made for it
    CHAINRULE_DATA=... python benchmarks/shares.py mnist
    python benchmarks/shares.py visits.csv --processes 1,2,3 -- --stream

``chainrule train DATA`` is run with each number of processes, and looked at twenty times a second:
at the memory that is each process's own (``RssAnon`` of Linux, without what is mapped from files,
which is the system's and there once for all of them). Preparing ends when the options of the run
are kept, just before the first step; what is said of memory then is its median until the end.
Processor seconds are those of all processes together, from the start of Python to the report.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import numpy as np

import machine

#: Seconds between two looks.
LOOK_SECONDS = 0.05
PROGRAM = "import sys; from chainrule.cli import main; sys.exit(main())"
ROWS, COLUMNS = 300_000, 30


@dataclass(frozen=True)
class Found:
    """Of one run: seconds until it trains, of processors in all, MB of each process."""

    ready: float
    cpu: float
    highest: tuple[float, ...]
    training: tuple[float, ...]


def make_table(path: Path, rows: int) -> None:
    """A CSV file of numbers, and a label that depends on three of them."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"c{k}" for k in range(COLUMNS)) + ",label\n")
        for start in range(0, rows, 1000):
            X = rng.normal(size=(min(1000, rows - start), COLUMNS))
            labels = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)
            for row, label in zip(X, labels, strict=True):
                file.write(",".join(f"{value:.5g}" for value in row) + f",{label}\n")


def own_megabytes(pid: int) -> float | None:
    """The memory that is a process's own; None if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    told = [line.split() for line in lines if line.startswith("RssAnon:")]
    return int(told[0][1]) / 1000 if told else None


def workers(pid: int, processes: int) -> list[int]:
    """The processes that train: the command itself, or its children."""
    if processes == 1:
        return [pid]
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return sorted(map(int, told))[:processes]


def measured(data: str, processes: int, options: Sequence[str]) -> Found:
    """One run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-c", PROGRAM, "train", data, "--engine", "xla", "--out",
                   str(out), "--checkpoint", "1", *options]  # fmt: skip
        if processes > 1:
            command += ["--processes", str(processes)]
        variables = {**os.environ, **machine.ONE_THREAD}
        began, before = time.perf_counter(), os.times()
        run = subprocess.Popen(
            command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seen: dict[int, list[tuple[float, float]]] = {}
        ready = 0.0
        while run.poll() is None:
            now = time.perf_counter() - began
            if not ready and (out / "checkpoint" / "options.json").exists():
                ready = now
            for pid in workers(run.pid, processes):
                own = own_megabytes(pid)
                if own is not None:
                    seen.setdefault(pid, []).append((now, own))
            time.sleep(LOOK_SECONDS)
        after = os.times()
    if run.returncode:
        raise click.ClickException(f"{' '.join(command)} ended with exit code {run.returncode}")
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return found_in(ready, cpu, [seen[pid] for pid in sorted(seen)][:processes])


def found_in(ready: float, cpu: float, looks: Sequence[Sequence[tuple[float, float]]]) -> Found:
    """What the looks (seconds, MB) at each process say."""
    highest = tuple(max(own for _, own in each) for each in looks)
    training = tuple(median([own for at, own in each if at > ready]) for each in looks)
    return Found(ready, cpu, highest, training)


def typical(runs: Sequence[Found]) -> Found:
    """Of several runs: the least seconds, which others on the machine disturb; the median MB."""
    middle = [
        tuple(median(numbers) for numbers in zip(*each, strict=True))
        for each in ([run.highest for run in runs], [run.training for run in runs])
    ]
    return Found(min(run.ready for run in runs), min(run.cpu for run in runs), *middle)


def told(found: dict[int, Found]) -> str:
    """The table."""
    lines = [
        "| processes | seconds until it trains | processor seconds | MB of each, at the highest "
        "| MB of each, in training |",
        "| --- | --- | --- | --- | --- |",
    ]
    for processes, run in found.items():
        highest, training = (
            ", ".join(f"{own:,.0f}" for own in each) for each in (run.highest, run.training)
        )
        lines.append(f"| {processes} | {run.ready:.1f} | {run.cpu:.1f} | {highest} | {training} |")
    return "\n".join(lines)


@click.command()
@click.argument("data")
@click.argument("further", nargs=-1)
@click.option("--processes", default="1,2", show_default=True, help="Numbers of processes.")
@click.option("--repeats", default=3, show_default=True, help="Runs of each, in turn.")
@click.option("--epochs", default=2, show_default=True)
@click.option("--batch-size", default=4096, show_default=True)
@click.option("--rows", default=ROWS, show_default=True, help="Rows of the table that is made.")
def main(
    data: str, further: tuple[str, ...], processes: str, repeats: int, epochs: int,
    batch_size: int, rows: int,
) -> None:  # fmt: skip
    """Print the table. FURTHER options are those of ``chainrule train``."""
    options = ("--epochs", str(epochs), "--batch-size", str(batch_size), *further)
    counts = [int(number) for number in processes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        if data == "table":
            data = str(Path(folder) / "table.csv")
            make_table(Path(data), rows)
        rounds = [{n: measured(data, n, options) for n in counts} for _ in range(repeats)]
    print(told({n: typical([found[n] for found in rounds]) for n in counts}))


if __name__ == "__main__":
    main()
