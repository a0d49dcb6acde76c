"""95 % intervals of scores: how far a score may be off because the test rows are only so many."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

#: 97.5 % of a normal distribution lies below this.
Z = 1.959964
#: How often rows are drawn again, and from how many rows on a fifth of that is enough.
DRAWS, MANY_ROWS = 1000, 20_000

Interval = tuple[float, float]


def wilson(right: int, total: int) -> Interval:
    """The interval of a share, ``right`` of ``total`` (Wilson 1927).

    It stays between 0 and 1, and is not empty where all are right.
    """
    share, spread = right / total, Z * Z / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap_means(
    columns: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> list[Interval]:
    """Intervals of numbers that are computed from means of columns over rows (Efron 1979).

    Rows are drawn with replacement a thousand times; the interval is the middle 95 % of what comes
    out. The draws are the same each time.

    Args:
        columns: (rows, k).
        statistic: from means (draws, k) to numbers (draws, m).

    Returns:
        An interval for each of the m numbers.
    """
    rng, rows = np.random.default_rng(0), len(columns)
    draws = DRAWS if rows <= MANY_ROWS else DRAWS // 5
    means = np.stack([columns[rng.integers(rows, size=rows)].mean(axis=0) for _ in range(draws)])
    found = statistic(means)
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def of_recalls(right: NDArray[np.int64], total: NDArray[np.int64]) -> Interval:
    """The interval of the mean of several shares, each ``right`` of ``total``.

    The middle 95 % of what the shares may be, by Jeffreys' prior: of a class with one row in the
    test, its one answer says little, which rows drawn again would not show.
    """
    rng = np.random.default_rng(0)
    drawn = rng.beta(right + 0.5, total - right + 0.5, (10 * DRAWS, len(total)))
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
