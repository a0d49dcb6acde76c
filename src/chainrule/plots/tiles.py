"""Small images side by side: the shared part of the figures that show pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import OptionError, ShapeError
from chainrule.plots.style import INK, LABEL_SIZE, TITLE_SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def as_images(rows: ArrayLike, image_shape: tuple[int, int], what: str) -> NDArray[np.float64]:
    """``rows``, (n, height * width) or (n, height, width), as (n, height, width).

    Raises:
        OptionError: ``image_shape`` is not two positive integers.
        ShapeError: a row has not height * width numbers.
    """
    shape = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else ()
    if len(shape) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in shape):
        raise OptionError(
            f"image_shape must be (height, width), two positive integers, got {image_shape!r}."
        )
    array = np.asarray(rows, dtype=np.float64)
    height, width = shape
    if array.shape[1:] not in ((height * width,), (height, width)):
        size = array[0].size if len(array) else 0
        side = math.isqrt(size)
        hint = f" Perhaps image_shape=({side}, {side})." if size and side * side == size else ""
        raise ShapeError(
            f"{what} of shape {array.shape} cannot be seen as images of {height} x {width} "
            f"= {height * width} pixels each.{hint}"
        )
    return array.reshape(len(array), height, width)


def checked_count(count: int) -> int:
    """``count``, if it is an integer of at least 1.

    Raises:
        OptionError: it is not.
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise OptionError(f"count must be an integer of at least 1, got {count!r}.")
    return int(count)


def grid_size(count: int, *, widest: int) -> tuple[int, int]:
    """Rows and columns of a nearly square grid for ``count`` tiles; up to four stand in a row."""
    columns = count if count <= 4 else min(widest, math.ceil(math.sqrt(count)))
    return math.ceil(count / columns), columns


def add_tiles(figure: Figure, count: int, rows: int, columns: int, title: str) -> list[Axes]:
    """``count`` bare Axes in a grid, with one title, and one pair of labels for all of them.

    A pair of labels and ticks on each tile would be louder than the pixels.
    """
    figure.suptitle(title, fontsize=TITLE_SIZE, color=INK)
    figure.supxlabel("pixel column", fontsize=LABEL_SIZE, color=INK)
    figure.supylabel("pixel row", fontsize=LABEL_SIZE, color=INK)
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
    for ax in axes:
        ax.set_xticks([])
        ax.set_yticks([])
    return axes
