"""Learning curves: the loss and the metrics of a training run, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, OptionError, unknown_name
from chainrule.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NOT_METRICS = {"epoch", "loss", "learning_rate", "seconds"}
_PREFIX = "validation_"
_MOST_COLUMNS = 3


class HistoryLike(Protocol):
    """What a history must offer: its rows, one dict an epoch."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...


class _Series(NamedTuple):
    """One line of a panel."""

    label: str
    colour: str
    dashes: str
    epochs: NDArray[np.float64]
    values: NDArray[np.float64]


def curves(history: HistoryLike, metrics: Sequence[str] | None = None) -> Figure:
    """Draw the loss, and each metric, for training (solid) and validation (dashed).

    The loss has the first panel, on a logarithmic scale where it spans more than two decades.
    Metrics that stay between 0 and 1 share the second; any other has a panel of its own, for it
    would press them flat. A value that is not finite leaves a gap, a cross at the top, and a note.

    Args:
        history: what ``net.fit`` returns; its ``rows`` are dicts with ``epoch`` and ``loss``, and
            perhaps ``validation_loss``, ``accuracy``, ``validation_accuracy`` and so on.
        metrics: names of the metrics to draw; by default all that the rows hold, ``[]`` for none.

    Raises:
        DataError: there are no rows, or rows without an epoch or a loss.
        OptionError: a metric that the rows do not hold.
    """
    rows = _checked_rows(history)
    groups = _grouped(rows, _chosen(rows, metrics))
    panels = 1 + len(groups)
    columns = min(panels, _MOST_COLUMNS)
    down = -(-panels // columns)
    figure = style.new_figure(1.2 + 4.8 * columns, 3.9 * down)
    axes = [figure.add_subplot(down, columns, place + 1) for place in range(panels)]

    pair = _pair(rows, "loss", style.TRAINING, style.VALIDATION, "")
    _draw(axes[0], pair, f"Loss by epoch{_sets(pair)}", "loss")
    if _spans_decades(pair):
        axes[0].set_yscale("log")
        axes[0].set_ylabel("loss (log scale)")
    for ax, group in zip(axes[1:], groups, strict=True):
        lines = _metric_lines(rows, group)
        spoken = [name.replace("_", " ") for name in group]
        title = ", ".join(spoken) if len(group) <= 3 else "metrics"
        label = spoken[0] if len(group) == 1 else "metric (0 to 1)"
        _draw(ax, lines, f"{title[:1].upper()}{title[1:]} by epoch{_sets(lines)}", label)
    return figure


def _checked_rows(history: HistoryLike) -> Sequence[Mapping[str, Any]]:
    rows = getattr(history, "rows", None)
    if rows is None:
        raise OptionError(
            "curves needs the history that net.fit returns (an object with rows), got "
            f"{type(history).__name__}."
        )
    if not rows:
        raise DataError("the history has no rows to draw: fit the net for at least one epoch.")
    for place, row in enumerate(rows):
        for key in ("epoch", "loss"):
            if not isinstance(row.get(key), Real):
                raise DataError(
                    f"row {place} of the history has no number under {key!r}; "
                    f"it holds: {', '.join(map(str, row))}."
                )
    return list(rows)


def _chosen(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None) -> list[str]:
    """The metrics to draw, in the order asked for, or else in that of the rows."""
    known: dict[str, None] = {}
    for row in rows:
        for key, value in row.items():
            name = key.removeprefix(_PREFIX)
            if name not in _NOT_METRICS and isinstance(value, Real):
                known[name] = None
    if metrics is None:
        return list(known)
    asked = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in asked:
        if name not in known:
            raise unknown_name("the metric", name, known)
    return list(dict.fromkeys(asked))


def _grouped(rows: Sequence[Mapping[str, Any]], names: list[str]) -> list[list[str]]:
    """The metrics, panel by panel: those from 0 to 1 together, each other alone."""
    shared: list[str] = []
    alone: list[str] = []
    for name in names:
        pair = _pair(rows, name, "", "", "")
        values = np.concatenate([line.values for line in pair])
        values = values[np.isfinite(values)]
        (shared if np.all((values >= 0) & (values <= 1)) else alone).append(name)
    return ([shared] if shared else []) + [[name] for name in alone]


def _metric_lines(rows: Sequence[Mapping[str, Any]], group: list[str]) -> list[_Series]:
    """The lines of a panel; one metric keeps the loss's colours, several have one colour each."""
    if len(group) == 1:
        return _pair(rows, group[0], style.TRAINING, style.VALIDATION, "")
    lines = []
    for place, name in enumerate(group):
        colour = style.PALETTE[place % len(style.PALETTE)]
        lines += _pair(rows, name, colour, colour, name.replace("_", " ") + ", ")
    return lines


def _pair(
    rows: Sequence[Mapping[str, Any]], name: str, training: str, validation: str, before: str
) -> list[_Series]:
    """The lines of one quantity for training and validation, as far as the rows hold them."""
    pair = []
    for key, label, colour, dashes in (
        (name, "training", training, "-"),
        (_PREFIX + name, "validation", validation, "--"),
    ):
        # An epoch that was not validated is no gap: the line goes on to the next that was.
        points = [(row["epoch"], row[key]) for row in rows if isinstance(row.get(key), Real)]
        if points:
            epochs, values = np.array(points, dtype=np.float64).T
            if key != "loss" and not np.isnan(values).all():
                # Nor are the epochs before it was first measured, of which a history has NaN.
                first = int(np.argmin(np.isnan(values)))
                epochs, values = epochs[first:], values[first:]
            pair.append(_Series(before + label, colour, dashes, epochs, values))
    return pair


def _spans_decades(lines: list[_Series]) -> bool:
    values = np.concatenate([line.values for line in lines])
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() / values.min() > 100)


def _sets(lines: list[_Series]) -> str:
    sets = dict.fromkeys(line.label.split(", ")[-1] for line in lines)
    return ": " + " and ".join(sets)


def _draw(ax: Axes, lines: list[_Series], title: str, label: str) -> None:
    style.dress(ax, title, "epoch", label)
    ticker = style.matplotlib_module("ticker")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    remarks = []
    for line in lines:
        finite = np.isfinite(line.values)
        ax.plot(
            line.epochs,
            np.where(finite, line.values, np.nan),
            color=line.colour,
            linestyle=line.dashes,
            linewidth=1.8,
            label=line.label,
            **_marks(finite),
        )
        if not finite.all():
            missing = line.epochs[~finite]
            remarks.append(f"{line.label} at {_runs(missing)}")
            ax.plot(
                missing,
                np.ones_like(missing),
                "x",
                color=style.WARNING,
                transform=ax.get_xaxis_transform(),
                clip_on=False,
            )
    epochs = np.concatenate([line.epochs for line in lines])
    if epochs.min() == epochs.max():
        ax.set_xlim(epochs.min() - 1, epochs.max() + 1)
    if remarks:
        style.note(ax, "not finite: " + "; ".join(remarks))
    ax.legend(fontsize=style.TICK_SIZE, labelcolor=style.INK, framealpha=0.85, edgecolor=style.GRID)


def _marks(finite: NDArray[np.bool_]) -> dict[str, Any]:
    """Markers for points with no finite neighbour, which a line alone would not show."""
    padded = np.concatenate([[False], finite, [False]])
    isolated = [int(i) for i in np.flatnonzero(finite & ~padded[:-2] & ~padded[2:])]
    return {"marker": "o", "markersize": 5, "markevery": isolated} if isolated else {}


def _runs(epochs: NDArray[np.float64]) -> str:
    """Epochs in words: ``epochs 3–5, 9``."""
    runs: list[list[int]] = []
    for epoch in epochs.astype(int).tolist():
        if runs and epoch == runs[-1][1] + 1:
            runs[-1][1] = epoch
        else:
            runs.append([epoch, epoch])
    words = [str(a) if a == b else f"{a}–{b}" for a, b in runs[:4]] + ["..."] * (len(runs) > 4)
    return ("epoch " if len(epochs) == 1 else "epochs ") + ", ".join(words)
