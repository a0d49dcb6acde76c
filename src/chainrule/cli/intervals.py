"""95 % intervals of scores: how far a score may be off because the test rows are only so many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chainrule.report.measures import intervals

#: How often shares are drawn.
DRAWS = 10_000

Interval = tuple[float, float]


def wilson(right: int, total: int) -> Interval:
    """The interval of a share, ``right`` of ``total``."""
    found = intervals.wilson(right, total)
    return found.low, found.high


def bootstrap_means(
    columns: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> list[Interval]:
    """Intervals of numbers that are computed from means of columns over rows, by the bootstrap.

    Args:
        columns: (rows, k).
        statistic: from means (draws, k) to numbers (draws, m).

    Returns:
        An interval for each of the m numbers.
    """
    low, high = intervals.bootstrap(
        lambda chosen: statistic(columns[chosen].mean(axis=1)), len(columns)
    )
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def of_recalls(right: NDArray[np.int64], total: NDArray[np.int64]) -> Interval:
    """The interval of the mean of several shares, each ``right`` of ``total``.

    The middle 95 % of what the shares may be, by Jeffreys' prior: of a class with one row in the
    test, its one answer says little, which rows drawn again would not show.
    """
    rng = np.random.default_rng(0)
    drawn = rng.beta(right + 0.5, total - right + 0.5, (DRAWS, len(total)))
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
