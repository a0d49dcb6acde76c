"""How often a small network learns XOR, counted over many seeds.

Every fit is the library's own, with its defaults. A seed counts as solved if all four rows are
classified rightly at the end.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import machine

# Before NumPy is loaded: with so few numbers, threads only get in each other's way.
os.environ.update(machine.ONE_THREAD)

import click

import chainrule as cr

HIDDEN = (8, 4, 2)


@dataclass(frozen=True)
class Start:
    """What came of one seed: solved or not, after how many starts, in how many seconds."""

    solved: bool
    starts: int
    seconds: float


def start(hidden: int, seed: int, restarts: int) -> Start:
    """Fit XOR with a network of 2-``hidden``-1, from ``seed``."""
    X, y = cr.data.gate("xor")
    net = cr.Sequential(cr.Dense(hidden, "tanh"), cr.Dense(1, "sigmoid"))
    began = time.perf_counter()
    history = net.fit(X, y, seed=seed, restarts=restarts, progress=False)
    seconds = time.perf_counter() - began
    solved = bool((net.predict_classes(X) == y).all())
    return Start(solved, min(len(history.tries), restarts) + 1, seconds)


def rows(seeds: int, restarts: int) -> Iterator[str]:
    """The lines of the Markdown table, each as soon as it is known."""
    yield (
        f"| network | solved at the first try | with restarts={restarts} | most starts "
        "| seeds by starts | seconds a fit |"
    )
    yield "|---|---:|---:|---:|---|---:|"
    for hidden in HIDDEN:
        first = [start(hidden, seed, 0) for seed in range(seeds)]
        helped = [start(hidden, seed, restarts) for seed in range(seeds)]
        counts = Counter(found.starts for found in helped if found.solved)
        by_starts = ", ".join(f"{n}: {counts[n]}" for n in sorted(counts))
        yield (
            f"| 2-{hidden}-1 tanh | {share(first)} | {share(helped)} | {max(counts, default=0)} "
            f"| {by_starts} | {sum(found.seconds for found in first) / seeds:.3f} |"
        )


def share(found: list[Start]) -> str:
    """Such as "983 of 1000 (98.3 %)"."""
    good = sum(one.solved for one in found)
    return f"{good} of {len(found)} ({good / len(found):.1%})".replace("%", " %")


@click.command()
@click.option("--seeds", default=1000, show_default=True, type=click.IntRange(min=1))
@click.option("--restarts", default=5, show_default=True, type=click.IntRange(min=0))
def main(seeds: int, restarts: int) -> None:
    """Count, over many seeds, how often small networks learn XOR, and print a Markdown table."""
    for line in rows(seeds, restarts):
        click.echo(line)


if __name__ == "__main__":
    main()
