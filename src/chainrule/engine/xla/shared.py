"""The XLA engine in a group: every device computes its share of each batch, all keep one network.

The rows of a batch are cut into as many shares as the group has devices, and a process gathers and
holds the rows of its own devices only. Parameters and state are the same on all. The step is the
same graph as ever, on the whole batch: XLA works out what has to be exchanged, which is the sum of
the gradients, and whatever else looks across rows (BatchNorm's means, a loss of the user's own).
So nothing is averaged twice or weighted wrongly, whatever the sizes of batches and shares.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.engine.xla.lowering import outputs
from chainrule.engine.xla.runtime import all_dtypes, jax_module
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array

if TYPE_CHECKING:
    from chainrule.distributed import Group

#: Bytes of batches that a process hands to its devices at a time.
PIECE_BYTES = 8 * 2**20


class SharedRepeated:
    """A step in a loop on all devices of ``group``, with the interface of ``Repeated``."""

    def __init__(
        self, group: Group, graph: Graph, bound: Mapping[str, Array], replaces: Mapping[int, str],
        steady: Collection[str], kept: Mapping[int, Array],
        gathered: Mapping[str, Array] | None = None, fed: str | None = None,
    ) -> None:  # fmt: skip
        self._group, self._graph, self._bound = group, graph, dict(bound)
        self._data, self._kept, self._fed = dict(gathered or {}), dict(kept), fed
        self._replaces, self._changing = dict(replaces), set(replaces.values())
        self._rest = set(graph.input_names()) - self._changing - set(steady) - set(self._data)
        self._rest -= {fed}
        count = min((len(array) for array in kept.values()), default=0)
        self.rows = [(i,) for i in range(count)]
        self._jax = jax_module()
        of_rows = [*self._data, *steady]
        self._share = Share(group, len(bound[of_rows[0]]))
        batch = sum(bound[name][:1].nbytes for name in self._data) * self._share.here
        self._piece = max(1, min(count, PIECE_BYTES // max(batch, 1)))
        with all_dtypes():
            self._steady = {name: self._share.put(bound[name]) for name in steady}
            self._compiled = self._compile()

    def run(self, rows: Iterator[tuple[Any, ...]], values: Sequence[float] = ()) -> None:
        """A step for each of ``rows``, each device its share of them."""
        asked = list(copy(rows))
        with all_dtypes(), self._group.exchange():
            changing: Any = {name: self._bound[name] for name in self._changing}
            kept: Any = self._kept
            rest = {name: self._bound[name] for name in self._rest}
            for start in range(0, len(asked), self._piece):
                part = asked[start : start + self._piece]
                fed = np.zeros(self._piece)
                fed[: len(part)] = values[start : start + len(part)] or 0.0
                changing, kept = self._compiled(
                    changing, kept, rest, self._steady, self._batches(part), fed,
                    part[0][0], len(part),
                )  # fmt: skip
            for name, array in changing.items():
                np.copyto(self._bound[name], np.asarray(array))
            made = slice(asked[0][0], asked[0][0] + len(asked))
            for place, memory in self._kept.items():
                memory[made] = np.asarray(kept[place])[made]
        deque(rows, maxlen=0)  # the steps are made: none of the rows is left

    def _batches(self, part: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
        """This process's share of the batches of some steps, on its devices."""
        if not self._data:
            return {}
        indices = np.zeros((self._piece, self._share.here), np.intp)
        for i, row in enumerate(part):
            indices[i] = self._share.of(row[-1])
        return {name: self._share.put_many(array[indices]) for name, array in self._data.items()}

    def _compile(self) -> Any:
        same, rows, many = self._share.shardings()
        steady, batches = dict.fromkeys(self._steady, rows), dict.fromkeys(self._data, many)
        return self._jax.jit(
            self._steps, donate_argnums=(0, 1),
            in_shardings=(same, same, same, steady, batches, same, same, same),
            out_shardings=same,
        )  # fmt: skip

    def _steps(
        self, changing: Any, kept: Any, rest: Any, steady: Any, batches: Any, values: Any,
        first: Any, count: Any,
    ) -> Any:  # fmt: skip
        whole = {name: self._share.cut(array) for name, array in steady.items()}

        def step(i: Any, state: Any) -> Any:
            changing, kept = state
            batch = whole | {name: self._share.cut(array[i]) for name, array in batches.items()}
            if self._fed is not None:
                batch[self._fed] = values[i]
            results = outputs(self._graph, changing | rest | batch)
            kept = {place: array.at[first + i].set(results[place]) for place, array in kept.items()}
            return {name: results[place] for place, name in self._replaces.items()}, kept

        return self._jax.lax.fori_loop(0, count, step, (changing, kept))


class Share:
    """Which of a batch's ``rows`` are this process's: those of its devices, in the mesh's order.

    Shares are of one size, so a batch that cannot be cut evenly is filled up at its end with rows
    that the step does not see.
    """

    def __init__(self, group: Group, rows: int) -> None:
        self.rows = rows
        self._jax = jax_module()
        self._mesh = group.mesh
        devices = list(self._mesh.devices.flat)
        mine = [i for i, d in enumerate(devices) if d.process_index == self._jax.process_index()]
        each = -(-rows // len(devices))
        self._filled = each * len(devices)
        places = np.concatenate([np.arange(i * each, (i + 1) * each) for i in mine])
        self._places = np.minimum(places, rows - 1)

    @property
    def here(self) -> int:
        """How many rows of a batch this process holds."""
        return len(self._places)

    def of(self, batch: Array) -> Array:
        """This process's part of an array with a batch's rows."""
        part: Array = batch[self._places]
        return part

    def put(self, batch: Array) -> Any:
        """One batch, this process's part of it on its devices."""
        return self._global(self.of(batch), self.shardings()[1], (self._filled, *batch.shape[1:]))

    def put_many(self, parts: Array) -> Any:
        """Parts of many batches, (batches, rows here, ...), on the devices."""
        shape = (len(parts), self._filled, *parts.shape[2:])
        return self._global(parts, self.shardings()[2], shape)

    def cut(self, batch: Any) -> Any:
        """Within the step: a batch without the rows that only fill it up."""
        if self._filled == self.rows:
            return batch
        sharding = self.shardings()[1]
        return self._jax.lax.with_sharding_constraint(batch[: self.rows], sharding)

    def shardings(self) -> tuple[Any, Any, Any]:
        """How arrays lie on the devices: the same on all; cut by rows; many that are cut so."""
        spec, sharding = self._jax.sharding.PartitionSpec, self._jax.sharding.NamedSharding
        return (
            sharding(self._mesh, spec()),
            sharding(self._mesh, spec("rows")),
            sharding(self._mesh, spec(None, "rows")),
        )

    def _global(self, part: Array, sharding: Any, shape: tuple[int, ...]) -> Any:
        return self._jax.make_array_from_process_local_data(sharding, part, shape)
