"""Relation: whether X tells anything of y, by a permutation test that trains nothing.

How much of the targets lies along the inputs is measured in several ways, each a quadratic form
t' A t: with A the hat matrix of a ridge regression for planes, and a Gaussian kernel for what is
like its neighbours. Shuffled among the rows, the targets tell what chance makes of it (Gretton and
others 2008, A kernel statistical test of independence; Fisher 1935 for the permutations).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.doctor.standardising import mean_and_spread
from chainrule.graph.op import Array

#: Rows that are looked at, at most, and shuffles of the targets, where they have few columns and
#: at least.
MOST_ROWS, SHUFFLES, FEWEST_SHUFFLES = 1000, 199, 99
#: Columns of shuffled targets that are affordable.
COLUMNS = 600
#: The penalties, for each row and column of inputs with spread 1, and the kernels' widths beside
#: the median distance of two rows.
PENALTIES = (0.01, 0.1, 1.0, 10.0)
WIDTHS = (0.3, 0.6, 1.0)
#: The share of the targets' variance that a weak relation explains, which is still worth knowing.
WEAK = 0.05


@dataclass(frozen=True)
class Relation:
    """What the rows show of a relation between X and y.

    Attributes:
        chance: the share of shuffles whose targets seem to depend on X as much as the real ones do.
            Of targets that have nothing to do with X it is below p with a probability of p.
        seen: by how many spreads of the shuffled targets the real ones are above their mean.
        if_weak: how many a relation would show along a plane that explains 0.05 of the variance.
    """

    chance: float
    seen: float
    if_weak: float


def relation(x: Array, t: Array, seed: int) -> Relation:
    """Shuffle the targets among the rows, and measure how far they lie along the inputs.

    Args:
        x: (n, ...) inputs. t: (n,) classes or (n, k) values.
    """
    rng = np.random.default_rng(seed + 2)
    rows = rng.permutation(len(x))[:MOST_ROWS]
    x, t = _scaled(x[rows].reshape(len(rows), -1)), t[rows]
    y = _scaled(t[:, None] == np.unique(t) if t.ndim == 1 else t.reshape(len(t), -1))
    shuffles = max(FEWEST_SHUFFLES, min(SHUFFLES, COLUMNS // y.shape[1]))
    mixed = np.hstack([y, *[y[rng.permutation(len(y))] for _ in range(shuffles)]])
    planes, kept = _along_planes(x, mixed)
    found = np.array([*planes, *_among_neighbours(x, mixed)])
    found = found.reshape(len(found), 1 + shuffles, -1).sum(axis=2)
    # Each measure in its own spreads; the largest counts, for the real targets and the others.
    most = _spreads(found, found).max(axis=0)
    null = found[:, 1:]
    weak = WEAK * kept * float((y**2).sum()) + (1 - WEAK) * null[: len(kept)].mean(axis=1)
    return Relation(
        float((most >= most[0]).mean()),
        float(_spreads(found[:, :1], null).max()),
        float(_spreads(weak[:, None], null[: len(kept)]).max()),
    )


def _spreads(found: Array, among: Array) -> Array:
    """How many spreads each measure is above its mean ``among`` others; 0 where none differ."""
    middle, spread = among.mean(axis=1, keepdims=True), among.std(axis=1, keepdims=True)
    above: Array = (found - middle) / np.where(spread > 1e-9 * np.abs(middle), spread, np.inf)
    return above


def _scaled(array: Array) -> Array:
    mean, spread = mean_and_spread(array, constant=np.inf)
    scaled: Array = (array.astype(np.float64) - mean) / spread
    return scaled.astype(np.float32)


def _along_planes(x: Array, y: Array) -> tuple[Array, Array]:
    """For each penalty, how much of each column of ``y`` a ridge regression follows.

    And the share that it keeps of what lies along the axes as the inputs themselves do.
    """
    axes, sizes, _ = np.linalg.svd(x, full_matrices=False)
    along, size = (axes.T @ y) ** 2, sizes**2
    follows = np.array([size / (size + penalty * max(x.shape)) for penalty in PENALTIES])
    return follows @ along, follows @ size / max(float(size.sum()), 1e-30)


def _among_neighbours(x: Array, y: Array) -> list[Array]:
    """For each width of a Gaussian, how far rows that are close are alike in ``y``."""
    squares = (x**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)
    middle = float(np.median(apart)) or 1.0
    return [((np.exp(-apart / (2 * width**2 * middle)) @ y) * y).sum(axis=0) for width in WIDTHS]
