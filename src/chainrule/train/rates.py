"""Rates: the learning rate at every position of the epochs that are to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainrule.optim.schedules import Constant, Schedule


@dataclass(frozen=True)
class Rates:
    """The rate at a position, which is counted in epochs from ``first`` on.

    ``base`` is the optimizer's rate, ``epochs`` those of the whole training.
    """

    schedule: Schedule
    base: float
    first: int
    epochs: int

    def __call__(self, position: float) -> float:
        """The rate at ``position``, 0 for the beginning of the epoch ``first``."""
        if self.is_constant:
            return self.base
        return self.schedule.rate(self.base, self.first + position, self.epochs)

    @property
    def is_constant(self) -> bool:
        """The same rate everywhere."""
        return isinstance(self.schedule, Constant)

    def at(self, positions: Sequence[float]) -> list[float]:
        """The rate at each of ``positions``."""
        if self.is_constant:
            return [self.base] * len(positions)
        return [self(position) for position in positions]

    def later(self, epochs: int) -> Rates:
        """The rates from so many epochs later on."""
        return replace(self, first=self.first + epochs)
