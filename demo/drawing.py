"""Pictures for the page: an Axes to draw into, and a Matplotlib figure as a data address."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from page import Figure

BLUE, ORANGE, GREEN, INK, FAINT = "#0072b2", "#d55e00", "#009e73", "#222222", "#777777"

# Half the page's width, and the whole of it, in inches: drawn at the size at which it is shown.
HALF, WHOLE = 4.9, 7.6


def canvas(
    width: float = WHOLE, height: float = 4.0, *, square: bool = False
) -> tuple[Drawing, Axes]:
    """An empty drawing and its Axes; ``square`` for Axes whose two scales are equal."""
    layout: Literal["compressed", "constrained"] = "compressed" if square else "constrained"
    drawing = Drawing(figsize=(width, height), layout=layout, facecolor="white")
    return drawing, drawing.add_subplot()


def label(ax: Axes, title: str, x: str, y: str) -> None:
    """Title and axis labels, a quiet grid, and a legend where lines have names."""
    ax.set_title(title, fontsize=12, color=INK, pad=8)
    ax.set_xlabel(x, fontsize=10.5, color=INK)
    ax.set_ylabel(y, fontsize=10.5, color=INK)
    ax.tick_params(labelsize=9.5, colors=INK, length=3)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    ax.grid(True, color="#e3e3e3", linewidth=0.8)
    ax.set_axisbelow(True)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=9.5, labelcolor=INK, framealpha=0.85, edgecolor="#e3e3e3")


def loss_curve(ax: Axes, losses: Sequence[float], colour: str, name: str, **style: Any) -> None:
    """Losses by epoch, the first one at epoch 1."""
    ax.plot(np.arange(1, len(losses) + 1), losses, color=colour, label=name, **style)


def picture(drawing: Drawing, alt: str, caption: str, *, pixels: bool = False) -> Figure:
    """The drawing for the page: as SVG, or as PNG where the picture is made of ``pixels``."""
    stream = io.BytesIO()
    width = round(96 * drawing.get_figwidth())
    if pixels:
        drawing.savefig(stream, format="png", dpi=170, metadata={"Software": None})
        return Figure(_address("image/png", stream.getvalue()), alt, caption, width)
    # No metadata and a fixed salt: the same numbers give the same bytes.
    unsaid = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": "chainrule"}):
        drawing.savefig(stream, format="svg", dpi=144, metadata=unsaid)
    text = stream.getvalue().decode("utf-8")
    drawn = text[text.index("<svg") :]  # without the document type, which names an address
    return Figure(_address("image/svg+xml", drawn.encode("utf-8")), alt, caption, width)


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
