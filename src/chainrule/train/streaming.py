"""Training on more rows than the memory holds: read in blocks, mixed in a buffer, same steps.

An epoch takes the blocks in random order. So many as fill the buffer are read, and their rows are
mixed before they are cut into batches; meanwhile a thread reads the next. The steps are those of
``chainrule.train.runner``, planned once, whose data is the buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed import agreed, interrupts_held
from chainrule.errors import OptionError
from chainrule.graph.op import Array
from chainrule.nn import fitting
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, Optimizer
from chainrule.optim.optimizers import optimizer as make_optimizer
from chainrule.optim.schedules import schedule as make_schedule
from chainrule.train import checks
from chainrule.train.checkpoint import (
    NO_SEED,
    description,
    in_order,
    read_checkpoint,
    refuse_another,
    seed_for,
    seed_told,
)
from chainrule.train.history import History
from chainrule.train.loop import Training, scores_of
from chainrule.train.runner import Runner
from chainrule.train.steps import COUNT

if TYPE_CHECKING:
    from concurrent.futures import Future

#: Bytes of the buffer, and rows of a block, about: a block is a whole number of batches.
BUFFER_BYTES, BLOCK_ROWS = 1 << 25, 4096
FEWEST_BLOCKS = 4


class RowsOnDisk(Protocol):
    """Rows that can be read from any place: the inputs of a network, and the target at the end."""

    rows: int
    width: int

    def read(self, start: int, out: NDArray[np.float32]) -> int:
        """Read the rows from ``start`` on into ``out``; returns how many there were."""


class StreamRunner(Runner):
    """Trains on rows on disk. ``rows`` are those of an epoch, which may be a part of all rows.

    Args:
        source: the rows.
        sample: some checked rows, whose dtypes and shapes those of the buffer are.
        class_weights: what a row of each class counts; empty: all alike.
        epoch_rows: rows of an epoch, at most; the next epoch goes on with the blocks that are left.
    """

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, source: RowsOnDisk,
        sample: dict[str, Array], class_weights: Sequence[float], batch_size: int, epoch_rows: int,
        rng: np.random.Generator, engine: str,
    ) -> None:  # fmt: skip
        block = batch_size * max(1, BLOCK_ROWS // batch_size)
        blocks = max(FEWEST_BLOCKS, BUFFER_BYTES // (4 * source.width * block))
        # Twice a batch at least: a batch that is the whole buffer would not be gathered.
        size = max(min(blocks, -(-source.rows // block)) * block, 2 * batch_size)
        buffer = {name: np.zeros((size, *a.shape[1:]), a.dtype) for name, a in sample.items()}
        if class_weights:
            buffer["w"] = np.zeros(size, net.dtype)
        super().__init__(net, loss, optimizer, buffer, batch_size, rng, engine)
        self.rows = min(source.rows, epoch_rows)
        self.order = f"rows from blocks of {block:,}, {size:,} at a time"
        self._source, self._block, self._size = source, block, size
        self._weights = np.array(class_weights, net.dtype)
        self._left: list[int] = []
        # What is read while the network trains on the buffer.
        self._ahead = np.zeros((size, source.width), np.float32)

    def _run_epoch(
        self, epoch: int, rate_at: Callable[[float], float], tick: Callable[[float], None]
    ) -> float:
        total = weight = 0.0
        done = 0
        for batches in self._fills():
            for first in range(0, len(batches), COUNT):
                part = batches[first : first + COUNT]
                # The last batch may be smaller, and so is not made together with the others.
                for same in [part] if len(part[-1]) == len(part[0]) else [part[:-1], part[-1:]]:
                    at = [
                        epoch + (done + i * self.batch_size) / self.rows for i in range(len(same))
                    ]
                    losses = self.make_steps(same, [rate_at(place) for place in at]) if same else []
                    agreed(None)  # lets Ctrl-C end all processes of a group after the same step
                    shares = [self.share(rows) for rows in same]
                    total += sum(a * b for a, b in zip(losses, shares, strict=True))
                    weight += sum(shares)
                    done += sum(map(len, same))
            tick(epoch + min(1.0, done / self.rows))
        return total if self.loss.total else total / weight

    def run(
        self, epochs: int, rate_at: Callable[[float], float], tick: Callable[[float], None]
    ) -> list[float]:
        """Train for some epochs; see ``Runner.run``."""
        return [self._run_epoch(epoch, rate_at, tick) for epoch in range(epochs)]

    def batches(self) -> Iterator[Array]:  # type: ignore[override]
        """The rows of each batch of an epoch; the buffer holds them until the next is asked for."""
        for fill in self._fills():
            yield from fill

    def _fills(self) -> Iterator[list[Array]]:
        """Fill the buffer again and again; each time the batches into which it is cut."""
        plan = self._plan()
        from concurrent.futures import ThreadPoolExecutor  # 5 ms, which few trainings need

        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(self._read, plan[0])
            for following in [*plan[1:], []]:
                count = self._take(ahead)
                ahead = reader.submit(self._read, following)
                order = self._rng.permutation(count)
                yield [
                    order[start : start + self.batch_size]
                    for start in range(0, count, self.batch_size)
                ]

    def _plan(self) -> list[list[int]]:
        """The first rows of the blocks of each fill of an epoch."""
        wanted = -(-self.rows // self._block)
        every = range(0, self._source.rows, self._block)
        chosen: list[int] = []
        while len(chosen) < wanted:
            if not self._left:
                self._left = (self._rng.permutation(len(every)) * self._block).tolist()
            more = wanted - len(chosen)
            chosen += self._left[:more]
            self._left = self._left[more:]
        # The block that is cut short comes last, so that all batches but one have the same size.
        chosen.sort(key=lambda start: start + self._block > self._source.rows)
        fill = self._size // self._block
        return [chosen[first : first + fill] for first in range(0, len(chosen), fill)]

    def _read(self, starts: list[int]) -> int:
        count = 0
        for start in starts:
            count += self._source.read(start, self._ahead[count : count + self._block])
        return count

    def _take(self, ahead: Future[int]) -> int:
        """Move what was read ahead into the buffer."""
        count = ahead.result()
        rows = self._ahead[:count]
        self.data["x"][:count] = rows[:, :-1]
        targets = self.data["t"]
        targets[:count] = rows[:, -1].reshape(count, *targets.shape[1:])
        if "w" in self.data:
            self.data["w"][:count] = self._weights[rows[:, -1].astype(np.intp)]
        return count

    def state(self) -> dict[str, Any]:
        """Everything that a step changes, and the blocks that are left of the pass."""
        return super().state() | {"left": list(self._left)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a copied state."""
        super().restore(state)
        self._left = list(state["left"])


def fit_stream(
    net: Sequential,
    source: RowsOnDisk,
    *,
    sample: tuple[Array, Array],
    validation: tuple[Array, Array] | None = None,
    optimizer: str | Optimizer = "adam",
    epochs: int = 20,
    epoch_rows: int = 1 << 22,
    batch_size: int = 256,
    class_weights: Sequence[float] = (),
    metrics: Any = (),
    schedule: Any = None,
    callbacks: Any = (),
    seed: int | np.random.Generator = NO_SEED,
    engine: str = "numpy",
    resume: Any = None,
) -> History:
    """Train ``net`` on rows on disk; returns the history. The loss is the network's own.

    Args:
        source: rows of float32, the last number of each the target, a class index or a number.
        sample: some of the same rows in memory, (X, y): metrics of the training are theirs.
        validation: a pair (X, y).
        epochs: how often ``epoch_rows`` rows, or all if they are fewer, are passed.
        batch_size: rows a step. class_weights: what a row of each class counts; empty: all alike.
        optimizer, metrics, schedule, callbacks, seed, engine, resume: as for
            ``chainrule.train.fit``.

    Raises:
        OptionError: an option that is not known, or L-BFGS, which needs all rows at once; a
            checkpoint of another training.
        ShapeError, DtypeError, DataError: a sample or a validation set that does not fit.
        FileNotFoundError, FileFormatError: no checkpoint where ``resume`` says, or a broken one.
    """
    chosen = make_optimizer(optimizer)
    checks.options(epochs, batch_size, 0, engine, False)
    if isinstance(chosen, LBFGS):
        raise OptionError(
            "LBFGS needs all rows at once, and this table is read in batches. Choose adam or sgd."
        )
    saved = None if resume is None else read_checkpoint(resume)
    seed = seed_for(seed, saved)
    rng = checks.generator(seed)
    first_seed = seed_told(seed, rng, saved)
    X = fitting.inputs(sample[0], net.dtype, net.input_shape)
    if not net.is_built:
        net.build(X.shape[1:], rng)
    net.loss = net.loss_for(None)
    checks.outputs(net, net.loss)
    checks.together(net, chosen, schedule, source.rows, batch_size)
    data = checks.training_data(net, net.loss, X, sample[1], None, None)
    held = None if validation is None else checks.validation_data(net, net.loss, validation)
    changing = make_schedule(schedule)
    described = description(
        net, net.loss, chosen, changing, data, rng, held=held, metrics=metrics, seed=first_seed,
        batch_size=batch_size, engine=engine, rows=source.rows, epoch_rows=epoch_rows,
        class_weights=[float(w) for w in class_weights],
    )  # fmt: skip
    if saved is not None:
        refuse_another(saved, described())
    with interrupts_held():
        runner = StreamRunner(
            net, net.loss, chosen, source, data, class_weights, batch_size, epoch_rows, rng, engine
        )
    scores = scores_of(net, data, held, metrics, engine)
    training = Training(
        net, runner, chosen, changing, epochs, in_order(callbacks), scores, described, saved
    )
    return training.run()
