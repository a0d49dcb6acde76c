"""A member of a population: one network, and all that is its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.nn.sequential import Sequential


@dataclass(eq=False)
class Member:
    """One network of a population, as it is asked for.

    ``net`` is built; ``rng`` has drawn its parameters and its split, and goes on to draw its
    orders. ``failed`` is the epoch in which it was not finite any more.
    """

    place: int
    net: Sequential
    rng: np.random.Generator
    seed: int
    learning_rate: float
    initial_scale: float
    weight_decay: float
    options: dict[str, Any] = field(default_factory=dict)
    failed: int | None = None

    @property
    def wishes(self) -> dict[str, Any]:
        """What it was asked to be: the first columns of the table."""
        return {
            "network": self.place,
            "seed": self.seed,
            **self.options,
            "learning_rate": self.learning_rate,
            "initial_scale": self.initial_scale,
            "weight_decay": self.weight_decay,
        }


def draw_the_same(members: Sequence[Member]) -> bool:
    """Whether all will draw the same orders: after the same seed and as many numbers as the first.

    Initializers may take different amounts, so the seed alone does not tell.
    """
    first, *others = (member.rng.bit_generator.state for member in members)
    return all(state == first for state in others)
