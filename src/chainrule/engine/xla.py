"""The XLA engine: JAX compiles the same graph to one program, and many steps of training to one.

JAX only runs the graph: derivatives, simplification and training are chainrule's own. Each op's
value is written over an array namespace, so it is handed ``jax.numpy`` in place of NumPy. Data lies
on JAX's default device (a GPU or TPU where there is one) and goes in as an argument, never as a
constant. One compilation serves any number of steps on batches of one shape.

Results agree with the reference engine within rounding, not bit for bit: XLA fuses calls and adds
in an order of its own. On one machine the same seed gives the same bits again.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from chainrule.engine.reference import fitted
from chainrule.errors import optional_package
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, Array


def compile_xla(graph: Graph) -> Callable[..., Any]:
    """A function of arrays that runs the graph, compiled at the first call."""
    jax = _jax()
    names = graph.input_names()
    compiled = jax.jit(lambda arrays: _outputs(jax.numpy, graph, arrays))

    def run(*arrays: Any) -> Any:
        given = dict(zip(names, fitted(graph, arrays), strict=True))
        with _all_dtypes(jax):
            results = compiled(given)
        return graph.structure.build([np.array(result) for result in results])

    return run


class XlaProgram:
    """A graph with all its inputs bound, with the interface of the planned ``Program``."""

    def __init__(
        self, graph: Graph, bound: Mapping[str, Array], replaces: Mapping[int, str],
        steady: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._jax, self._bound = _jax(), dict(bound)
        self._names = graph.input_names()
        self.outputs = [
            bound[replaces[place]] if place in replaces else np.empty(node.shape, node.dtype)
            for place, node in enumerate(graph.outputs)
        ]
        with _all_dtypes(self._jax):
            self._steady = {name: self._jax.device_put(bound[name]) for name in steady}
        self._compiled = self._jax.jit(lambda arrays: _outputs(self._jax.numpy, graph, arrays))

    def run(self, *free: Any) -> tuple[Array, ...]:
        """Compute, then write every output into its array."""
        rest = iter(free)
        given = {
            name: self._bound[name] if name in self._bound else next(rest) for name in self._names
        }
        with _all_dtypes(self._jax):
            results = self._compiled(given | self._steady)
        for array, result in zip(self.outputs, results, strict=True):
            np.copyto(array, np.asarray(result))
        return tuple(self.outputs)


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
        gathered = gathered or {}
        self._jax, self._graph, self._bound = _jax(), graph, dict(bound)
        self._replaces, self._kept = dict(replaces), dict(kept)
        self._changing = set(replaces.values())
        self._fed = fed
        self._rest = set(graph.input_names()) - self._changing - set(steady) - set(gathered)
        self._rest -= {fed}
        count = min((len(array) for array in kept.values()), default=0)
        self.rows = [(i,) for i in range(count)]
        size = len(bound[next(iter(gathered))]) if gathered else 0
        self._indices, self._values = np.zeros((count, size), np.int32), np.zeros(count)
        with _all_dtypes(self._jax):
            put = self._jax.device_put
            self._data = {name: put(array) for name, array in gathered.items()}
            self._steady = {name: put(bound[name]) for name in steady}
            self._places = {place: put(array) for place, array in kept.items()}
        self._compiled = self._jax.jit(self._steps, donate_argnums=(0, 1))

    def run(self, rows: Iterator[tuple[Any, ...]], values: Sequence[float] = ()) -> None:
        """A step for each of ``rows``, all in one call."""
        asked = list(copy(rows))
        first, count = asked[0][0], len(asked)
        if self._data:
            self._indices[:count] = [row[-1] for row in asked]
        self._values[: len(values)] = values
        with _all_dtypes(self._jax):
            changed, self._places = self._compiled(
                {name: self._bound[name] for name in self._changing},
                self._places,
                {name: self._bound[name] for name in self._rest} | self._steady,
                self._data, self._indices, self._values, first, count,
            )  # fmt: skip
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
            results = _outputs(self._jax.numpy, self._graph, changing | rest | batch)
            kept = {place: array.at[first + i].set(results[place]) for place, array in kept.items()}
            return {name: results[place] for place, name in self._replaces.items()}, kept

        return self._jax.lax.fori_loop(0, count, step, (changing, kept))


def _outputs(jnp: Any, graph: Graph, arrays: Mapping[str, Any]) -> list[Any]:
    """The graph's outputs, node by node, recorded by JAX."""
    values = {
        node: jnp.asarray(arrays[name])
        for node, name in zip(graph.inputs, graph.input_names(), strict=True)
    }
    for node in graph.nodes[len(graph.inputs) :]:
        if node.op is None or node.op is CONSTANT:
            values[node] = jnp.asarray(node.value)
        else:
            value = node.op.value(jnp, *[values[x] for x in node.inputs])
            # NumPy and JAX differ in what they make of whole numbers beside floats.
            values[node] = jnp.asarray(value, dtype=node.dtype)
    return [values[node] for node in graph.outputs]


@functools.cache
def _jax() -> Any:
    """JAX, told to keep what it compiles for the next process, unless the user has told it where.

    A network's step compiles in some tenths of a second, and is found again in some hundredths.
    """
    jax = optional_package("jax", "xla", "engine='xla'")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "chainrule", "xla")
    if jax.config.jax_compilation_cache_dir is None:
        with contextlib.suppress(OSError):  # a home that cannot be written to: nothing is kept
            os.makedirs(folder, exist_ok=True)
            jax.config.update("jax_compilation_cache_dir", folder)
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
            jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return jax


def _all_dtypes(jax: Any) -> contextlib.AbstractContextManager[Any]:
    """float64 where the graph says so: JAX by itself would make it float32."""
    context: contextlib.AbstractContextManager[Any] = jax.enable_x64(True)
    return context
