"""How chainrule's figures look: colours, sizes, and the few strokes that every figure shares.

Nothing here touches Matplotlib's global settings or ``pyplot``: a figure is a
``matplotlib.figure.Figure`` object, so it needs no screen and leaves the user's own style alone.
The palette is that of Okabe and Ito (2008), which people with any common colour vision tell
apart; where colour carries a class, a marker or a line style carries it as well.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.errors import OptionError, optional_package

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222222"
FAINT = "#777777"
GRID = "#e3e3e3"
PAPER = "#ffffff"
BLUE = "#0072b2"
ORANGE = "#d55e00"
GREEN = "#009e73"
PALETTE = (BLUE, ORANGE, GREEN, "#cc79a7", "#e69f00", "#56b4e9", "#8a7d00", "#5b3a8e")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p")

TRAINING, VALIDATION, WARNING = BLUE, ORANGE, "#b00020"
DIVERGING, SEQUENTIAL = "RdBu_r", "Blues"

TITLE_SIZE, LABEL_SIZE, TICK_SIZE = 12.0, 10.5, 9.5


def matplotlib_module(name: str) -> Any:
    """``matplotlib.<name>``, imported now.

    Raises:
        MissingPackageError: Matplotlib is not installed.
    """
    return optional_package(f"matplotlib.{name}", "plot", "drawing")


def new_figure(width: float, height: float, *, square: bool = False) -> Figure:
    """An empty figure of ``width`` by ``height`` inches, which arranges itself without overlaps.

    ``square`` is for pictures whose pixels keep their shape: the gaps that this leaves are closed.
    """
    engine = matplotlib_module("layout_engine").ConstrainedLayoutEngine(
        compress=square, w_pad=0.09, h_pad=0.07
    )
    figure: Figure = matplotlib_module("figure").Figure(
        figsize=(width, height), layout=engine, facecolor=PAPER
    )
    return figure


def place(
    ax: Axes | None, width: float, height: float, *, square: bool = False
) -> tuple[Figure, Axes]:
    """The figure and the Axes to draw into: those of ``ax``, or new ones.

    Raises:
        OptionError: ``ax`` is not a Matplotlib Axes.
    """
    if ax is None:
        figure = new_figure(width, height, square=square)
        return figure, figure.add_subplot()
    if not isinstance(ax, matplotlib_module("axes").Axes):
        raise OptionError(
            f"ax must be a Matplotlib Axes to draw into, got {type(ax).__name__}. "
            "Leave it out for a new figure."
        )
    owner: Any = ax.figure
    while owner is not owner.figure:  # a subfigure belongs to a figure, and only that one saves
        owner = owner.figure
    return owner, ax


def dress(ax: Axes, title: str, x: str, y: str, *, grid: bool = True) -> None:
    """Title, axis labels, legible sizes, and a grid that stays behind the data."""
    ax.set_title(title, fontsize=TITLE_SIZE, color=INK, pad=8)
    ax.set_xlabel(x, fontsize=LABEL_SIZE, color=INK)
    ax.set_ylabel(y, fontsize=LABEL_SIZE, color=INK)
    ax.tick_params(labelsize=TICK_SIZE, colors=INK, length=3)
    ax.set_facecolor(PAPER)
    for side, spine in ax.spines.items():
        spine.set_color(FAINT)
        spine.set_visible(not grid or side in ("left", "bottom"))
    ax.grid(False)
    if grid:
        ax.grid(True, color=GRID, linewidth=0.8, linestyle="-")
        ax.set_axisbelow(True)


def note(ax: Axes, text: str) -> None:
    """A remark between the title and the picture: what went wrong, or what is left out."""
    lines = textwrap.wrap(text, 68)
    ax.set_title(ax.get_title(), fontsize=TITLE_SIZE, color=INK, pad=12 + 13 * len(lines))
    ax.annotate(
        "\n".join(lines),
        (0.5, 1),
        (0, 8),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=TICK_SIZE,
        color=WARNING,
    )


def colour_bar(figure: Figure, mappable: Any, ax: Axes | Sequence[Axes], label: str) -> Any:
    """A colour bar with a label, for one Axes or shared by several."""
    bar = figure.colorbar(mappable, ax=ax, fraction=0.05, pad=0.02)
    bar.set_label(label, fontsize=LABEL_SIZE, color=INK)
    bar.ax.tick_params(labelsize=TICK_SIZE, colors=INK, length=3)
    bar.outline.set_edgecolor(FAINT)
    return bar


def legend_below(ax: Axes, handles: Sequence[Any]) -> None:
    """A legend under the x label, where it can hide nothing.

    The distance is in points, so that it holds in an Axes of any size.
    """
    transforms = matplotlib_module("transforms")
    figure: Any = ax.figure
    columns = max(1, int(ax.get_window_extent().width / figure.dpi / 1.25))
    down = transforms.ScaledTranslation(0, -36 / 72, figure.dpi_scale_trans)
    ax.legend(
        handles=list(handles),
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=ax.transAxes + down,
        ncols=min(columns, len(handles)),
        fontsize=TICK_SIZE,
        labelcolor=INK,
        frameon=False,
    )
