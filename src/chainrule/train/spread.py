"""The runner of the XLA engine in a group: steps that are spread over the devices of them all."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.train.epochs import drawn_order
from chainrule.train.runner import Runner


class GroupRunner(Runner):
    """Trains on all devices of a group, which share the rows of each batch among them.

    The batches are those of ``EpochsRunner``. Here each process gathers its share of them, so that
    its devices hold no other rows, and the processes agree on how many steps they make in a call.
    """

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, data: dict[str, Array],
        batch_size: int | None, rng: np.random.Generator, engine: str, *, penalty: float = 0.0,
        shuffle: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(
            net, loss, optimizer, data, batch_size, rng, engine, penalty=penalty, shuffle=shuffle
        )
        self._order_key = rng.integers(2**32, size=2, dtype=np.uint32)

    def batches(self) -> list[Array]:
        """The rows of each batch of the epoch that comes next."""
        rows, size = self.rows, self.batch_size
        if size == rows or not self.shuffle:
            return super().batches()
        order = drawn_order(self._order_key, self.steps // self.steps_per_epoch, rows)
        return [order[i : i + size] for i in range(0, rows, size)]

    def state(self) -> dict[str, Any]:
        """Everything that a step changes, copied; between epochs, an ``EpochsRunner`` takes it."""
        return super().state() | {"sums": np.zeros(2), "order_key": self._order_key.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a copied state."""
        super().restore(state)
        self._order_key[...] = state["order_key"]
