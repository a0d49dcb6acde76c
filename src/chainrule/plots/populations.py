"""Learning curves of a population: bands of quantiles, and what a band leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, OptionError
from chainrule.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chainrule.train.populations.population import Band

#: More bands than this would hide each other.
MOST_BANDS = len(style.PALETTE)


class PopulationLike(Protocol):
    """What a population must offer: its curves as bands."""

    def curves(self, of: str, quantiles: Sequence[float], by: str | None) -> list[Band]: ...


def population_curves(
    population: PopulationLike,
    of: str = "loss",
    by: str | None = None,
    quantiles: Sequence[float] = (0.1, 0.5, 0.9),
    ax: Axes | None = None,
) -> Figure:
    """Draw the middle quantile as a line, and the first to the last as a band around it.

    The scale is logarithmic where the curves span more than two decades. Networks that were not
    finite at the end count while they are, and a note says how many they were.

    Args:
        population: what ``fit_many`` returns.
        of: "loss" or "validation_loss".
        by: a column of the table, such as "learning_rate": a band for each of its values.
        quantiles: three of them, in rising order: the band's lower edge, the line, the upper edge.
        ax: an Axes to draw into; by default that of a new figure.

    Raises:
        OptionError: an unknown column, or not three quantiles, or too many values of a column.
        DataError: there are no epochs to draw.
    """
    if len(quantiles) != 3:
        raise OptionError(
            f"a band needs three quantiles (lower edge, line, upper edge), got {len(quantiles)}."
        )
    bands = population.curves(of, quantiles, by)
    if len(bands) > MOST_BANDS:
        raise OptionError(
            f"{by} has {len(bands)} values, and more than {MOST_BANDS} bands hide each other. "
            "Choose another column, or draw population.curves(by=...) yourself."
        )
    if bands[0].values.shape[1] == 0:
        raise DataError("the population was not trained for an epoch: there is nothing to draw.")
    figure, ax = style.place(ax, 6.4, 4.2)
    name = of.replace("_", " ")
    style.dress(ax, f"{_networks(bands)}: {name} by epoch", "epoch", name)
    for colour, band in zip(style.PALETTE, bands, strict=False):
        _draw(ax, band, colour, alone=len(bands) == 1)
    if _spans_decades(np.concatenate([band.values for band in bands])):
        ax.set_yscale("log")
        ax.set_ylabel(f"{name} (log scale)")
    failed = sum(band.failed for band in bands)
    if failed:
        style.note(ax, f"{failed} of {_count(bands)} networks were not finite at the end")
    ax.legend(fontsize=style.TICK_SIZE, labelcolor=style.INK, framealpha=0.85, edgecolor=style.GRID)
    return figure


def _draw(ax: Axes, band: Band, colour: str, alone: bool) -> None:
    epochs = np.arange(1, band.values.shape[1] + 1)
    low, middle, high = band.values
    words = [_percent(q) for q in band.quantiles]
    label = f"{words[1]} of {band.count} networks" if alone else band.label
    around = f"{words[0]} to {words[2]}" if alone else None
    marks: dict[str, Any] = {"marker": "o", "markersize": 5} if len(epochs) == 1 else {}
    ax.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0, label=around)
    ax.plot(epochs, middle, color=colour, linewidth=1.8, label=label, **marks)


def _percent(quantile: float) -> str:
    return "median" if quantile == 0.5 else f"{100 * quantile:g} %"


def _count(bands: Sequence[Band]) -> int:
    return sum(band.count for band in bands)


def _networks(bands: Sequence[Band]) -> str:
    count = _count(bands)
    return "1 network" if count == 1 else f"{count:,} networks"


def _spans_decades(values: NDArray[np.float64]) -> bool:
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() / values.min() > 100)
