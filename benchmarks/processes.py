"""What a second process costs, and from which size of network on more machines would pay.

    python benchmarks/processes.py
    python benchmarks/processes.py --quick        # a look, not a measurement

Measured: the time of a step in one process and in two on this machine, for the networks of W2 and
W3 (random data of MNIST's size: the numbers do not matter here) and for wider ones, and the time in
which two processes add up a vector of so many bytes. On paper: the step of several machines, each
with a share of the batch, if a machine computes its share as one process here computes a batch of
that size (a straight line through the times of batches from 8 to 128 rows), and if the sum of each
array over k machines costs, as a ring does, 2 (k - 1) messages of 1/k of its bytes. (On processors,
each array of the gradient is summed by a call of its own.) Latency and bandwidth are those measured
between the two processes here, and those of usual networks, which were not measured.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

import machine

ROWS = 12_800
SIZES = (4, 64 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20)
"""Bytes of the vectors that are added up."""
MACHINES = (2, 4, 8, 16)
WIDTHS = (100, 512, 1024, 2048)
#: What a network between machines is taken to be: its name, seconds a message, bytes a second.
NETWORKS = (("1 Gbit/s Ethernet", 100e-6, 0.117e9), ("25 Gbit/s Ethernet", 30e-6, 2.9e9))


@dataclass(frozen=True)
class Net:
    """A network on rows of 784 numbers, and how it is trained."""

    name: str
    hidden: tuple[int, ...]
    batch: int
    optimizer: str

    @property
    def bytes(self) -> int:
        """Of its gradient, in float32."""
        sizes = (784, *self.hidden, 10)
        return 4 * sum((inputs + 1) * units for inputs, units in itertools.pairwise(sizes))

    @property
    def arrays(self) -> int:
        """Of its gradient, and the loss."""
        return 2 * (len(self.hidden) + 1) + 1


W2 = Net("W2: 784-100-10, batch 100, SGD", (100,), 100, "sgd")
W3 = Net("W3: 784-512-512-10, batch 128, Adam", (512, 512), 128, "adam")


def wide(width: int, batch: int) -> Net:
    """Two hidden layers of a width, as W3."""
    return Net(f"784-{width}-{width}-10, batch {batch}", (width, width), batch, "adam")


# What each process does


def step_seconds(net: Net, epochs: int) -> float:
    """The seconds of a step: those of the quickest epoch."""
    import chainrule as cr

    rng = np.random.default_rng(0)
    steps = max(8, min(ROWS // net.batch, 60_000_000 // (net.bytes * net.batch // 4)))
    X = rng.random((steps * net.batch, 784), dtype=np.float32)
    y = rng.integers(10, size=len(X))
    hidden = [cr.Dense(units, "relu") for units in net.hidden]
    network = cr.Sequential(*hidden, cr.Dense(10, "softmax"))
    history = network.fit(
        X, y, epochs=epochs + 1, batch_size=net.batch, optimizer=net.optimizer, engine="xla",
        callbacks=lambda training: None,  # so that every epoch is timed by itself
        progress=False,
    )  # fmt: skip
    return min(history["seconds"][1:]) / steps


def sum_seconds(size: int, repeats: int) -> tuple[float, float]:
    """The seconds in which the processes add up vectors of so many bytes: the least, the median."""
    import chainrule as cr

    jax = __import__("jax")
    group = cr.distributed.current()
    assert group is not None
    spec = jax.sharding.PartitionSpec
    rows = jax.sharding.NamedSharding(group.mesh, spec("rows"))
    same = jax.sharding.NamedSharding(group.mesh, spec())
    part = np.ones((1, max(1, size // 4)), np.float32)
    given = jax.make_array_from_process_local_data(rows, part)
    add = jax.jit(lambda x: x.sum(axis=0), in_shardings=rows, out_shardings=same)
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        add(given).block_until_ready()
        seconds.append(time.perf_counter() - began)
    return min(seconds), median(seconds[1:])


def work(kind: str, quick: bool) -> dict[str, Any]:
    """The measurements of one process, or of one of two."""
    epochs = 1 if quick else 5
    found: dict[str, Any] = {net.name: step_seconds(net, epochs) for net in (W2, W3)}
    if kind == "alone":
        for width in WIDTHS[:2] if quick else WIDTHS:
            for batch in (128, *(128 // k for k in MACHINES)):
                found[wide(width, batch).name] = step_seconds(wide(width, batch), epochs)
    else:
        repeats = 4 if quick else 30
        found |= {str(size): sum_seconds(size, repeats) for size in SIZES}
    return found


# Who starts them


def measured(kind: str, quick: bool) -> dict[str, Any]:
    """The results of one process, or of a group of two."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        script = [__file__, "--work", kind, "--to", str(file), *(["--quick"] if quick else [])]
        launcher = ["-m", "chainrule.distributed.launcher", "2"] if kind == "group" else []
        # One thread each: a core is what a process has here.
        variables = {**os.environ, **machine.ONE_THREAD}
        subprocess.run([sys.executable, *launcher, *script], env=variables, check=True)
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found


def ring(machines: int, net: Net, latency: float, bandwidth: float) -> float:
    """Seconds to add up a gradient over so many machines, each sending to the next."""
    messages = 2 * (machines - 1)
    return messages * (net.arrays * latency + net.bytes / machines / bandwidth)


def line_through(found: dict[str, Any]) -> tuple[float, float]:
    """Latency and bandwidth of the sums of two processes: two messages of half the bytes each."""
    small, large = found[str(SIZES[0])][0], found[str(SIZES[-1])][0]
    return small / 2, SIZES[-1] / (large - small)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def told(alone: dict[str, Any], group: dict[str, Any]) -> str:
    """The tables."""
    steps = [
        [net.name, ms(alone[net.name]), ms(group[net.name]), ms(group[net.name] - alone[net.name])]
        for net in (W2, W3)
    ]
    sums = [[f"{size:,}", *map(ms, group[str(size)])] for size in SIZES]
    networks = [("as measured here", *line_through(group)), *NETWORKS]
    gains = []
    for width in WIDTHS:
        if wide(width, 128).name not in alone:
            continue
        batches = [128, *(128 // k for k in MACHINES)]
        slope, base = np.polyfit(batches, [alone[wide(width, b).name] for b in batches], 1)
        one = base + 128 * slope
        for name, latency, bandwidth in networks:
            row = [f"784-{width}-{width}-10", f"{wide(width, 1).bytes / 1e6:.1f} MB", name]
            for k in MACHINES:
                part = base + 128 / k * slope
                added = ring(k, wide(width, 1), latency, bandwidth)
                row.append(f"{one / (part + added):.2f} / {k * one / (one + added):.2f}")
            gains.append(row)
    latency, bandwidth = networks[0][1:]
    return "\n\n".join(
        [
            table(["ms a step", "one process", "two processes", "more"], steps),
            table(["bytes added up by two processes", "ms at best", "in the median"], sums),
            f"Between the two processes: {latency * 1e6:.0f} µs a message, "
            f"{bandwidth / 1e9:.2f} GB/s.",
            "How many times as fast as one machine, on paper: with 128 rows a step shared among "
            "the machines / with 128 rows on each.",
            table(
                ["network", "gradient", "between machines", *(f"{k} machines" for k in MACHINES)],
                gains,
            ),
        ]
    )


def ms(seconds: float) -> str:
    """Milliseconds, three digits."""
    return f"{1e3 * seconds:.3g}"


@click.command()
@click.option("--quick", is_flag=True, help="A look, not a measurement.")
@click.option("--work", "kind", type=click.Choice(["alone", "group"]), hidden=True)
@click.option("--to", type=click.Path(path_type=Path), hidden=True)
def main(quick: bool, kind: str | None, to: Path | None) -> None:
    """Print the tables."""
    if kind is None:
        print(told(measured("alone", quick), measured("group", quick)))
        return
    if kind == "group":
        import chainrule as cr

        with cr.distributed.join() as group:
            found = work(kind, quick)
            is_first = group.is_first
    else:
        found, is_first = work(kind, quick), True
    if is_first and to is not None:
        to.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
