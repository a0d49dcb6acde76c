"""Many steps in one call of the XLA engine, with the interface of ``Repeated``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from chainrule.distributed import interrupts_held
from chainrule.engine.xla.compiled import compiled, structure
from chainrule.engine.xla.lowering import outputs
from chainrule.engine.xla.runtime import all_dtypes, jax_module
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array


class XlaRepeated:
    """A step in a loop, with the interface of ``Repeated``: the whole loop is one program.

    What the steps replace stays on the device from step to step, and comes back at the end of each
    ``run``, because the caller may look at it or change it then.
    """

    def __init__(
        self, graph: Graph, bound: Mapping[str, Array], replaces: Mapping[int, str],
        steady: Collection[str], kept: Mapping[int, Array],
        gathered: Mapping[str, Array] | None = None, fed: str | None = None,
    ) -> None:  # fmt: skip
        self._gathered = gathered = dict(gathered or {})
        self._graph, self._bound = graph, dict(bound)
        self._replaces, self._kept = dict(replaces), dict(kept)
        self._changing = set(replaces.values())
        self._fed = fed
        self._rest = set(graph.input_names()) - self._changing - set(steady) - set(gathered)
        self._rest -= {fed}
        count = min((len(array) for array in kept.values()), default=0)
        self.rows = [(i,) for i in range(count)]
        size = len(bound[next(iter(gathered))]) if gathered else 0
        self._indices, self._values = np.zeros((count, size), np.int32), np.zeros(count)
        with interrupts_held(), all_dtypes():
            put = jax_module().device_put
            self._steady = {name: put(bound[name]) for name in steady}
            self._places = {place: put(array) for place, array in kept.items()}
        self._run: Callable[..., Any] | None = None

    def run(self, rows: Iterator[tuple[Any, ...]], values: Sequence[float] = ()) -> None:
        """A step for each of ``rows``, all in one call."""
        asked = list(copy(rows))
        first, count = asked[0][0], len(asked)
        if self._gathered:
            self._indices[:count] = [row[-1] for row in asked]
        self._values[: len(values)] = values
        with all_dtypes():
            # The caller may have put other rows into these arrays since the last run.
            put = jax_module().device_put
            data = {name: put(array) for name, array in self._gathered.items()}
            given = (
                {name: self._bound[name] for name in self._changing},
                self._places,
                {name: self._bound[name] for name in self._rest} | self._steady,
                data, self._indices, self._values, np.int32(first), np.int32(count),
            )  # fmt: skip
            if self._run is None:
                replaces, kept = tuple(self._replaces.items()), tuple(self._kept)
                key = ("repeated", structure(self._graph), replaces, kept, self._fed)
                self._run = compiled(key, self._steps, given, donated=(0, 1))
            with interrupts_held(second_breaks=False):  # within, what was learnt is nowhere
                changed, self._places = self._run(*given)
                for name, array in changed.items():
                    np.copyto(self._bound[name], np.asarray(array))
                part = slice(first, first + count)
                for place, memory in self._kept.items():
                    memory[part] = np.asarray(self._places[place])[part]
        deque(rows, maxlen=0)  # the steps are made: none of the rows is left

    def _steps(
        self, changing: Any, kept: Any, rest: Any, data: Any, indices: Any, values: Any,
        first: Any, count: Any,
    ) -> Any:  # fmt: skip
        def step(i: Any, state: Any) -> Any:
            changing, kept = state
            batch = {name: array[indices[i]] for name, array in data.items()}
            if self._fed is not None:
                batch[self._fed] = values[i]
            results = outputs(self._graph, changing | rest | batch)
            kept = {place: array.at[first + i].set(results[place]) for place, array in kept.items()}
            return {name: results[place] for place, name in self._replaces.items()}, kept

        return jax_module().lax.fori_loop(0, count, step, (changing, kept))
