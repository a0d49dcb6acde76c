"""What the data of a run take in each process of a group, and how long the first step waits.

    python benchmarks/shares.py mnist
    python benchmarks/shares.py visits.csv --processes 1,2,3 -- --stream

A run of ``chainrule train DATA`` is started with each number of processes, and looked at twenty
times a second: the memory that is each process's own (``RssAnon`` of Linux: what is mapped from
files is the system's, and is there once for all), at its highest and while the network trains. The
preparation ends with the first checkpoint's options, which are written before the first step.
Processor time is that of all processes together, the start of Python and JAX included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

import machine

#: Seconds between two looks.
LOOK_SECONDS = 0.05
PROGRAM = "import sys; from chainrule.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Found:
    """Of one run: seconds until it trains, of processors in all, MB of each process."""

    ready: float
    cpu: float
    highest: tuple[float, ...]
    training: tuple[float, ...]


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
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return sorted(map(int, told))[:processes]


def measured(data: str, processes: int, options: tuple[str, ...]) -> Found:
    """One run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-c", PROGRAM, "train", data, "--engine", "xla", "--out",
                   str(out), "--checkpoint", "1", *options]  # fmt: skip
        if processes > 1:
            command += ["--processes", str(processes)]
        variables = {**os.environ, **machine.ONE_THREAD}
        began, before = time.perf_counter(), os.times()
        run = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
        seen: dict[int, list[tuple[float, float]]] = {}
        ready = 0.0
        while run.poll() is None:
            now = time.perf_counter() - began
            if not ready and (out / "checkpoint" / "options.json").exists():
                ready = now
            try:
                found = workers(run.pid, processes)
            except OSError:
                found = []
            for pid in found:
                own = own_megabytes(pid)
                if own is not None:
                    seen.setdefault(pid, []).append((now, own))
            time.sleep(LOOK_SECONDS)
        after = os.times()
        if run.returncode:
            raise click.ClickException(f"the run ended with exit code {run.returncode}")
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    each = [seen[pid] for pid in sorted(seen)][:processes]
    training = [median([own for at, own in looks if at > ready] or [0.0]) for looks in each]
    return Found(ready, cpu, tuple(max(own for _, own in looks) for looks in each), tuple(training))


def told(found: dict[int, Found]) -> str:
    """The table."""
    lines = [
        "| processes | seconds until it trains | processor seconds in all | MB at the highest | "
        "MB while it trains |",
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
@click.option("--epochs", default=2, show_default=True)
@click.option("--batch-size", default=4096, show_default=True)
def main(data: str, further: tuple[str, ...], processes: str, epochs: int, batch_size: int) -> None:
    """Print the table. FURTHER options are those of ``chainrule train``."""
    options = ("--epochs", str(epochs), "--batch-size", str(batch_size), *further)
    counts = [int(number) for number in processes.split(",")]
    print(told({count: measured(data, count, options) for count in counts}))


if __name__ == "__main__":
    main()
