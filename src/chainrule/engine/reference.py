"""The reference engine: node by node, in order. It is slow, and it is the definition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.errors import DtypeError, ShapeError
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, Array, Op
from chainrule.graph.tensor import Tensor


def compile_reference(graph: Graph) -> Callable[..., Any]:
    """A function of arrays that evaluates the graph node by node."""

    fit = fitter(graph)

    def run(*arrays: Any) -> Any:
        values = dict(evaluate_nodes(graph, fit(arrays)))
        return graph.structure.build([np.array(values[node]) for node in graph.outputs])

    return run


def evaluate_nodes(graph: Graph, arrays: Sequence[Array]) -> Iterator[tuple[Tensor, Array]]:
    """Each node with its value, in order: what a judge reads to find where something went wrong.

    Overflow and division by zero give Inf and NaN without a warning: who runs a graph looks at
    its results.
    """
    values: dict[Tensor, Array] = {}
    for node in graph.nodes:
        if node.op is None or node.op is CONSTANT:
            place = len(values)
            value = arrays[place] if place < len(graph.inputs) else node.value
        else:
            inputs = [values[x] for x in node.inputs]
            if reads_in_order(node.op):
                inputs = [np.asarray(x, order="C") for x in inputs]
            with np.errstate(all="ignore"):
                value = np.asarray(node.op.value(np, *inputs))
            if not node.op.is_view or node.op.name == "reshape":
                value = np.asarray(value, order="C")
        values[node] = value
        yield node, value


def reads_in_order(op: Op) -> bool:
    """Whether every engine lays the op's inputs out in C order first.

    The last bit of a sum depends on the order in memory, so ops that add along axes (reductions,
    softmax) get one layout everywhere. A product takes transposes as they are.
    """
    moves = op.is_elementwise or op.is_view or op.name in ("matmul", "concatenate")
    return op.is_open and not moves


def fitter(graph: Graph) -> Callable[[tuple[Any, ...]], Sequence[Array]]:
    """A function that turns the arguments of a compiled graph into arrays of the right dtype.

    It raises:
        ShapeError: not as many as inputs, or another shape than was traced.
        DtypeError: another kind of number.
    """
    count, kinds = len(graph.inputs), [(node.shape, node.dtype) for node in graph.inputs]

    def fit(arrays: tuple[Any, ...]) -> Sequence[Array]:
        if len(arrays) != count:
            raise ShapeError(
                f"the graph takes {count} arrays ({', '.join(graph.input_names())}), "
                f"got {len(arrays)}."
            )
        # What fits already is passed on at once: for one row, looking costs as much as computing.
        for given, (shape, dtype) in zip(arrays, kinds, strict=False):
            if (
                type(given) is not ndarray
                or given.shape != shape
                or given.dtype != dtype
                or not given.flags.c_contiguous
            ):
                pairs = zip(graph.inputs, arrays, strict=True)
                return [_fitted(graph, node, array) for node, array in pairs]
        return arrays

    return fit


def _fitted(graph: Graph, node: Tensor, given: Any) -> Array:
    array = np.asarray(given.value if isinstance(given, Tensor) else given)
    if array.shape != node.shape:
        raise ShapeError(
            f"input {_name(graph, node)!r} was traced with shape {node.shape} and is given "
            f"{array.shape}. A graph holds for one shape: trace it again for another."
        )
    if not np.can_cast(array.dtype, node.dtype, "same_kind"):
        raise DtypeError(
            f"input {_name(graph, node)!r} was traced as {node.dtype} and is given {array.dtype}."
        )
    return np.asarray(array, dtype=node.dtype, order="C")


def _name(graph: Graph, node: Tensor) -> str:
    names = zip(graph.input_names(), graph.inputs, strict=True)
    return next(name for name, x in names if x is node)


class ReferenceProgram:
    """A graph run by the reference engine, with the interface of the planned ``Program``.

    ``run`` takes the arrays of the inputs that were not bound, in order; what replaces a bound
    input is copied into that input's array.
    """

    def __init__(
        self,
        graph: Graph,
        bound: Mapping[str, Array],
        replaces: Mapping[int, str],
        steady: Collection[str] = (),
    ) -> None:
        self.graph = graph
        self._fit = fitter(graph)
        self._bound = dict(bound)
        self.outputs = [
            bound[replaces[i]] if i in replaces else np.empty(node.shape, node.dtype)
            for i, node in enumerate(graph.outputs)
        ]

    def run(self, *free: Any) -> tuple[Array, ...]:
        """Evaluate, then write every output into its array."""
        rest = iter(free)
        arrays = tuple(
            self._bound[name] if name in self._bound else next(rest)
            for name in self.graph.input_names()
        )
        values = dict(evaluate_nodes(self.graph, self._fit(arrays)))
        results = [np.array(values[node]) for node in self.graph.outputs]
        for array, result in zip(self.outputs, results, strict=True):
            array[...] = result
        return tuple(self.outputs)
