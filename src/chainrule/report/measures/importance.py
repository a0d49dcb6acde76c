"""Permutation importance: how much worse the answers get when a column's values are shuffled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.report.material import Material
from chainrule.report.measures.scores import root_mean_square, row_losses

REPEATS = 10
#: Rows that are predicted in all; beyond that, fewer rows are judged and fewer shuffles made.
MOST_PREDICTED = 2_000_000
FEWEST_ROWS, MOST_ROWS, FEWEST_REPEATS = 200, 2000, 3
MOST_COLUMNS = 1000
#: Pictures of more pixels are shuffled in square patches, so many along the longer side.
MOST_PIXELS, PATCHES = 100, 7


@dataclass(frozen=True, eq=False)
class Importance:
    """Of each column the mean rise of the loss over the shuffles, and its standard deviation.

    ``rows`` were judged, ``repeats`` times for each column; ``loss`` is that of the rows as they
    are. ``grid`` is (height, width) where the columns are patches of pictures.
    """

    names: tuple[str, ...]
    rise: NDArray[np.float64]
    spread: NDArray[np.float64]
    rows: int
    repeats: int
    loss: float
    grid: tuple[int, int] | None = None


def importance(material: Material) -> Importance | None:
    """Measure it on the judged rows; None where there are no inputs or far too many columns.

    The loss is the mean log loss of classes, or the RMSE of numbers. A column's values are
    exchanged between rows, so that each keeps its distribution and loses its connection.

    Sources: L. Breiman, *Random forests*, Machine Learning 45, 2001; A. Fisher, C. Rudin,
    F. Dominici, *All models are wrong, but many are useful*, JMLR 20, 2019.
    """
    if material.X is None or len(material.y) < 2:
        return None
    columns, grid = _columns(material)
    if len(columns) > MOST_COLUMNS:
        return None
    rng = np.random.default_rng(material.seed)
    rows = int(np.clip(MOST_PREDICTED // (len(columns) * REPEATS), FEWEST_ROWS, MOST_ROWS))
    chosen = np.sort(rng.permutation(len(material.y))[:rows])
    some = material.of_rows(chosen)
    wanted = MOST_PREDICTED // (len(columns) * len(chosen))
    repeats = int(np.clip(wanted, FEWEST_REPEATS, REPEATS))
    rises = _rises(some, list(columns.values()), repeats, rng)
    return Importance(
        tuple(columns),
        rises.mean(axis=1),
        rises.std(axis=1, ddof=1),
        len(chosen),
        repeats,
        _loss(some),
        grid,
    )


def _rises(
    some: Material, columns: Sequence[Sequence[int]], repeats: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(columns, repeats)."""
    assert some.X is not None
    X = np.array(some.X).reshape(len(some.X), -1)
    before = _loss(some)
    found = np.zeros((len(columns), repeats))
    for i, features in enumerate(columns):
        places = list(features)
        kept = X[:, places].copy()
        for k in range(repeats):
            X[:, places] = kept[rng.permutation(len(X))]
            answers = some.predict(X.reshape(some.X.shape))
            found[i, k] = _loss(some, answers) - before
        X[:, places] = kept
    return found


def _loss(some: Material, outputs: NDArray[np.float64] | None = None) -> float:
    answers = some.outputs if outputs is None else outputs
    losses = row_losses(some.y, answers, bool(some.names))
    return float(losses.mean() if some.names else root_mean_square(losses, axis=0))


def _columns(material: Material) -> tuple[Mapping[str, Sequence[int]], tuple[int, int] | None]:
    """What is shuffled together, by name; for pictures the grid that the patches make."""
    assert material.X is not None
    count = int(np.prod(material.X.shape[1:]))
    if material.columns:
        return material.columns, None
    if material.image_shape is not None:
        return _patches(*material.image_shape)
    names = material.feature_names or tuple(f"x{k + 1}" for k in range(count))
    return {name: [k] for k, name in enumerate(names)}, None


def _patches(height: int, width: int) -> tuple[Mapping[str, Sequence[int]], tuple[int, int]]:
    side = 1 if height * width <= MOST_PIXELS else -(-max(height, width) // PATCHES)
    grid = -(-height // side), -(-width // side)
    found: dict[str, list[int]] = {}
    for row in range(height):
        for column in range(width):
            name = f"row {row // side + 1}, column {column // side + 1}"
            found.setdefault(name, []).append(row * width + column)
    return found, grid
