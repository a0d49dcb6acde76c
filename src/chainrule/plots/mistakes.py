"""Where a classifier errs: the confusion matrix, and the mistakes it is surest of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, ShapeError
from chainrule.plots import style
from chainrule.plots.classes import checked_names, class_indices, prediction_matrix
from chainrule.plots.tiles import add_tiles, as_images, checked_count, grid_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WHERE = "mistakes"
#: With more classes than this a confusion matrix is shading alone: nobody reads 10,000 counts.
MOST_WITH_COUNTS = 30
#: Inches of such a matrix.
WIDEST = 12.0


def confusion_matrix(
    matrix: ArrayLike, class_names: Sequence[str] | None = None, ax: Axes | None = None
) -> Figure:
    """Draw a confusion matrix: counts as digits, each row's percentages as shading.

    Shading by row makes a rare class as visible as a common one: a dark diagonal is good whatever
    the sizes of the classes. With more than 30 classes there is shading alone, and not every class
    is named at the axes.

    Args:
        matrix: counts, (K, K): row i, column j holds the samples of class i taken for class j.
        class_names: K names; by default 0..K-1.
        ax: Axes to draw into; by default those of a new figure.

    Raises:
        ShapeError: the matrix is not square.
        DataError: it holds something else than counts.
        OptionError: a wrong number of names.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(f"a confusion matrix is square, (classes, classes), got {counts.shape}.")
    numeric = np.issubdtype(counts.dtype, np.integer) or np.issubdtype(counts.dtype, np.floating)
    if not numeric or not np.all((counts >= 0) & (counts == np.floor(counts)) & (counts < 2**53)):
        raise DataError(
            "a confusion matrix holds counts, whole numbers from 0 up; the given one does not. "
            "Give it before any division: the shading computes the percentages."
        )
    counts = counts.astype(np.int64)
    size = len(counts)
    names = checked_names(class_names, [str(k) for k in range(size)], "class_names")
    totals = counts.sum(axis=1, keepdims=True)
    percent = 100 * counts / np.maximum(totals, 1)

    small = size <= MOST_WITH_COUNTS
    side = max(4.0, 1.2 + 0.58 * size) if small else WIDEST
    figure, ax = style.place(ax, side + 1.4, side + 0.4, square=True)
    total, right = int(counts.sum()), int(np.trace(counts))
    share = f" ({100 * right / total:.1f} %)" if total else ""
    style.dress(
        ax, f"{right:,} of {total:,} right{share}", "predicted class", "true class", grid=False
    )
    shading = ax.imshow(percent, cmap=style.SEQUENTIAL, vmin=0, vmax=100)
    style.colour_bar(figure, shading, ax, "share of the true class, %")
    turned = size > 3 and max(map(len, names)) > 4
    # Every class has its name while there is room for it, then every second, third, ...
    named = range(0, size, math.ceil(size / MOST_WITH_COUNTS))
    ax.set_xticks(named, names[:: named.step])
    if turned:
        for word in ax.get_xticklabels():
            word.set(rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(named, names[:: named.step])
    if small:
        _digits(ax, counts, shading.to_rgba(percent))
    return figure


def _digits(ax: Axes, counts: NDArray[np.int64], cells: NDArray[Any]) -> None:
    """Write the counts, white where the cell behind is dark."""
    figure: Any = ax.figure
    cell = 72 * ax.get_window_extent().width / figure.dpi / len(counts)
    # A digit is about 0.6 of its font size wide, and a fifth of the cell stays free.
    font = min(style.LABEL_SIZE, 0.8 * cell / (0.6 * len(f"{counts.max():,}")))
    # Relative luminance as the W3C defines it (with a power for its piecewise curve): below 0.2
    # white is the more legible ink.
    dark = cells[..., :3] ** 2.2 @ [0.2126, 0.7152, 0.0722] < 0.2
    for (i, j), count in np.ndenumerate(counts):
        ax.text(
            j,
            i,
            f"{count:,}",
            ha="center",
            va="center",
            fontsize=font,
            color=style.PAPER if dark[i, j] else style.INK if count else style.FAINT,
        )


def mistakes(
    images: ArrayLike,
    y_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    image_shape: tuple[int, int],
    count: int = 12,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draw the examples that were classified wrongly with the greatest confidence.

    Each image says its true class, the predicted one, and the probability of the predicted one.
    Where there is no mistake, the figure says so.

    Args:
        images: (n, height * width) or (n, height, width).
        y_true: classes as numbers, (n,) or (n, 1), or one-hot (n, K).
        probabilities: (n, K); or (n, 1) or (n,) for two classes, the probability of class 1.
        image_shape: (height, width).
        count: how many mistakes to draw at most.
        class_names: K names; by default the classes' numbers.

    Raises:
        ShapeError: arrays that do not fit together or do not fit ``image_shape``.
        DataError: probabilities outside 0..1, or labels that are not classes.
        OptionError: a wrong image_shape, count or number of names.
    """
    count = checked_count(count)
    pictures = as_images(images, image_shape, "images")
    table = prediction_matrix(probabilities, len(pictures), _WHERE)
    if table.size and (table.min() < 0 or table.max() > 1 + 1e-6):
        raise DataError(
            f"{_WHERE} needs probabilities from 0 to 1, got values from {table.min():.4g} to "
            f"{table.max():.4g}. Apply a sigmoid or a softmax to the outputs first."
        )
    if table.shape[1] == 1:
        table = np.hstack([1 - table, table])
    truth, default = class_indices(y_true, table.shape[1], len(pictures), _WHERE)
    names = checked_names(class_names, default, "class_names")
    guess = np.argmax(table, axis=1)
    confidence = np.max(table, axis=1)
    wrong = np.flatnonzero(guess != truth)
    if wrong.size == 0:
        return _nothing_wrong(len(pictures))
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    captions = [
        f"true {names[truth[i]]}, got {names[guess[i]]}\n{100 * confidence[i]:.1f} % sure"
        for i in worst
    ]
    return _gallery(pictures[worst], captions, len(wrong), len(pictures))


def _gallery(pictures: NDArray[np.float64], captions: list[str], wrong: int, total: int) -> Figure:
    rows, columns = grid_size(len(pictures), widest=6)
    widest = max(len(line) for caption in captions for line in caption.splitlines())
    width = max(5.4, 0.8 + columns * max(1.4, 0.085 * widest))
    figure = style.new_figure(width, 1.2 + 1.85 * rows, square=True)
    title = f"The {len(pictures)} most confident of {wrong:,} mistakes, among {total:,} examples"
    axes = add_tiles(figure, len(pictures), rows, columns, title)
    for ax, picture, caption in zip(axes, pictures, captions, strict=True):
        ax.imshow(picture, cmap="gray_r")
        ax.set_title(caption, fontsize=style.TICK_SIZE, color=style.INK, pad=4)
    return figure


def _nothing_wrong(total: int) -> Figure:
    figure = style.new_figure(5.4, 2.0)
    figure.text(
        0.5,
        0.5,
        f"No mistakes: all {total:,} examples are classified rightly.",
        ha="center",
        va="center",
        fontsize=style.TITLE_SIZE,
        color=style.INK,
    )
    return figure
