"""Far values: one or two numbers that make up nearly all of a column's spread.

Some programs write -999 or 999999 where a value is missing. Such a number moves the column's mean
and widens its standard deviation, so that all others, once standardised, are nearly the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

#: So many times the standard deviation must fall when the far values are taken out, and so many
#: different ones may be taken out for it.
FALL, MOST_FAR = 10.0, 2
#: Of fewer other values nothing is said: they may be a code.
FEWEST_OTHERS = 3


def far_values(values: Numbers, counts: Numbers) -> Numbers:
    """The far ones among different numbers of a column, each of which occurs so often.

    Returns:
        At most two numbers; none if there are no far ones, or if these are more than all others.
    """
    order = np.argsort(values)
    values, counts = values[order], counts[order]
    first, last = 0, len(values)
    whole = _spread(values, counts)
    while last - first > FEWEST_OTHERS and first + len(values) - last < MOST_FAR:
        # Either end may be far: the one without which the others are closer together.
        without_first = _spread(values[first + 1 : last], counts[first + 1 : last])
        without_last = _spread(values[first : last - 1], counts[first : last - 1])
        if without_first < without_last:
            first += 1
        else:
            last -= 1
        if min(without_first, without_last) * FALL <= whole:
            many = counts[first:last].sum() * 2 >= counts.sum()
            return np.concatenate([values[:first], values[last:]]) if many else values[:0]
    return values[:0]


def _spread(values: Numbers, counts: Numbers) -> float:
    """The standard deviation; of numbers beyond 1e150 it is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(values, weights=counts)
        return float(np.sqrt(np.average(np.square(values - mean), weights=counts)))
