"""A graph as one program of XLA: a function of arrays, or with its inputs bound to arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from chainrule.distributed import interrupts_held
from chainrule.engine.reference import fitter
from chainrule.engine.xla.compiled import compiled, structure
from chainrule.engine.xla.lowering import outputs
from chainrule.engine.xla.runtime import all_dtypes, jax_module
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array


def compile_xla(graph: Graph) -> Callable[..., Any]:
    """A function of arrays that runs the graph, compiled at the first call."""
    jax_module()
    names, compute, fit = graph.input_names(), _Compute(graph), fitter(graph)

    def run(*arrays: Any) -> Any:
        results = compute(dict(zip(names, fit(arrays), strict=True)))
        return graph.structure.build([np.array(result) for result in results])

    return run


class XlaProgram:
    """A graph with all its inputs bound, with the interface of the planned ``Program``."""

    def __init__(
        self, graph: Graph, bound: Mapping[str, Array], replaces: Mapping[int, str],
        steady: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._bound, self._names = dict(bound), graph.input_names()
        self.outputs = [
            bound[replaces[place]] if place in replaces else np.empty(node.shape, node.dtype)
            for place, node in enumerate(graph.outputs)
        ]
        with interrupts_held(), all_dtypes():
            self._steady = {name: jax_module().device_put(bound[name]) for name in steady}
        self._compute = _Compute(graph)

    def run(self, *free: Any) -> tuple[Array, ...]:
        """Compute, then write every output into its array."""
        rest = iter(free)
        given = {
            name: self._bound[name] if name in self._bound else next(rest) for name in self._names
        }
        results = self._compute(given | self._steady)
        for array, result in zip(self.outputs, results, strict=True):
            np.copyto(array, np.asarray(result))
        return tuple(self.outputs)


class _Compute:
    """The graph's outputs for inputs by name, compiled at the first call."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._run: Callable[..., Any] | None = None

    def __call__(self, arrays: Mapping[str, Any]) -> list[Any]:
        with interrupts_held(), all_dtypes():
            if self._run is None:
                self._run = compiled(
                    ("outputs", structure(self._graph)),
                    lambda given: outputs(self._graph, given),
                    [arrays],
                )
            results: list[Any] = self._run(arrays)
        return results
