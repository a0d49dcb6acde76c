"""How sure a score is: confidence intervals, and tests of two networks on the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The normal quantile of a two-sided interval of 95 %.
Z = 1.959964
#: So many samples of rows are drawn; of very many rows fewer, down to the second number.
RESAMPLES, FEWEST_RESAMPLES, MOST_DRAWN = 1000, 200, 20_000_000
#: How many signs are tossed at a time.
AT_ONCE = 2_000_000
#: Halvings that leave nothing of float64's places between 0 and 1.
BISECTIONS = 52
#: Rows whose signs are tossed one by one.
MOST_FLIPPED = 20_000


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def wilson(right: int, total: int) -> Estimate:
    """The share right / total with Wilson's interval, which holds near 0 and 1 and for few rows.

    (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n).

    Source: E. B. Wilson, *Probable inference, the law of succession, and statistical inference*,
    Journal of the American Statistical Association 22, 1927.
    """
    share = right / total
    middle = share + Z**2 / (2 * total)
    reach = Z * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    scale = 1 + Z**2 / total
    low, high = max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)
    # Rounding must not leave the share itself outside.
    return Estimate(share, min(low, share), max(high, share))


def of_recalls(right: NDArray[np.int64], total: NDArray[np.int64]) -> Estimate:
    """The mean of several classes' shares, each ``right`` of ``total``, with its score interval.

    As Wilson's, which it is for one class, it holds every mean m that the answers do not refute,
    and so the score itself: |mean(right / total) - m| ≤ z √(Σ q(1 - q) / total) / K, of K classes.

    The shares q are what the classes would have if the mean were m. A class of few rows does not
    tell its share (of one answer the variance would be 0), so each gets z² rows more, of the mean
    share; then the shares are brought to the mean m, downwards as q m / mean(q), upwards as what is
    wrong of it.

    Sources: E. B. Wilson as in :func:`wilson`, for which means are refuted; A. Agresti and
    B. A. Coull, *Approximate is better than "exact" for interval estimation of binomial
    proportions*, American Statistician 52, 1998, for z² rows more.
    """
    value = float(np.mean(right / total))
    shares = (right + Z**2 * value) / (total + Z**2)
    middle = float(shares.mean())

    def holds(mean: float) -> bool:
        q = shares * mean / middle if mean < middle else shares
        q = 1 - (1 - shares) * (1 - mean) / (1 - middle) if mean > middle else q
        deviation = math.sqrt(max(0.0, float(np.sum(q * (1 - q) / total)))) / len(total)
        return abs(value - mean) <= Z * deviation

    return Estimate(value, _last(holds, value, 0.0), _last(holds, value, 1.0))


def _last(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """The number between two, by bisection, at which what holds at the first one ends to hold."""
    if holds(outside):
        return outside
    for _ in range(BISECTIONS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside


def bootstrap(
    columns: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    seed: int = 0,
) -> list[Estimate]:
    """Numbers that are computed from means of columns over rows, with percentile intervals.

    The intervals are the 2.5 % and 97.5 % quantiles of the numbers when the rows are drawn again,
    with replacement; a number beyond them, as of few rows it may be, is the end itself.

    Args:
        columns: (rows, k).
        statistic: from means (samples, k) to numbers (samples, m).

    Source: B. Efron, *Bootstrap methods: another look at the jackknife*, Annals of Statistics 7,
    1979.
    """
    rng, rows = np.random.default_rng(seed), len(columns)
    samples = int(np.clip(MOST_DRAWN // rows, FEWEST_RESAMPLES, RESAMPLES))
    across = np.ascontiguousarray(columns.T)
    means = np.empty((samples, len(across)))
    for sample in range(samples):
        # How often each row is drawn says as much as the rows, which would be copied each time.
        counts = np.bincount(rng.integers(rows, size=rows), minlength=rows)
        means[sample] = across @ counts / rows
    low, high = np.quantile(statistic(means), [0.025, 0.975], axis=0)
    values = statistic(columns.mean(axis=0)[None])[0]
    return [
        Estimate(float(v), float(min(v, a)), float(max(v, b)))
        for v, a, b in zip(values, low, high, strict=True)
    ]


def mcnemar(first_alone: int, second_alone: int) -> float:
    """The exact test of two classifiers on the same rows: a two-sided p value.

    Of the rows that only one of the two gets right, each should get half if both are equally good:
    p = min(1, 2 P(B ≤ min(b, c))) for B binomial with b + c trials of 1/2.

    Source: Q. McNemar, *Note on the sampling error of the difference between correlated proportions
    or percentages*, Psychometrika 12, 1947; its exact form.
    """
    total, fewer = first_alone + second_alone, min(first_alone, second_alone)
    if not total:
        return 1.0
    logs = [
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        for k in range(fewer + 1)
    ]
    tail = sum(math.exp(log - total * math.log(2)) for log in logs)
    return min(1.0, 2 * tail)


def sign_flips(differences: NDArray[Any], seed: int = 0, flips: int = 4999) -> float:
    """The paired permutation test of whether the mean of ``differences`` is 0: a two-sided p value.

    If two networks are equally good, the sign of each row's difference is a coin toss. p is the
    share of tosses whose mean is as far from 0 as the one seen, that one included.

    Of very many rows the distribution of the tosses is taken from its limit, a normal one of
    variance Σ d².

    Source: R. A. Fisher, *The Design of Experiments*, 1935, section 21.
    """
    values = np.asarray(differences, np.float64)
    if len(values) > MOST_FLIPPED:
        size = math.sqrt(float(values @ values))
        return math.erfc(abs(float(values.sum())) / size / math.sqrt(2)) if size else 1.0
    rng = np.random.default_rng(seed)
    seen = abs(values.sum())
    batch = max(1, min(flips, AT_ONCE // len(values)))
    reached = 0
    for begin in range(0, flips, batch):
        count = min(batch, flips - begin)
        signs = rng.integers(0, 2, size=(count, len(values)), dtype=np.int8)
        # Not >=: sums of the same numbers in another order differ in their last bits.
        reached += int(np.sum(np.abs((2.0 * signs - 1.0) @ values) >= seen * (1 - 1e-12)))
    return (reached + 1) / (flips + 1)
