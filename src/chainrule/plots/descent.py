"""The path of an optimizer over a function of two parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, ShapeError
from chainrule.optim.descent import Path
from chainrule.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 61
_EVERY = 5  # an arrow at every fifth point of the grid: more of them would be a fur
_MARGIN = 0.25
_LEVELS = 13
_ELONGATED = 4.0


class _Plane(NamedTuple):
    """The grid around the path, and f on it; rows go up, columns across."""

    across: NDArray[np.float64]
    up: NDArray[np.float64]
    values: NDArray[np.float64]
    equal: bool


def descent_path(
    f: Callable[[NDArray[np.float64]], Any],
    path: ArrayLike | Path,
    *,
    gradient: Callable[[NDArray[np.float64]], Any] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the contours of ``f``, the direction of −∇f, and a path with its start and its end.

    Between two neighbouring contours lies the same area of the picture, so that valleys show
    however steep their walls are. Arrows have one length: they tell where downhill is, not how
    steep. A path that diverged is drawn up to its last finite point.

    Args:
        f: a function of an array (2,), giving one number.
        path: the points in the order of the steps, (steps, 2), or the path that
            ``cr.gradient_descent`` returned.
        gradient: ∇f, an array (2,) to an array (2,); by default central differences of the
            values of ``f`` on the grid of the picture.
        ax: Axes to draw into; by default those of a new figure.

    Raises:
        ShapeError: the path is not (steps, 2), f gives no single number, or the gradient not two.
        DataError: the path's first point is not finite, or f is finite nowhere around the path.
    """
    steps = np.asarray(path.points if isinstance(path, Path) else path, dtype=np.float64)
    if steps.ndim != 2 or steps.shape[1] != 2 or len(steps) == 0:
        raise ShapeError(
            "descent_path draws over two parameters, so path must be (steps, 2), got "
            f"{steps.shape}."
        )
    broken = np.flatnonzero(~np.isfinite(steps).all(axis=1))
    kept = steps[: broken[0]] if broken.size else steps
    if len(kept) == 0:
        raise DataError(f"the path starts at {steps[0]}, which is not finite: nothing to draw.")

    plane = _plane(f, kept)
    figure, ax = style.place(ax, 6.6, 5.4, square=True)
    count = len(kept) - 1
    title = f"Descent in {count} step{'' if count == 1 else 's'}"
    style.dress(ax, title, "parameter 1", "parameter 2", grid=False)
    _contours(figure, ax, plane)
    handles = [*_path(ax, f, kept), _arrows(ax, plane, gradient)]
    style.legend_below(ax, handles)
    ax.set_xlim(plane.across[0], plane.across[-1])
    ax.set_ylim(plane.up[0], plane.up[-1])
    if plane.equal:
        ax.set_aspect("equal")
    if broken.size:
        style.note(ax, f"the path is not finite from step {broken[0]} on")
    return figure


def _plane(f: Callable[[NDArray[np.float64]], Any], kept: NDArray[np.float64]) -> _Plane:
    low, high = kept.min(axis=0), kept.max(axis=0)
    spans: NDArray[np.float64] = np.asarray(high / 2 - low / 2)  # halves cannot overflow
    spans[spans == 0] = spans.max() or 1.0
    # With like spans a true angle is worth having; with unlike ones it would leave a sliver.
    equal = bool(spans.max() / spans.min() <= _ELONGATED)
    if equal:
        spans = np.maximum(spans, 0.6 * spans.max())
    middle = high / 2 + low / 2
    reach = spans * (1 + 2 * _MARGIN)
    with np.errstate(all="ignore"):  # far from the path f may overflow; that part stays white
        across, up = (
            np.linspace(m - r, m + r, _POINTS) for m, r in zip(middle, reach, strict=True)
        )
        values = np.array([[_number(f, np.array([a, b])) for a in across] for b in up])
    if not np.isfinite(values).any():
        raise DataError("f is finite nowhere around the path: there are no contours to draw.")
    return _Plane(across, up, values, equal)


def _number(f: Callable[[NDArray[np.float64]], Any], point: NDArray[np.float64]) -> float:
    value = np.asarray(f(point), dtype=np.float64)
    if value.size != 1:
        raise ShapeError(
            f"f must give one number for an array of shape (2,), got shape {value.shape}."
        )
    return float(value.reshape(()))


def _contours(figure: Figure, ax: Axes, plane: _Plane) -> None:
    finite = np.isfinite(plane.values)
    levels = np.unique(np.quantile(plane.values[finite], np.linspace(0, 1, _LEVELS)))
    if len(levels) < 3:
        style.note(ax, f"f is flat here: {levels[0]:.4g}")
        return
    colors = style.matplotlib_module("colors")
    colours = colors.LinearSegmentedColormap.from_list("height", ["#2f6f9f", "#f4f8fb"])
    heights = np.ma.masked_invalid(plane.values)
    norm = colors.BoundaryNorm(levels, colours.N)
    filled = ax.contourf(plane.across, plane.up, heights, levels=levels, cmap=colours, norm=norm)
    ax.contour(plane.across, plane.up, heights, levels=levels, colors=style.PAPER, linewidths=0.7)
    bar = style.colour_bar(figure, filled, ax, "f")
    bar.ax.yaxis.set_major_formatter(lambda value, place: f"{value:.3g}")


def _arrows(ax: Axes, plane: _Plane, gradient: Callable[[NDArray[np.float64]], Any] | None) -> Any:
    """Draw where downhill is; return a handle for the legend."""
    across, up = plane.across[_EVERY // 2 :: _EVERY], plane.up[_EVERY // 2 :: _EVERY]
    with np.errstate(all="ignore"):
        if gradient is None:
            slope: list[Any] = list(np.gradient(plane.values, plane.up, plane.across))
            rise, run = slope
            inside = np.ix_(*[range(_EVERY // 2, _POINTS, _EVERY)] * 2)
            slopes = np.stack([run[inside], rise[inside]], axis=-1)
        else:
            slopes = np.array([[_pair(gradient, np.array([a, b])) for a in across] for b in up])
        down = -slopes / np.hypot(slopes[..., :1], slopes[..., 1:])
    down[~np.isfinite(down).all(axis=-1)] = 0  # level ground, or beyond what f can tell
    shown = np.any(down != 0, axis=-1)
    places = np.stack(np.meshgrid(across, up), axis=-1)[shown]
    ax.quiver(
        *places.T,
        *down[shown].T,
        angles="xy",
        pivot="mid",
        scale=26,
        width=0.0028,
        headwidth=4.5,
        color=style.INK,
        alpha=0.55,
    )
    sample = style.matplotlib_module("lines").Line2D
    return sample(
        [],
        [],
        linestyle="none",
        marker=r"$\rightarrow$",
        markersize=14,
        color=style.INK,
        alpha=0.7,
        label="downhill, −∇f",
    )


def _pair(
    gradient: Callable[[NDArray[np.float64]], Any], point: NDArray[np.float64]
) -> NDArray[np.float64]:
    pair = np.asarray(gradient(point), dtype=np.float64)
    if pair.shape != (2,):
        raise ShapeError(
            f"gradient must give an array of shape (2,), like its argument, got {pair.shape}."
        )
    return pair


def _path(
    ax: Axes, f: Callable[[NDArray[np.float64]], Any], kept: NDArray[np.float64]
) -> list[Any]:
    """The path, its start and its end; return handles for the legend."""
    dots = "." if len(kept) <= 200 else ""
    (line,) = ax.plot(
        *kept.T, color=style.ORANGE, linewidth=1.6, marker=dots, markersize=6, label="path"
    )
    handles = [line]
    for word, point, marker, size in (("start", kept[0], "o", 9), ("end", kept[-1], "*", 15)):
        with np.errstate(all="ignore"):
            height = _number(f, point)
        (mark,) = ax.plot(
            *point[:, np.newaxis],
            linestyle="none",
            marker=marker,
            markersize=size,
            markerfacecolor=style.ORANGE,
            markeredgecolor=style.PAPER,
            label=f"{word}, f = {height:.4g}",
            zorder=4,
        )
        handles.append(mark)
    return handles
