"""Decision regions: what a net with two inputs answers at every point of the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.plots import style
from chainrule.plots.classes import checked_names, class_indices, prediction_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WHERE = "decision_regions"
_MARGIN = 0.12
#: Colours and markers repeat long before this, and a longer legend would leave no room to draw.
MOST_IN_LEGEND = 30
#: An output nearer to the threshold than this share of its range is on it: the rest is rounding.
_FLAT = 1e-5


class NetLike(Protocol):
    """What a net must offer: predictions for rows of inputs."""

    def predict(self, X: Any, /) -> Any: ...


def decision_regions(
    net: NetLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    resolution: int = 200,
    labels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw what ``net`` answers over the plane, and the samples on top.

    A net with one output is shaded by that output, with the line where it decides: 0.5, or 0 for
    classes -1 and 1 and outputs of both signs. A net with K outputs gives K coloured regions, each
    point belonging to the largest output. Samples differ by marker as well as by colour; of more
    than 30 classes there is no legend.

    Args:
        net: anything with ``predict``: (n, 2) to (n, 1), (n,) or (n, K).
        X: samples, (n, 2).
        y: their classes: (n,) or (n, 1), numbered from 0 or any K distinct values, or one-hot.
        resolution: points of the grid along each axis, at least 2.
        labels: names of the classes; by default their numbers or values.
        ax: Axes to draw into; by default those of a new figure.

    Raises:
        ShapeError: X has not two columns, or y or the predictions do not fit it.
        DataError: X or the predictions hold NaN or infinity, or y is not made of K classes.
        OptionError: a resolution below 2, or a wrong number of labels.
    """
    samples = _samples(X, resolution)
    across, up = (_reach(samples[:, column], resolution) for column in (0, 1))
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(samples.dtype)
    outputs = prediction_matrix(net.predict(plane), len(plane), _WHERE)
    columns = outputs.shape[1]
    classes, default = class_indices(y, max(columns, 2), len(samples), _WHERE)
    names = checked_names(labels, default, "labels")

    figure, ax = style.place(ax, 6.6, 5.4)
    style.dress(ax, "", "feature 1", "feature 2", grid=False)
    surface = outputs.reshape(resolution, resolution, columns)
    if columns == 1:
        signed = default == ["-1", "1"] and bool(outputs.min() < 0)
        handles = _shade(figure, ax, across, up, surface[..., 0], names, signed)
    else:
        ax.set_title(f"Decision regions of {columns} classes", fontsize=style.TITLE_SIZE)
        handles = _regions(ax, across, up, surface)
    handles = _points(ax, samples, classes, names) + handles
    if len(names) <= MOST_IN_LEGEND:
        style.legend_below(ax, handles)
    return figure


def _samples(X: ArrayLike, resolution: int) -> NDArray[Any]:
    samples: NDArray[Any] = np.asarray(X)
    if samples.ndim != 2 or samples.shape[1] != 2 or len(samples) == 0:
        raise ShapeError(
            f"{_WHERE} draws a plane, so X must be (samples, 2), got {samples.shape}. With more "
            "features, choose two of them and train a net on those."
        )
    if not np.issubdtype(samples.dtype, np.floating):
        samples = samples.astype(np.float64)
    if not np.all(np.isfinite(samples)):
        raise DataError(f"{_WHERE}: X holds NaN or infinity, which has no place in the plane.")
    whole = isinstance(resolution, (int, np.integer)) and not isinstance(resolution, bool)
    if not whole or resolution < 2:
        raise OptionError(f"resolution must be an integer of at least 2, got {resolution!r}.")
    return samples


def _reach(values: NDArray[Any], resolution: int) -> NDArray[np.float64]:
    """The grid along one axis: the samples' span and a margin."""
    low, high = float(values.min()), float(values.max())
    margin = _MARGIN * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, resolution)


def _shade(
    figure: Figure,
    ax: Axes,
    across: NDArray[np.float64],
    up: NDArray[np.float64],
    surface: NDArray[np.float64],
    names: list[str],
    signed: bool,
) -> list[Any]:
    """Shade by the one output and draw where it decides; return handles for the legend."""
    threshold = 0.0 if signed else 0.5
    probable = surface.min() >= 0 and surface.max() <= 1
    half = 0.5 if probable and not signed else float(np.abs(surface - threshold).max())
    colours = style.matplotlib_module("colors").LinearSegmentedColormap.from_list(
        "two classes", ["#7fb8d8", "#ffffff", "#eaae7f"]
    )
    shading = ax.imshow(
        surface,
        extent=(across[0], across[-1], up[0], up[-1]),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
        cmap=colours,
        vmin=threshold - half,
        vmax=threshold + half,
    )
    quantity, title = "output", "Output of the net"
    if probable and not signed:
        quantity = f"probability of class {names[1]}"
        title = f"P{quantity[1:]}"  # no more: the class may be called USA
    style.colour_bar(figure, shading, ax, quantity)
    ax.set_title(f"{title} over the plane", fontsize=style.TITLE_SIZE)
    if float(np.abs(surface - threshold).max()) <= _FLAT * half:
        style.note(ax, f"no boundary: the net answers {threshold:g} everywhere, which is no class")
        return []
    if not surface.min() < threshold < surface.max():
        answer = names[int(surface.min() >= threshold)]
        style.note(ax, f"no boundary in view: the net answers class {answer} everywhere")
        return []
    boundary = ax.contour(across, up, surface, levels=[threshold], colors=style.INK, linewidths=1.6)
    handle = boundary.legend_elements()[0][0]
    handle.set_label(f"{quantity.split(' of ')[0]} = {threshold:g}")
    return [handle]


def _regions(
    ax: Axes,
    across: NDArray[np.float64],
    up: NDArray[np.float64],
    surface: NDArray[np.float64],
) -> list[Any]:
    """Colour each point by its largest output, and draw the boundaries."""
    colors = style.matplotlib_module("colors")
    winner = np.argmax(surface, axis=2)
    palette = np.array([colors.to_rgb(_colour(k)) for k in range(surface.shape[2])])
    ax.imshow(
        0.3 * palette[winner] + 0.7,  # the samples, in full colour, must stand out
        extent=(across[0], across[-1], up[0], up[-1]),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    second, best = np.moveaxis(np.partition(surface, -2, axis=2)[..., -2:], 2, 0)
    for index in np.unique(winner):
        # The best of the others is the best of all, or the second where this one is the best.
        lead = surface[..., index] - np.where(winner == index, second, best)
        if lead.min() < 0 < lead.max():
            ax.contour(across, up, lead, levels=[0.0], colors=style.INK, linewidths=0.9)
    return []


def _points(
    ax: Axes, samples: NDArray[Any], classes: NDArray[np.intp], names: list[str]
) -> list[Any]:
    size = 90 if len(samples) <= 12 else 40 if len(samples) <= 300 else 16
    return [
        ax.scatter(
            samples[classes == index, 0],
            samples[classes == index, 1],
            s=size,
            color=_colour(index),
            marker=style.MARKERS[index % len(style.MARKERS)],
            edgecolors=style.PAPER,
            linewidths=0.7,
            label=f"class {name}",
            zorder=3,
        )
        for index, name in enumerate(names)
    ]


def _colour(index: int) -> str:
    return style.PALETTE[index % len(style.PALETTE)]
