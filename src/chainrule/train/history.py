"""History: what a training was like, epoch by epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import unknown_name


class History:
    """A row for each epoch: epoch, loss, metrics, the same for validation, learning_rate, seconds.

    ``history["loss"]`` is a column, ``history.rows`` a list of dicts (a DataFrame takes it as it
    is); NaN stands where a quantity was not measured in an epoch. ``stopped`` says why training
    ended before its last epoch, or is None; ``tries`` has a sentence for every start that was given
    up (see ``restarts`` of ``fit``). ``compile_seconds`` is what the xla engine took to compile,
    which ``seconds`` do not count.

    The loss is the mean over the epoch's batches, each at the parameters of its step. Metrics and
    everything for validation are computed after the epoch, all at the same parameters.
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {}
        self.stopped: str | None = None
        self.tries: list[str] = []
        self.compile_seconds = 0.0

    def add(self, columns: Mapping[str, list[float]]) -> None:
        """Append some epochs: a list for each column, all of one length.

        Columns without "epoch" among them are of the last epochs that there are.
        """
        start = len(self)
        if "epoch" not in columns:
            start = max(0, start - max(map(len, columns.values()), default=0))
        for name, values in columns.items():
            column = self.columns.setdefault(name, [])
            column += [math.nan] * (start - len(column))
            column[start:] = values

    @property
    def rows(self) -> list[dict[str, float]]:
        """A dict for each epoch."""
        names = list(self.columns)
        columns = [self[name] for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def __getitem__(self, name: str) -> list[float]:
        if not self.columns:
            return []
        if name not in self.columns:
            raise unknown_name("column", name, self.columns)
        column = self.columns[name]
        lacking = len(self) - len(column)  # of its last epochs it says nothing
        return [*column, *[math.nan] * lacking] if lacking > 0 else column

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.columns.get("epoch", ()))

    def __repr__(self) -> str:
        if not len(self):
            return "<History of no epochs>"
        last = ", ".join(
            f"{name} {values[-1]:.4g}"
            for name, values in self.columns.items()
            if name not in ("epoch", "seconds", "learning_rate")
        )
        seconds = sum(self.columns["seconds"])
        compiled = f" + {self.compile_seconds:.2f} s to compile" if self.compile_seconds else ""
        why = f"; stopped: {self.stopped}" if self.stopped else ""
        many = f"; {len(self.tries)} tries got stuck, the last: " if len(self.tries) > 1 else "; "
        why += many + self.tries[-1] if self.tries else ""
        return f"<History of {len(self)} epochs in {seconds:.2f} s{compiled}: {last}{why}>"

    def plot(self, **options: Any) -> Any:
        """The curves of loss and metrics, a Matplotlib figure."""
        from chainrule.plots import curves

        return curves(self, **options)

    def save_jsonl(self, path: str | Path) -> None:
        """Write the rows as JSON lines, one an epoch; what is not finite is null."""
        lines = [
            json.dumps({k: v if math.isfinite(v) else None for k, v in row.items()})
            for row in self.rows
        ]
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def save_csv(self, path: str | Path) -> None:
        """Write the rows as a CSV file."""
        lines = [",".join(self.columns)]
        lines += [",".join(repr(value) for value in row.values()) for row in self.rows]
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
