"""Activation functions and their derivatives, as chainrule itself computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import OptionError, ShapeError, unknown_name
from chainrule.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = ("elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "softplus", "tanh")
# An even number, so that no point falls on 0, where some of them have a kink and no derivative.
_POINTS = 600
_MOST_COLUMNS = 4


def activation(
    function_or_name: Callable[[Any], Any] | str,
    span: tuple[float, float] = (-6, 6),
    ax: Axes | None = None,
) -> Figure:
    """Draw f(x) and f′(x), the derivative by running backward through the recorded graph.

    Args:
        function_or_name: a name such as ``"tanh"``, or any elementwise function of a Tensor.
        span: the lowest and the highest x.
        ax: Axes to draw into; by default those of a new figure.

    Raises:
        OptionError: an unknown name, or a span that is not two increasing finite numbers.
        ShapeError: the function is not elementwise.
    """
    name, x, y, slope = _sampled(function_or_name, span)
    figure, ax = style.place(ax, 5.6, 4.2)
    _draw(ax, name, x, y, slope)
    ax.set_title(f"{name} and its derivative", fontsize=style.TITLE_SIZE)
    ax.legend(
        fontsize=style.LABEL_SIZE, labelcolor=style.INK, framealpha=0.85, edgecolor=style.GRID
    )
    return figure


def activations(
    names: Sequence[Callable[[Any], Any] | str] = NAMES, span: tuple[float, float] = (-6, 6)
) -> Figure:
    """Draw several activation functions and their derivatives, a panel each.

    Args:
        names: names or elementwise functions, as ``activation`` takes them; by default all names.
        span: the lowest and the highest x, the same in every panel.

    Raises:
        OptionError: no names, an unknown one, or a span that is not two increasing finite numbers.
        ShapeError: a function is not elementwise.
    """
    chosen = [names] if isinstance(names, str) or callable(names) else list(names)
    if not chosen:
        raise OptionError(f"activations needs at least one name; known: {', '.join(NAMES)}.")
    sampled = [_sampled(each, span) for each in chosen]
    columns = min(_MOST_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = style.new_figure(max(4.4, 3.0 * columns), 0.9 + 2.6 * rows)
    for place, (name, x, y, slope) in enumerate(sampled):
        ax = figure.add_subplot(rows, columns, place + 1)
        _draw(ax, name, x, y, slope)
    figure.suptitle("Activation functions and their derivatives", fontsize=style.TITLE_SIZE)
    figure.legend(
        handles=figure.axes[0].get_lines()[:2],
        loc="outside lower center",
        ncols=2,
        fontsize=style.LABEL_SIZE,
        labelcolor=style.INK,
        frameon=False,
    )
    return figure


def _sampled(
    function_or_name: Callable[[Any], Any] | str, span: tuple[float, float]
) -> tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The name, x, f(x) and f′(x)."""
    import chainrule  # here, because chainrule itself offers this package

    if isinstance(function_or_name, str):
        name = function_or_name
        if name not in NAMES:
            raise unknown_name("the activation", name, NAMES)
        function = getattr(chainrule, name)
    elif callable(function_or_name):
        function = function_or_name
        name = getattr(function, "__name__", type(function).__name__)
    else:
        raise OptionError(
            "an activation is a name or a function of a Tensor, got "
            f"{type(function_or_name).__name__}."
        )
    x = np.linspace(*_checked_span(span), _POINTS)
    t = chainrule.tensor(x)
    y = function(t)
    made = getattr(y, "shape", None)
    if made != x.shape:
        raise ShapeError(
            f"{name} is not elementwise: it made {made or type(y).__name__} of {x.shape}. "
            "activation draws functions of one number."
        )
    y.backward(np.ones_like(x))
    slope = np.zeros_like(x) if t.grad is None else t.grad  # None: y does not depend on x
    return name, x, np.asarray(y.value, dtype=np.float64), np.asarray(slope, dtype=np.float64)


def _checked_span(span: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in span)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise OptionError(f"span must be (lowest x, highest x), two numbers, got {span!r}.")
    return low, high


def _draw(
    ax: Axes,
    name: str,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    slope: NDArray[np.float64],
) -> None:
    style.dress(ax, name, "x", "value")
    ax.plot(x, y, color=style.BLUE, linewidth=2, label="f(x)")
    ax.plot(x, slope, color=style.ORANGE, linewidth=1.8, linestyle="--", label="f′(x)")
    ax.axhline(0, color=style.FAINT, linewidth=0.8, zorder=1)
