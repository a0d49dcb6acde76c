"""Relation: whether X tells anything of y, by a permutation test that trains nothing.

How much of the targets lies along the inputs is measured in several ways, each a quadratic form
t' A t: with A the hat matrix of a ridge regression for planes, a polynomial of the second degree
for products and squares of inputs, and a Gaussian kernel for what is like its neighbours. Shuffled
among the rows, the targets tell what chance makes of it (Gretton and others 2008, A kernel
statistical test of independence; Fisher 1935 for the permutations).

That nothing is found says little where little could be found. So relations of a known size are
planted in shuffled targets: what those show, and the real ones do not, is ruled out (the power of a
test: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.doctor.standardising import mean_and_spread
from chainrule.graph.op import Array

#: Rows that are looked at, at most, and shuffles of the targets, where they have few columns and
#: at least. As many are planted.
MOST_ROWS, SHUFFLES, FEWEST_SHUFFLES = 1000, 199, 99
#: Columns of shuffled targets that are affordable.
COLUMNS = 600
#: The penalties, for each row and column of inputs with spread 1, and the kernels' widths beside
#: the median distance of two rows.
PENALTIES = (0.01, 0.1, 1.0, 10.0)
WIDTHS = (0.3, 0.6, 1.0)
#: Beyond so few shuffles a relation is seen, and beyond so few none is ruled out.
RARE, UNLIKELY = 0.01, 0.03
#: The share of the targets' variance that a relation worth knowing explains, along a plane.
WORTH_KNOWING = 0.1
#: It is found beyond so many shuffles, and a test is one that finds so many such relations (Cohen
#: 1988). It is ruled out where hardly any planted one shows as little as the real targets do.
BEYOND, POWER, HARDLY_ANY = 0.95, 0.8, 0.1


@dataclass(frozen=True)
class Relation:
    """What the rows show of a relation between X and y.

    Attributes:
        chance: the share of shuffles whose targets seem to depend on X as much as the real ones do.
            Of targets that have nothing to do with X it is below p with a probability of p.
        found: the share of relations worth knowing that rows like these would show.
        below: the share of those that show no more than the real targets do.
    """

    chance: float
    found: float
    below: float

    @property
    def is_seen(self) -> bool:
        """Whether chance hardly makes targets that depend on X as much."""
        return self.chance <= RARE

    @property
    def is_ruled_out(self) -> bool:
        """Whether a relation worth knowing would have shown, and none did."""
        would_show = self.found >= POWER and self.below <= HARDLY_ANY
        return would_show and self.chance > UNLIKELY


def relation(x: Array, t: Array, seed: int) -> Relation:
    """Shuffle the targets among the rows, and measure how far they lie along the inputs.

    Args:
        x: (n, ...) inputs. t: (n,) classes or (n, k) values.
    """
    rng = np.random.default_rng(seed + 2)
    rows = rng.permutation(len(x))[:MOST_ROWS]
    x, t = _scaled(x[rows].reshape(len(rows), -1)), t[rows]
    y = _scaled(t[:, None] == np.unique(t) if t.ndim == 1 else t.reshape(len(t), -1))
    if not x.any():  # no column varies: what follows would measure rounding
        return Relation(1.0, 0.0, 1.0)
    shuffles = max(FEWEST_SHUFFLES, min(SHUFFLES, COLUMNS // y.shape[1]))
    mixed = [y[rng.permutation(len(y))] for _ in range(shuffles)]
    planted = [_planted(x, y[rng.permutation(len(y))], rng) for _ in range(shuffles)]
    every = np.hstack([y, *mixed, *planted])
    found = np.array([*_along_planes(x, every), _along_products(x, every),
                      *_among_neighbours(x, every)])  # fmt: skip
    found = found.reshape(len(found), 1 + 2 * shuffles, -1).sum(axis=2)
    # Each measure in its own spreads; the largest counts, for the real targets and the others.
    most = _spreads(found, found[:, : 1 + shuffles]).max(axis=0)
    real, null, shown = most[0], most[1 : 1 + shuffles], most[1 + shuffles :]
    return Relation(
        float((most[: 1 + shuffles] >= real).mean()),
        float((shown > np.quantile(null, BEYOND)).mean()),
        float((shown <= real).mean()),
    )


def _planted(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Targets of which a plane, drawn at random for each independent column, explains a part."""
    _, sizes, columns = np.linalg.svd(y, full_matrices=False)
    planes = x @ rng.normal(size=(x.shape[1], len(sizes))).astype(x.dtype)
    spread = np.maximum(planes.std(axis=0), 1e-30)
    planes = (planes - planes.mean(axis=0)) / spread @ (sizes[:, None] * columns)
    part: Array = WORTH_KNOWING**0.5 * planes / len(y) ** 0.5 + (1 - WORTH_KNOWING) ** 0.5 * y
    return part


def _spreads(found: Array, among: Array) -> Array:
    """How many spreads each measure is above its mean ``among`` others; 0 where none differ."""
    middle, spread = among.mean(axis=1, keepdims=True), among.std(axis=1, keepdims=True)
    above: Array = (found - middle) / np.where(spread > 1e-9 * np.abs(middle), spread, np.inf)
    return above


def _scaled(array: Array) -> Array:
    mean, spread = mean_and_spread(array, constant=np.inf)
    scaled: Array = (array.astype(np.float64) - mean) / spread
    return scaled.astype(np.float32)


def _along_planes(x: Array, y: Array) -> Array:
    """For each penalty, how much of each column of ``y`` a ridge regression follows."""
    axes, sizes, _ = np.linalg.svd(x, full_matrices=False)
    along, size = (axes.T @ y) ** 2, sizes**2
    kept = np.array([size / (size + penalty * max(x.shape)) for penalty in PENALTIES])
    follows: Array = kept @ along
    return follows


def _along_products(x: Array, y: Array) -> Array:
    """How far each column of ``y`` goes with squares of the inputs and products of two."""
    alike = (x @ x.T / x.shape[1]) ** 2
    np.fill_diagonal(alike, 0)
    follows: Array = ((alike @ y) * y).sum(axis=0)
    return follows


def _among_neighbours(x: Array, y: Array) -> list[Array]:
    """For each width of a Gaussian, how far rows that are close are alike in ``y``."""
    squares = (x**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)
    middle = float(np.median(apart)) or 1.0
    return [((np.exp(-apart / (2 * width**2 * middle)) @ y) * y).sum(axis=0) for width in WIDTHS]
