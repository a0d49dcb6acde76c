"""Training on data larger than the device: an epoch goes over chunks, in a new order each time.

A chunk is some neighbouring rows. Within it, rows are shuffled on the device; so a batch mixes rows
of one chunk, and rows that are sorted (by class, say) should be shuffled before they are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.engine.xla.stream import Stream, chunk_bounds, device_memory
from chainrule.errors import OptionError
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.train.epochs import EpochsRunner
from chainrule.train.rates import Rates


class ChunkRunner(EpochsRunner):
    """Trains on chunks of rows that begin at ``bounds``; the next is read during the last one."""

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, data: dict[str, Array],
        batch_size: int | None, rng: np.random.Generator, engine: str, bounds: list[int],
        *, penalty: float = 0.0, shuffle: bool = True,
    ) -> None:  # fmt: skip
        self._bounds = bounds
        self.order = f"rows from chunks of {bounds[1]:,}"
        super().__init__(
            net, loss, optimizer, data, batch_size, rng, engine, penalty=penalty, shuffle=shuffle
        )

    def _open(self) -> None:
        self._stream = Stream(self.data, self._bounds)
        sizes = np.diff(self._bounds).tolist()
        self._all, last = self._passes(sizes[0]), self._passes(sizes[-1])
        self._chunks = [*[self._all] * (len(sizes) - 1), last]
        #: Σ loss · share and Σ share over the chunks of the epoch that are done.
        self._sums = np.zeros(2)

    def batches(self) -> list[Array]:
        """The rows of each batch of the epoch that comes next."""
        epoch, found = self.steps // self.steps_per_epoch, list[Array]()
        for chunk in self._order(epoch):
            rows = self._chunks[chunk].epochs.rows
            order = self._order_of_rows(self._number(epoch, chunk), rows).astype(np.int64)
            order += self._bounds[chunk]
            found += [order[i : i + self.batch_size] for i in range(0, rows, self.batch_size)]
        return found

    def state(self) -> dict[str, Any]:
        """Everything that a step changes, copied."""
        last = np.array(self._chunks[-1].carried["sums"])
        return super().state() | {"sums of chunks": self._sums.copy(), "sums of the last": last}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a copied state."""
        super().restore(state)
        self._sums = state["sums of chunks"].copy()
        self._chunks[-1].carried["sums"] = state["sums of the last"].copy()

    def _call(self, count: int, rates: Rates, first: int) -> list[float]:
        epoch, chunk, step, following = self._place(rates)
        passes = self._chunks[chunk]
        count = min(count, passes.epochs.steps - step)
        numbers = self._numbers(rates, range(self.steps - first, self.steps - first + count))
        start = self._number(epoch, chunk) * passes.epochs.steps + step
        held = self._stream.get(chunk, following)
        self._loss = self._run(passes, held, numbers, start, start + count)[0].item()
        if step + count < passes.epochs.steps:
            return []
        share = self.share(np.arange(*self._bounds[chunk : chunk + 2]))
        self._sums += self._loss * share, share
        if self.steps % self.steps_per_epoch:
            return []
        total, weight = self._sums.tolist()
        self._sums[:] = 0
        return [total if self.loss.total else total / weight]

    def _main_program(self, numbers: int) -> Callable[..., Any] | None:
        return self._all.programs.get(numbers)  # once there is a chunk to compile it for

    def _place(self, rates: Rates) -> tuple[int, int, int, int | None]:
        """Where the next step is: the epoch, the chunk, the step in it; and the chunk after it."""
        epoch, step = divmod(self.steps, self.steps_per_epoch)
        chunks = self._order(epoch)
        if epoch + 1 < rates.epochs:
            chunks = [*chunks, self._order(epoch + 1)[0]]
        for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
            steps = self._chunks[chunk].epochs.steps
            if step < steps:
                return epoch, chunk, step, following
            step -= steps
        raise AssertionError("an epoch has as many steps as its chunks")

    def _order(self, epoch: int) -> list[int]:
        """The order of the chunks in an epoch."""
        if not self.shuffle:
            return list(range(len(self._chunks)))
        seed = [*self._order_key.tolist(), epoch]
        order: list[int] = np.random.default_rng(seed).permutation(len(self._chunks)).tolist()
        return order

    def _number(self, epoch: int, chunk: int) -> int:
        """The number that the order of a chunk's rows follows from."""
        return epoch * len(self._chunks) + chunk


def runner_on_device(
    memory_limit: float | None, net: Sequential, loss: Loss, optimizer: Optimizer,
    data: dict[str, Array], batch_size: int | None, rng: np.random.Generator, engine: str,
    *, penalty: float, shuffle: bool,
) -> EpochsRunner:  # fmt: skip
    """A runner whose data lie on the device, or are streamed if they take more than the limit.

    Raises:
        OptionError: two batches take more than the limit.
    """
    rows = len(data["x"])
    size = min(batch_size or rows, rows)
    row_bytes = sum(array.nbytes for array in data.values()) // rows
    limit = device_memory(data) if memory_limit is None else memory_limit
    bounds = chunk_bounds(rows, size, row_bytes, limit)
    given = (net, loss, optimizer, data, batch_size, rng, engine)
    if len(bounds) == 2:
        return EpochsRunner(*given, penalty=penalty, shuffle=shuffle)
    if bounds:
        return ChunkRunner(*given, bounds, penalty=penalty, shuffle=shuffle)
    named = "half of the device's memory" if memory_limit is None else "memory_limit"
    other = "." if memory_limit is None else ", or a higher memory_limit."
    raise OptionError(
        f"{named} is {limit:,.0f} bytes, and two batches of {size:,} rows take "
        f"{2 * size * row_bytes:,}: one is read while the other is computed with. Choose a smaller "
        f"batch_size{other}"
    )
