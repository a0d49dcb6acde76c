"""Whole epochs in one call: shuffle, steps and mean losses, all on the device.

The program makes the steps ``first`` to ``last``, counted from the start of the training, over as
many epochs as that takes::

    for each epoch:
        order = its permutation of the rows, if the epoch begins here
        for each full batch: gather its rows, make a step, add its loss to the sum
        the last batch, which may be smaller
        the epoch's loss = the sum's mean, if the epoch ends here

First and last are arguments, so one program does for a single step and for a thousand epochs, and
an epoch can be interrupted anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from chainrule.engine.xla.compiled import compiled, structure
from chainrule.engine.xla.lowering import outputs
from chainrule.engine.xla.parts import Cut, Parts, cuts_of
from chainrule.engine.xla.resident import gathered
from chainrule.engine.xla.runtime import jax_module
from chainrule.graph.graph import Graph

#: Steps in one call at most: there are so many places for rates and losses.
MOST_STEPS = 16384

#: Tiny steps that are made between two looks at whether the loop is at its end.
UNROLLED = 4

#: A vector of fewer entries stays whole: its slices cost less than an update for each.
LEAST_CUT = 4096


class Step(Protocol):
    """A step: output 0 of ``graph`` is the loss, ``replaces`` says which input others replace."""

    @property
    def graph(self) -> Graph: ...
    @property
    def replaces(self) -> Mapping[int, str]: ...


@dataclass(frozen=True)
class Epochs:
    """How epochs are made of steps.

    Args:
        step: the step on a full batch.
        rest: the step on the last batch, if that is smaller.
        rows: of the data.
        batch: rows of a full batch. All rows: then nothing is shuffled.
        mean: what an epoch's loss is: the mean over its batches, weighed by their rows or, if there
            is a ``w`` among the data, by its sum; or else their sum.
        shuffled: whether the rows of every epoch are shuffled, or taken in order.
    """

    step: Step
    rest: Step | None
    rows: int
    batch: int
    mean: bool
    shuffled: bool = True

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return -(-self.rows // self.batch)

    @property
    def is_whole(self) -> bool:
        """All rows are one batch."""
        return self.batch == self.rows

    @property
    def at_once(self) -> int:
        """The steps between two looks at the loop's end: where they take microseconds, several.

        On XOR with 2-4-1, four at once take 0.83 of the time of one after the other.
        """
        if not self.is_whole:
            return 1
        entries = sum(node.size for node in self.step.graph.inputs)
        return UNROLLED if entries <= LEAST_CUT else 1

    @property
    def cuts(self) -> dict[str, Cut]:
        """What is kept in parts on the device."""
        cuts = cuts_of(self.step.graph, list(self.step.replaces.values()))
        return {name: cut for name, cut in cuts.items() if cut.bounds[-1] >= LEAST_CUT}

    def compile(self, arguments: Sequence[Any]) -> Callable[..., Any]:
        """The program for arguments of these shapes: those of :meth:`run`."""
        steps = [
            None if step is None else (structure(step.graph), tuple(step.replaces.items()))
            for step in (self.step, self.rest)
        ]
        key = ("epochs", *steps, self.rows, self.batch, self.mean, self.shuffled)
        return compiled(key, self.run, arguments, donated=(0,))

    def start(self) -> dict[str, Any]:
        """What a call hands to the next one, the state apart, before the first: see ``run``."""
        begun: dict[str, Any] = {"sums": np.zeros(2)}
        return begun if self.is_whole else begun | {"order": np.arange(self.rows, dtype=np.int32)}

    def run(
        self, carried: dict[str, Any], data: dict[str, Any], others: dict[str, Any], key: Any,
        rates: Any, first: Any, last: Any,
    ) -> tuple[dict[str, Any], Any]:  # fmt: skip
        """Make the steps ``first`` to ``last``; returns what is carried on, and the losses.

        Args:
            carried: "state" (what steps replace, by name: an array, or those of its parts if it is
                one of ``cuts``), "sums" and "order" (of an epoch that is under way).
            data: all rows, by name.
            others: the step's other inputs.
            key: for the order of rows, two numbers.
            rates: one for each step, or one for all.
        """
        jnp, cuts = jax_module().numpy, self.cuts
        carried = carried | {"losses": jnp.zeros(MOST_STEPS)}

        def make(step: Step, i: Any, state: Any, batch: Any) -> Any:
            given = {k: Parts(cuts[k], x) if k in cuts else x for k, x in state.items()}
            rate = rates[0 if len(rates) == 1 else i - first]
            results = outputs(step.graph, {**others, **given, **batch, "rate": rate})
            moved = {}
            for place, name in step.replaces.items():
                x = results[place]
                moved[name] = cuts[name](x).arrays if name in cuts else x
            return state | moved, results[0].astype(float)

        walk = self._whole if self.is_whole else self._in_batches
        carried = walk(make, carried, data, key, first, last)
        losses = carried.pop("losses")
        return carried, losses

    def _whole(
        self, make: Any, carried: Any, data: Any, key: Any, first: Any, last: Any
    ) -> dict[str, Any]:
        """Each step is an epoch."""
        lax, begin = jax_module().lax, first

        def step(i: Any, carried: Any) -> Any:
            state, value = make(self.step, i, carried["state"], data)
            losses = carried["losses"].at[i - begin].set(value)
            return carried | {"state": state, "losses": losses}

        def some_steps(n: Any, carried: Any) -> Any:
            for i in range(self.at_once):
                carried = step(first + n * self.at_once + i, carried)
            return carried

        if self.at_once > 1:
            turns = (last - first) // self.at_once
            carried = lax.fori_loop(0, turns, some_steps, carried)
            first = first + turns * self.at_once
        result: dict[str, Any] = lax.fori_loop(first, last, step, carried)
        return result

    def _in_batches(
        self, make: Any, carried: Any, data: Any, key: Any, first: Any, last: Any
    ) -> dict[str, Any]:
        jax = jax_module()
        jnp, lax = jax.numpy, jax.lax
        full, count = self.rows // self.batch, self.steps

        def batch_step(step: Step, size: int, epoch: Any, i: Any, carried: Any) -> Any:
            places = lax.dynamic_slice(carried["order"], [i * self.batch], [size])
            batch = {name: gathered(held, places, self.rows) for name, held in data.items()}
            state, value = make(step, epoch * count + i, carried["state"], batch)
            share = jnp.sum(batch["w"]) if "w" in batch else float(size)
            share = jnp.asarray(share if self.mean else 1.0, float)
            sums = carried["sums"] + jnp.stack([value * share, share])
            return carried | {"state": state, "sums": sums}

        def one_epoch(epoch: Any, carried: Any) -> Any:
            begin = jnp.maximum(first - epoch * count, 0)
            end = jnp.minimum(last - epoch * count, count)
            if self.shuffled:
                order = lax.cond(
                    begin == 0,
                    lambda _: permutation(key, epoch, self.rows),
                    lambda order: order,
                    carried["order"],
                )
                carried = carried | {"order": order}
            body = partial(batch_step, self.step, self.batch, epoch)
            carried = lax.fori_loop(begin, jnp.minimum(end, full), body, carried)
            if self.rest is not None:
                size, i = self.rows - full * self.batch, np.int64(full)
                last_step = partial(batch_step, self.rest, size, epoch, i)
                carried = lax.cond(end > full, last_step, lambda same: same, carried)
            total, weight = carried["sums"]
            loss = total / weight if self.mean else total
            losses = carried["losses"].at[epoch - first // count].set(loss)
            sums = jnp.where(end == count, 0.0, carried["sums"])
            return carried | {"sums": sums, "losses": losses}

        result: dict[str, Any] = lax.fori_loop(
            first // count, (last - 1) // count + 1, one_epoch, carried
        )
        return result


def permutation(key: Any, epoch: Any, rows: int) -> Any:
    """The order of the rows in an epoch: sorted by a random number for each.

    Number and row are packed in 64 bits, so that it is one sort of plain numbers: on a CPU a sixth
    of the time of ``jax.random.permutation``, which sorts pairs, twice. Of equal numbers, the lower
    row comes first.
    """
    jax = jax_module()
    seed = jax.random.wrap_key_data(key, impl="threefry2x32")
    drawn = jax.random.bits(jax.random.fold_in(seed, epoch.astype("uint32")), (rows,), "uint32")
    packed = (drawn.astype("uint64") << 32) | jax.numpy.arange(rows, dtype="uint64")
    return (jax.numpy.sort(packed) & 0xFFFFFFFF).astype("int32")
