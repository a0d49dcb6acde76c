"""How time and memory of training grow with rows, width, depth, batch and number of networks.

    python benchmarks/growth.py                     # all sweeps
    python benchmarks/growth.py width depth --out runs/growth
    python benchmarks/growth.py streamed streamed-epochs

The last two train the XLA engine on a table that is streamed from a file, of up to 10 million rows
(720 MB, in the system's folder for temporary files), with 32 MB of it in memory at a time.

Each point is a fit in a process of its own, on one core. Time is the least of three fits; memory is
the peak of what Python and NumPy allocate while fitting (tracemalloc), without the data, which the
caller has. The exponent is the slope of log against log over all points; beside it stand the least
and the largest slope between neighbours. A slope well above what arithmetic asks for is marked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

import machine

FITS = 3
#: Of a streamed table: its columns, and the bytes that may be in memory.
COLUMNS, LIMIT = 16, 32_000_000
#: Rows that are drawn at a time while it is written.
DRAWN = 1 << 18
#: How far above the expected exponent a slope is still called none.
SLACK = 0.15
#: The slope between the last two points may be this much above: growth sets in at the end.
LAST_SLACK = 0.35


@dataclass(frozen=True)
class Point:
    """One fit: classes from random rows, ``depth`` hidden layers of ``width`` units, Adam."""

    rows: int = 8192
    width: int = 64
    depth: int = 2
    batch: int = 128
    networks: int = 1
    epochs: int = 1
    streamed: bool = False


@dataclass(frozen=True)
class Sweep:
    """Points along one quantity, and the exponents that arithmetic asks for at the far end."""

    name: str
    points: Sequence[Point]
    time: float
    memory: float
    quantity: str = ""

    def values(self) -> list[int]:
        """The quantity, by default the one that the sweep is named after, at each point."""
        return [getattr(point, self.quantity or self.name) for point in self.points]


BASE = Point()
STREAMED = Point(rows=10_000_000, width=32, batch=1000, streamed=True)
SWEEPS = {
    sweep.name: sweep
    for sweep in (
        Sweep("rows", [replace(BASE, rows=2048 * 2**i) for i in range(10)], 1, 1),
        Sweep("width", [replace(BASE, width=32 * 2**i) for i in range(7)], 2, 2),
        Sweep("depth", [replace(BASE, depth=2**i) for i in range(6)], 1, 1),
        # 64 steps whatever the batch, so that only the step grows.
        Sweep("batch", [replace(BASE, batch=2**i, rows=64 * 2**i) for i in range(5, 13)], 1, 1),
        Sweep("networks", [replace(BASE, rows=1024, networks=2**i) for i in range(9)], 1, 1),
        Sweep(
            "streamed",
            [replace(STREAMED, rows=STREAMED.rows // 2**i) for i in (4, 3, 2, 1, 0)],
            1,
            0,
            "rows",
        ),
        Sweep(
            "streamed-epochs",
            [replace(STREAMED, rows=1_250_000, epochs=2**i) for i in range(4)],
            1,
            0,
            "epochs",
        ),
    )
}


@dataclass(frozen=True)
class Slope:
    """The exponent over all points, and the least, largest and last between neighbours."""

    fitted: float
    least: float
    largest: float
    last: float

    def is_surprise(self, expected: float) -> bool:
        """Whether it grows faster than it should, in all or at the end."""
        return self.fitted > expected + SLACK or self.last > expected + LAST_SLACK


def slope(x: Sequence[float], y: Sequence[float]) -> Slope:
    """The slope of log y against log x."""
    import numpy as np

    logs = np.log(x), np.log(y)
    steps = np.diff(logs[1]) / np.diff(logs[0])
    fitted = np.polyfit(*logs, 1)[0]
    return Slope(float(fitted), float(steps.min()), float(steps.max()), float(steps[-1]))


def measure(point: Point) -> tuple[float, int]:
    """Seconds and bytes of one fit of the library, in this process."""
    import numpy as np

    rng = np.random.default_rng(0)
    if point.streamed:
        with tempfile.TemporaryDirectory() as folder:
            return timed(fitting(point, *table_on_disk(point.rows, Path(folder), rng)))
    X = rng.standard_normal((point.rows, 64), dtype=np.float32)
    return timed(fitting(point, X, rng.integers(10, size=point.rows)))


def table_on_disk(rows: int, folder: Path, rng: Any) -> tuple[Any, Any]:
    """A table of normal numbers with a label that follows from them, mapped from two files."""
    import numpy as np

    files = [folder / "X.npy", folder / "y.npy"]
    shapes = [((rows, COLUMNS), np.float32), ((rows,), np.int64)]
    X, y = (
        np.lib.format.open_memmap(file, "w+", dtype, shape)
        for file, (shape, dtype) in zip(files, shapes, strict=True)
    )
    for start in range(0, rows, DRAWN):
        part = rng.standard_normal((min(DRAWN, rows - start), COLUMNS), dtype=np.float32)
        X[start : start + DRAWN] = part
        y[start : start + DRAWN] = part[:, :10].argmax(axis=1)
    X.flush()
    y.flush()
    del X, y
    return tuple(np.load(file, mmap_mode="r") for file in files)


def timed(fit: Callable[[], object]) -> tuple[float, int]:
    """The least of a few fits' seconds, and the peak of memory in one more."""
    seconds = []
    for _ in range(FITS):
        began = time.perf_counter()
        fit()
        seconds.append(time.perf_counter() - began)
    tracemalloc.start()
    fit()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(seconds), held


def fitting(point: Point, X: Any, y: Any) -> Callable[[], object]:
    """What is timed: a new network, or many, and its fit."""
    import chainrule as cr

    def build() -> Any:
        hidden = [cr.Dense(point.width, "relu") for _ in range(point.depth)]
        return cr.Sequential(*hidden, cr.Dense(10, "softmax"))

    options: dict[str, Any] = {"batch_size": point.batch, "epochs": point.epochs}
    if point.streamed:
        options |= {"engine": "xla", "memory_limit": LIMIT}
    if point.networks == 1:
        return lambda: build().fit(X, y, seed=0, progress=False, **options)
    return lambda: cr.fit_many(build, X, y, seeds=point.networks, **options)


def absent(sweep: Sweep) -> str | None:
    """Why the sweep cannot be run; None if it can."""
    import chainrule as cr

    if sweep.name == "networks" and not hasattr(cr, "fit_many"):
        return "networks: this version has no fit_many"
    if sweep.points[0].streamed and machine.version("jax") is None:
        return f"{sweep.name}: pip install jax"
    return None


def in_own_process(point: Point) -> tuple[float, int]:
    """The same in a fresh process, on one core with one thread."""
    done = subprocess.run(
        [sys.executable, __file__, "--point", json.dumps(asdict(point))],
        env=machine.environment("1"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise click.ClickException(f"{point} failed: {said[-1]}")
    seconds, held = json.loads(done.stdout)
    return float(seconds), int(held)


@dataclass(frozen=True)
class Growth:
    """A sweep with what was measured at each of its points."""

    sweep: Sweep
    seconds: Sequence[float]
    held: Sequence[int]

    def slopes(self) -> dict[str, tuple[Slope, float]]:
        """The slopes of time and memory, each with the expected exponent."""
        x = self.sweep.values()
        return {
            "time": (slope(x, self.seconds), self.sweep.time),
            "memory": (slope(x, self.held), self.sweep.memory),
        }


def render(found: Iterable[Growth]) -> str:
    """The Markdown tables: exponents first, then every point."""
    found = list(found)
    lines = [
        "| against | of | exponent | between neighbours | asked for by arithmetic | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for growth in found:
        for what, (measured, expected) in growth.slopes().items():
            verdict = "**grows faster**" if measured.is_surprise(expected) else ""
            lines.append(
                f"| {growth.sweep.name} | {what} | {measured.fitted:.2f} | {measured.least:.2f} to "
                f"{measured.largest:.2f} | at most {expected:g} | {verdict} |"
            )
    lines += ["", "| against | value | seconds | MB |", "|---|---:|---:|---:|"]
    for growth in found:
        points = zip(growth.sweep.values(), growth.seconds, growth.held, strict=True)
        lines += [
            f"| {growth.sweep.name} | {value:,} | {seconds:.4f} | {held / 1e6:.2f} |"
            for value, seconds, held in points
        ]
    return "\n".join(lines) + "\n"


def draw(found: Sequence[Growth], file: Path) -> None:
    """Time and memory against each quantity, both axes logarithmic."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter

    figure = Figure(figsize=(3 * len(found), 5), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False)
    for column, growth in zip(axes.T, found, strict=True):
        x = growth.sweep.values()
        units = ("seconds", growth.seconds), ("MB", [held / 1e6 for held in growth.held])
        slopes = growth.slopes().values()
        for ax, (unit, y), (measured, expected) in zip(column, units, slopes, strict=True):
            ax.loglog(x, y, "o-", color="#30638e", label=f"measured: {measured.fitted:.2f}")
            line = [y[-1] * (value / x[-1]) ** expected for value in x]
            ax.loglog(x, line, "--", color="#b8b8b8", label=f"exponent {expected:g}")
            # Half a decade at least around the values: what is level looks level.
            ax.set_ylim(min(y) / 2, max(y) * 2)
            ax.set_xticks(x[:: -(-len(x) // 4)])
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_minor_formatter(NullFormatter())
            ax.tick_params(labelsize=7, which="both")
            ax.set_xlabel(growth.sweep.quantity or growth.sweep.name)
            ax.set_ylabel(unit)
            ax.legend(fontsize=8)
    figure.savefig(file)


@click.command(help=__doc__.splitlines()[0])
@click.argument("sweeps", nargs=-1, type=click.Choice(list(SWEEPS)))
@click.option("--point", hidden=True)
@click.option(
    "--out",
    default="runs/growth",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for growth.json, growth.md and growth.svg.",
)
def main(sweeps: tuple[str, ...], point: str | None, out: Path) -> None:
    """Sweep, tell, and write."""
    if point is not None:
        machine.pin("1")
        click.echo(json.dumps(measure(Point(**json.loads(point)))))
        return
    found = []
    for name in sweeps or SWEEPS:
        sweep = SWEEPS[name]
        reason = absent(sweep)
        if reason is not None:
            click.echo(f"left out: {reason}", err=True)
            continue
        measured = []
        for number, each in enumerate(sweep.points, start=1):
            click.echo(f"{name}: {number} of {len(sweep.points)}", err=True)
            measured.append(in_own_process(each))
        found.append(Growth(sweep, [s for s, _ in measured], [held for _, held in measured]))
    out.mkdir(parents=True, exist_ok=True)
    text = render(found)
    (out / "growth.md").write_text(text, encoding="utf-8")
    points = [{"sweep": asdict(g.sweep), "seconds": g.seconds, "bytes": g.held} for g in found]
    kept = {"machine": machine.describe(["chainrule", "numpy"], "1"), "sweeps": points}
    (out / "growth.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if found:
        draw(found, out / "growth.svg")
    click.echo(text)
    click.echo(f"Written: growth.json, growth.md and growth.svg in {out}.")


if __name__ == "__main__":
    main()
