"""A program by hand: its functions, its parameters and its data, as one record."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.surroundings import Surroundings
from chainrule.graph.op import Array

#: Rows of a batch where the program does not say.
USUAL_BATCH = 32

Parameters = dict[str, Array]
Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Program:
    """Everything that ``diagnose(step=..., ...)`` is given.

    Attributes:
        step: (parameters, X, y): one update of the loop on one batch; in place, or the new ones.
        forward: (parameters, X): the outputs.
        parameters: copies, as they are before training.
        data: (X, y), a sample in each row, and ``validation`` likewise or None.
        loss, gradients, metric: of (parameters, X, y); None where they were not given.
        batches: (X, y): the batches of an epoch in the order of the loop; None: 32 rows each, in a
            random order.
        epochs: how often the loop goes through the data; None if that was not said.
        seed: of everything random that the diagnosis does.
        is_in_columns: the user's functions have a sample in each column; see ``columns``.
    """

    step: Function
    forward: Function
    parameters: Parameters
    data: tuple[Any, Any]
    validation: tuple[Any, Any] | None = None
    loss: Function | None = None
    gradients: Function | None = None
    batches: Function | None = None
    metric: Function | None = None
    epochs: int | None = None
    seed: int = 0
    is_in_columns: bool = False

    def functions(self) -> list[Function]:
        """The user's functions that were given."""
        every = (self.step, self.forward, self.loss, self.gradients, self.batches, self.metric)
        return [inspect.unwrap(function) for function in every if function is not None]

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What the functions reach is afterwards as before: globals, caches, random numbers."""
        with Surroundings([*self.functions(), self.parameters]).kept(), np.errstate(all="ignore"):
            yield

    def epoch(self, X: Any, y: Any) -> Iterator[tuple[Any, Any]]:
        """The batches of one epoch."""
        if self.batches is not None:
            yield from self.batches(X, y)
            return
        order = np.random.default_rng(self.seed).permutation(len(X))
        for first in range(0, len(X), USUAL_BATCH):
            rows = order[first : first + USUAL_BATCH]
            yield X[rows], y[rows]

    def stepped(self, p: Parameters, X: Any, y: Any) -> Parameters:
        """The parameters after one update; those given may be written into."""
        new = self.step(p, X, y)
        is_whole = isinstance(new, Mapping) and set(new) == set(p)
        return {name: new[name] for name in p} if is_whole else p
