"""The parameters of a net: the first layer's weights as images, and histograms over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, OptionError, ShapeError, optional_package
from chainrule.plots import style
from chainrule.plots.tiles import add_tiles, as_images, checked_count, grid_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_BINS = 40
_TALLEST = 2.4  # the highest peak, in steps from one epoch's base line to the next
_MOST_EPOCHS = 12  # more would hide one another
_MOST_COLUMNS = 3

Snapshot = tuple[int, Mapping[str, ArrayLike]]


class ParametersLike(Protocol):
    """What a net must offer: its parameters by name, ``W1`` among them."""

    @property
    def parameters(self) -> Mapping[str, Any]: ...


def first_layer_weights(
    net: ParametersLike, image_shape: tuple[int, int], *, count: int = 25
) -> Figure:
    """Draw what the first layer's units look for: each column of W1 as an image.

    The units with the largest norm ‖W1[:, j]‖ come first. One scale serves all images, symmetric
    about 0: red pixels speak for the unit, blue ones against it, white ones not at all.

    Args:
        net: a net whose ``parameters["W1"]`` is (height * width, units).
        image_shape: (height, width) of an input.
        count: how many units to draw at most.

    Raises:
        OptionError: no parameter W1, or a wrong image_shape or count.
        ShapeError: W1 is not (height * width, units).
        DataError: W1 holds NaN or infinity.
    """
    count = checked_count(count)
    if "W1" not in net.parameters:
        held = ", ".join(net.parameters) or "none"
        raise OptionError(
            f"the net has no parameter 'W1' to draw; its parameters: {held}. A Dense first layer "
            "has one, once the net is built."
        )
    W = np.asarray(net.parameters["W1"], dtype=np.float64)
    if W.ndim != 2:
        raise ShapeError(f"W1 must be (inputs, units) to be drawn as images, got {W.shape}.")
    images = as_images(W.T, image_shape, "the columns of W1, transposed,")
    if not np.isfinite(W).all():
        raise DataError(
            f"W1 holds NaN or infinity in {int(np.sum(~np.isfinite(W)))} of {W.size} places: "
            "the training diverged. Try a lower learning rate."
        )
    units = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:count]
    limit = float(np.abs(W[:, units]).max()) or 1.0
    rows, columns = grid_size(len(units), widest=8)
    figure = style.new_figure(max(5.4, 1.6 + 1.25 * columns), 1.2 + 1.35 * rows, square=True)
    title = f"Weights of the first layer: {len(units)} of {W.shape[1]} units, largest norm first"
    if columns < 4:
        title = title.replace(": ", ":\n")
    axes = add_tiles(figure, len(units), rows, columns, title)
    for ax, unit in zip(axes, units, strict=True):
        shown = ax.imshow(images[unit], cmap=style.DIVERGING, vmin=-limit, vmax=limit)
        ax.set_title(f"unit {unit}", fontsize=style.TICK_SIZE, color=style.INK, pad=3)
    style.colour_bar(figure, shown, axes, "weight")
    return figure


def parameter_histograms(snapshots: Sequence[Snapshot], ax: Axes | None = None) -> Figure:
    """Draw how the weights of each matrix are spread, and how that changes over the epochs.

    One panel a weight matrix (an array of two axes or more; biases have too few numbers). The
    epochs' histograms stand one above the other, the first at the bottom, dark to light; within a
    panel they share bins and scale. Of more than 12 snapshots, 12 evenly spaced ones are drawn,
    the first and the last among them.

    Args:
        snapshots: (epoch, parameters by name) pairs, in the order of the epochs.
        ax: Axes to draw into, for snapshots with one weight matrix; by default a new figure.

    Raises:
        DataError: no snapshots, none with a weight matrix, or not one finite weight in a matrix.
        OptionError: snapshots that are not pairs of an epoch and a dict, or differ in their
            names; or an ``ax`` for several matrices.
    """
    names = _matrices(snapshots)
    picked = np.linspace(0, len(snapshots) - 1, min(len(snapshots), _MOST_EPOCHS)).round()
    chosen = [snapshots[int(place)] for place in picked]
    if ax is not None:
        if len(names) > 1:
            raise OptionError(
                f"ax is one Axes, but the snapshots hold {len(names)} weight matrices: "
                f"{', '.join(names)}. Leave ax out, or give snapshots of one of them."
            )
        figure, ax = style.place(ax, 0, 0)
        axes = [ax]
    else:
        columns = min(len(names), _MOST_COLUMNS)
        rows = -(-len(names) // columns)
        figure = style.new_figure(1.4 + 4.2 * columns, 4.2 * rows)
        axes = [figure.add_subplot(rows, columns, place + 1) for place in range(len(names))]
    epochs = [epoch for epoch, _ in chosen]
    colours = _colours(min(epochs), max(epochs))
    for panel, name in zip(axes, names, strict=True):
        _ridges(panel, name, chosen, colours)
    bar = style.colour_bar(figure, colours, axes, "epoch")
    ticker = style.matplotlib_module("ticker")
    many = ticker.MaxNLocator(integer=True, nbins=6)
    bar.ax.yaxis.set_major_locator(many if len(epochs) > 1 else ticker.FixedLocator(epochs))
    return figure


def _matrices(snapshots: Sequence[Snapshot]) -> list[str]:
    """Names of the weight matrices, the same in every snapshot."""
    if len(snapshots) == 0:
        raise DataError("there are no snapshots to draw: give at least one (epoch, parameters).")
    for place, snapshot in enumerate(snapshots):
        pair = isinstance(snapshot, (tuple, list)) and len(snapshot) == 2
        if not pair or not isinstance(snapshot[1], Mapping):
            raise OptionError(
                f"snapshot {place} must be a pair (epoch, dict of parameters by name), got "
                f"{type(snapshot).__name__}."
            )
    names = [name for name, array in snapshots[0][1].items() if np.ndim(array) >= 2]
    if not names:
        held = ", ".join(snapshots[0][1]) or "nothing"
        raise DataError(f"the snapshots hold no weight matrix (two axes or more), only: {held}.")
    for epoch, parameters in snapshots:
        missing = [name for name in names if name not in parameters]
        if missing:
            raise OptionError(
                f"the snapshot of epoch {epoch} lacks {', '.join(missing)}, which the first one "
                "has: all snapshots must be of one net."
            )
    return names


def _colours(first: int, last: int) -> Any:
    """Epochs to colours. The lightest tenth of viridis is left out: it fades on white."""
    colors, cm = style.matplotlib_module("colors"), style.matplotlib_module("cm")
    viridis = optional_package("matplotlib", "plot", "drawing").colormaps["viridis"]
    shades = colors.ListedColormap(viridis(np.linspace(0, 0.9, 256)), name="epochs")
    # A single epoch still needs a scale with two ends.
    norm = colors.Normalize(first, last) if last > first else colors.Normalize(first - 1, first + 1)
    return cm.ScalarMappable(norm, shades)


def _ridges(panel: Axes, name: str, chosen: Sequence[Snapshot], colours: Any) -> None:
    arrays = [np.asarray(parameters[name], dtype=np.float64) for _, parameters in chosen]
    finite = [array[np.isfinite(array)] for array in arrays]
    every: NDArray[np.float64] = np.concatenate(finite)
    if every.size == 0:
        raise DataError(f"{name} holds no finite weight in any snapshot: the training diverged.")
    # Few weights in many bins would be a comb.
    edges = np.histogram_bin_edges(every, bins=int(np.clip(arrays[0].size ** 0.5, 8, _MOST_BINS)))
    counts = [np.histogram(values, edges)[0] for values in finite]
    scale = _TALLEST / max(int(heights.max()) for heights in counts)
    title = f"Distribution of the {arrays[0].size:,} weights of {name}"
    style.dress(panel, title, "weight", "epoch (height: number of weights)")
    for base, ((epoch, _), heights) in enumerate(zip(chosen, counts, strict=True)):
        panel.stairs(
            base + scale * heights,
            edges,
            baseline=base,
            fill=True,
            facecolor=colours.to_rgba(epoch),
            edgecolor=style.PAPER,
            linewidth=0.8,
            zorder=3 - base / len(chosen),  # a lower one stands in front of those above
        )
    panel.set_yticks(range(len(chosen)), [str(epoch) for epoch, _ in chosen])
    panel.set_ylim(-0.15, len(chosen) - 1 + 1.05 * _TALLEST)
    remarks = [
        f"{array.size - values.size} at epoch {epoch}"
        for (epoch, _), array, values in zip(chosen, arrays, finite, strict=True)
        if values.size < array.size
    ]
    if remarks:
        style.note(panel, "not finite and left out: " + ", ".join(remarks))
