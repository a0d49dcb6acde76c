"""Peak memory and time of ``chainrule train`` on tables of any size, larger than memory or not.

    python benchmarks/streaming.py                          # 10,000 to 1,000,000 rows of CSV
    python benchmarks/streaming.py --size 10GB --format parquet --folder data --remove
    python benchmarks/streaming.py --rows 100000 --format npy

Each table is written to the folder in pieces, so that writing needs no memory either: 18 columns of
numbers, of which some decide and one has gaps, a date, a category, and the target, a number. Then
the command is run in a process of its own, whose peak of resident memory the system tells. A table
that is there already, of the same size, is used again.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

PIECE = 100_000
PIECES_A_GROUP = 10
NUMBERS = 18
CATEGORIES = np.array(["north", "south", "old town", "harbour"])
#: Bytes a row takes, about, so that a size can be asked for.
ROW_BYTES = {"csv": 195, "parquet": 160, "npy": 160}
UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}


def pieces(rows: int) -> Iterator[dict[str, Any]]:
    """The table's columns, so many rows at a time."""
    rng = np.random.default_rng(0)
    for start in range(0, rows, PIECE):
        count = min(PIECE, rows - start)
        X = rng.normal(size=(count, NUMBERS))
        place = rng.integers(len(CATEGORIES), size=count)
        price = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.5 * place + 0.1 * rng.normal(size=count)
        X[rng.random(count) < 0.05, 3] = np.nan
        day = np.datetime64("2020-01-01") + rng.integers(1500, size=count)
        columns: dict[str, Any] = {f"x{k}": X[:, k] for k in range(NUMBERS)}
        yield columns | {"day": day, "district": CATEGORIES[place], "price": price}


def write_csv(path: Path, rows: int) -> None:
    """As text, six digits a number."""
    with path.open("w", encoding="utf-8") as file:
        for number, columns in enumerate(pieces(rows)):
            if not number:
                file.write(",".join(columns) + "\n")
            texts = [_texts(values) for values in columns.values()]
            file.writelines(",".join(row) + "\n" for row in zip(*texts, strict=True))


def _texts(values: Any) -> list[str]:
    if values.dtype.kind != "f":
        return [str(value) for value in values.tolist()]
    return ["" if value != value else f"{value:.6f}" for value in values.tolist()]


def write_parquet(path: Path, rows: int) -> None:
    """With pyarrow, in row groups about as large as it and pandas make them."""
    import pyarrow
    import pyarrow.parquet

    writer = None
    every = map(pyarrow.table, pieces(rows))
    while some := list(itertools.islice(every, PIECES_A_GROUP)):
        table = pyarrow.concat_tables(some)
        writer = writer or pyarrow.parquet.ParquetWriter(path, table.schema, compression="none")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def write_npy(path: Path, rows: int) -> None:
    """A matrix of float64: the day and the district as numbers."""
    header = {"descr": "<f8", "fortran_order": False, "shape": (rows, NUMBERS + 3)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for columns in pieces(rows):
            columns["day"] = columns["day"].astype(np.int64)
            columns["district"] = np.searchsorted(np.sort(CATEGORIES), columns["district"])
            file.write(np.column_stack(list(columns.values())).astype("<f8").tobytes())


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "npy": write_npy,
}


def measure(path: Path, folder: Path, epochs: int | None, stream: bool) -> dict[str, Any]:
    """Train on the table in a process of its own: seconds, peak memory, and what was said."""
    out = folder / "run"
    command = [sys.executable, "-c", _CHILD, "train", str(path), "--out", str(out), "--force"]
    command += [] if epochs is None else ["--epochs", str(epochs)]
    command += ["--stream"] if stream else []
    began, before = time.perf_counter(), _spent()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise click.ClickException(done.stderr)
    peak = int(re.findall(r"^peak (\d+)$", done.stderr, re.MULTILINE)[-1])
    facts = json.loads((out / "table.json").read_text("utf-8"))["facts"]
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "rows": facts["rows"],
        "streamed": facts["streamed"],
        "seconds": round(seconds, 1),
        "processor_seconds": round(_spent() - before, 1),
        "peak_megabytes": round(peak / 1e6),
        "score": facts["scores"][0]["metric"] + f" {facts['scores'][0]['value']:.4f}",
    }


def _spent() -> float:
    """Seconds of a processor that were spent by all processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


#: On Linux, what ``getrusage`` tells may be the peak of the process that started this one, which
#: has written the table; macOS counts in bytes.
_CHILD = """
import resource, sys
from chainrule.cli import main
try:
    main(standalone_mode=False)
finally:
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            (line,) = [line for line in status if line.startswith("VmHWM")]
        peak = 1024 * int(line.split()[1])
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("peak", peak, file=sys.stderr)
"""


def bytes_of(text: str) -> int:
    """500MB as 500,000,000."""
    found = re.fullmatch(r"\s*([\d.]+)\s*(KB|MB|GB|)\s*", text, re.IGNORECASE)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a size such as 10GB.")
    return int(float(found[1]) * UNITS[found[2].upper()])


@click.command(help=__doc__)
@click.option("--size", type=bytes_of, help="Write a table of about this size, such as 10GB.")
@click.option("--rows", multiple=True, type=click.IntRange(min=100), help="Or of so many rows.")
@click.option("--format", "kind", type=click.Choice(sorted(WRITERS)), default="csv")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("runs/streaming"))
@click.option("--epochs", type=click.IntRange(min=1), help="As for chainrule train.")
@click.option("--stream", is_flag=True, help="As for chainrule train.")
@click.option("--remove", is_flag=True, help="Remove the tables when they were measured.")
def main(
    size: int | None, rows: tuple[int, ...], kind: str, folder: Path, epochs: int | None,
    stream: bool, remove: bool,
) -> None:  # fmt: skip
    """Write the tables, train on each, and print a line for each."""
    wanted = [size // ROW_BYTES[kind]] if size else list(rows or (10_000, 100_000, 1_000_000))
    folder.mkdir(parents=True, exist_ok=True)
    for count in wanted:
        path = folder / f"table-{count}.{kind}"
        if not path.exists():
            WRITERS[kind](path.with_suffix(".part"), count)
            os.replace(path.with_suffix(".part"), path)
        try:
            click.echo(json.dumps(measure(path, folder, epochs, stream)))
        finally:
            if remove:
                path.unlink()


if __name__ == "__main__":
    main()
