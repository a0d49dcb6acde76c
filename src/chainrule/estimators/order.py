"""Random numbers in scikit-learn's order: first weights, then the rows of each epoch.

So the same ``random_state`` makes the same batches as in scikit-learn's own networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import MT19937, Generator, RandomState

#: Seeds that are drawn lie below.
MOST_SEED = 2**31 - 1


def starts(random: RandomState) -> Iterator[RandomState]:
    """Random numbers for one start after the other; the first goes on from ``random``."""
    first = _copy(random)
    others = RandomState(random.randint(MOST_SEED))
    yield first
    while True:
        yield RandomState(others.randint(MOST_SEED))


class RowOrder(Generator):
    """Goes on from ``random``; of equally many rows, each order shuffles the one before.

    Other numbers (keys of dropout) are drawn apart, so that they do not shift the orders.
    """

    def __init__(self, random: RandomState) -> None:
        bits = MT19937()
        state: Any = random.get_state(legacy=False)
        bits.state = state
        super().__init__(bits)
        # What it remembers is of kinds that a checkpoint can hold.
        self._apart = np.random.default_rng(_copy(random).randint(MOST_SEED)).bit_generator.state
        self._order = np.arange(0)

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Put rows, which stand as they came, into their new order; ``permutation`` calls this."""
        places = np.arange(len(x))
        RandomState(self.bit_generator).shuffle(places)
        self._order = self._order[places] if len(self._order) == len(x) else places
        x[...] = x[self._order]

    def integers(self, *given: Any, **named: Any) -> Any:
        apart = np.random.default_rng()
        apart.bit_generator.state = self._apart
        drawn = apart.integers(*given, **named)
        self._apart = apart.bit_generator.state
        return drawn


def _copy(random: RandomState) -> RandomState:
    copy = RandomState()
    copy.set_state(random.get_state())
    return copy
