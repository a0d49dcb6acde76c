"""Population: what came of many trainings, as a table, as curves, and as networks."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DataError, MissingPackageError, OptionError, unknown_name
from chainrule.graph.op import Array
from chainrule.nn.sequential import Sequential


@dataclass(frozen=True, eq=False)
class Band:
    """Quantiles of many curves, epoch by epoch.

    ``values`` is (quantiles, epochs). ``label`` says which networks: ``count`` of them, of which
    ``failed`` were not finite at the end; those count while they are finite.
    """

    label: str
    quantiles: tuple[float, ...]
    values: Array
    count: int
    failed: int


class Population:
    """Many trained networks.

    ``table`` has a dict for each: what it was asked to be, and what came of it. ``networks[i]`` is
    the network of row i, ``losses`` (networks, epochs) the loss of each epoch, and
    ``validation_losses`` likewise or None; NaN where there is none. ``stopped`` says why training
    ended before its last epoch, or is None; ``seconds`` how long it took.
    """

    def __init__(
        self, table: list[dict[str, Any]], networks: list[Sequential], losses: Array,
        validation_losses: Array | None, stopped: str | None, seconds: float,
    ) -> None:  # fmt: skip
        self.table, self.networks, self.losses = table, networks, losses
        self.validation_losses, self.stopped, self.seconds = validation_losses, stopped, seconds

    @property
    def best(self) -> Sequential:
        """The network with the lowest loss in validation, or else in training.

        Raises:
            DataError: no network stayed finite.
        """
        return self.networks[self.best_place]

    @property
    def best_place(self) -> int:
        """The row of the best network in the table."""
        name = "validation_loss" if self.validation_losses is not None else "loss"
        scores = [
            row[name] if row["state"] != "not finite" and np.isfinite(row[name]) else np.inf
            for row in self.table
        ]
        if not np.isfinite(min(scores)):
            raise DataError(
                f"none of the {len(self)} networks stayed finite for an epoch. Try smaller "
                "learning rates, or inputs scaled to about 1."
            )
        return int(np.argmin(scores))

    def curves(
        self, of: str = "loss", quantiles: Sequence[float] = (0.1, 0.5, 0.9), by: str | None = None
    ) -> list[Band]:
        """Quantiles of the learning curves over all networks, or over those that share a setting.

        Args:
            of: "loss" or "validation_loss".
            quantiles: from 0 to 1, in rising order.
            by: a column of the table, such as "learning_rate": a band for each of its values.

        Raises:
            OptionError: an unknown column, or quantiles out of range.
        """
        losses = self._curves_of(of)
        levels = tuple(float(q) for q in quantiles)
        if not levels or list(levels) != sorted(levels) or levels[0] < 0 or levels[-1] > 1:
            raise OptionError(
                f"quantiles are numbers from 0 to 1 in rising order, got {quantiles}."
            )
        bands = []
        for label, places in self._grouped(by).items():
            failed = sum(self.table[i]["state"] == "not finite" for i in places)
            values = _quantiles(losses[places], levels)
            bands.append(Band(label, levels, values, len(places), failed))
        return bands

    def _curves_of(self, name: str) -> Array:
        known = {"loss": self.losses, "validation_loss": self.validation_losses}
        if name == "validation_loss" and self.validation_losses is None:
            raise OptionError(
                "there is no validation_loss: give fit_many validation=0.2, or a pair (X, y)."
            )
        if name not in known:
            raise unknown_name("curve", name, known)
        return known[name]  # type: ignore[return-value]

    def _grouped(self, by: str | None) -> dict[str, list[int]]:
        if by is None:
            return {"all": list(range(len(self)))}
        if by not in self.table[0]:
            raise unknown_name("column", by, self.table[0])
        groups: dict[str, list[int]] = {}
        for place, row in enumerate(self.table):
            value = row[by]
            text = f"{value:g}" if isinstance(value, float) else str(value)
            groups.setdefault(f"{by.replace('_', ' ')} {text}", []).append(place)
        return groups

    def plot(self, of: str = "loss", by: str | None = None, **options: Any) -> Any:
        """Bands of quantiles of the learning curves, a Matplotlib figure.

        See :func:`chainrule.plots.population_curves`.
        """
        from chainrule.plots import population_curves

        return population_curves(self, of=of, by=by, **options)

    def frame(self) -> Any:
        """The table as a pandas DataFrame.

        Raises:
            MissingPackageError: pandas is not installed.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError as error:
            raise MissingPackageError(
                "frame() needs the package 'pandas', which is not installed: pip install pandas. "
                "population.table is the same as a list of dicts."
            ) from error
        return pandas.DataFrame(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.table)

    def __repr__(self) -> str:
        losses = np.array([row["loss"] for row in self.table])
        failed = sum(row["state"] == "not finite" for row in self.table)
        finite = losses[np.isfinite(losses)]
        told = (
            f"loss {np.median(finite):.4g} (median), {finite.min():.4g} (best)"
            if finite.size
            else "no loss"
        )
        more = f"; {failed} not finite" if failed else ""
        why = f"; stopped: {self.stopped}" if self.stopped else ""
        return f"<Population of {len(self)} networks in {self.seconds:.2f} s: {told}{more}{why}>"


def _quantiles(losses: Array, levels: tuple[float, ...]) -> Array:
    """(levels, epochs), of (networks, epochs); a network counts while it is finite."""
    rows = np.sort(np.where(np.isfinite(losses), losses, np.inf), axis=0)
    count = np.isfinite(rows).sum(axis=0)
    at = np.array(levels)[:, None] * np.maximum(count - 1, 0)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    with np.errstate(invalid="ignore"):
        below, above = np.take_along_axis(rows, low, 0), np.take_along_axis(rows, high, 0)
        values = below + (above - below) * (at - low)
    return np.where(count > 0, values, np.nan)
