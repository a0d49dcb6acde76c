"""batch: one graph for many. Chosen inputs get a leading axis, and all that depends on them too.

What was written for one network then runs a thousand in the same number of calls (JAX calls this
``vmap``). Each op says in its own record what it does with a leading axis (``Op.batched``), in ops
again: so a batched graph can be simplified, differentiated, batched once more, and run on every
engine, like any other.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chainrule.errors import OptionError, RecordingError
from chainrule.graph.graph import Graph
from chainrule.graph.op import FUNCTIONS
from chainrule.graph.recording import within
from chainrule.graph.tensor import Tensor, placeholder


def batch(
    graph: Graph, size: int, inputs: str | Iterable[str] | None = None, axis: int = 0
) -> Graph:
    """The graph with an axis of ``size`` in front of the chosen inputs and all they lead to.

    Row i of each output is what ``graph`` gives for row i of the chosen inputs and for the others
    as they are. An output that depends on none of the chosen stays as it is.

    Args:
        graph: what to do, written for one.
        size: how many at a time: the length of the new axis.
        inputs: the names of the inputs that get it; None for all.
        axis: 0, or -1 for an axis at the end of the chosen inputs and of the outputs.

    Raises:
        OptionError: a size below 1, an axis other than 0 and -1, no inputs, or an unknown name.
        RecordingError: an op without a rule for a leading axis.
    """
    chosen = _chosen(graph, size, inputs, axis)
    become: dict[Tensor, Tensor] = {}
    stacked: dict[Tensor, Tensor] = {}
    for node in graph.inputs:
        become[node] = node
        if node in chosen:
            shape = (*node.shape, size) if axis else (size, *node.shape)
            become[node] = placeholder(shape, node.dtype, node.name)
            stacked[node] = _first(become[node]) if axis else become[node]
    for node in graph.nodes[len(graph.inputs) :]:
        become[node] = node
        if any(x in stacked for x in node.inputs):
            with within(node.scope, node.place):
                stacked[node] = become[node] = _batched(node, stacked, size)
    if axis:
        computed = set(graph.outputs) - set(graph.inputs)
        become |= {node: _last(stacked[node]) for node in computed if node in stacked}
    given, outputs = ([become[node] for node in part] for part in (graph.inputs, graph.outputs))
    return Graph(given, outputs, graph.structure)


def _chosen(graph: Graph, size: int, inputs: str | Iterable[str] | None, axis: int) -> set[Tensor]:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise OptionError(
            f"batch needs the length of the new axis, a whole number of 1 or more, got {size!r}."
        )
    if axis not in (0, -1):
        raise OptionError(f"the new axis is in front (axis=0) or at the end (-1), got {axis!r}.")
    names = graph.input_names() if inputs is None else inputs
    chosen = {graph.input(name) for name in ([names] if isinstance(names, str) else names)}
    if not chosen:
        raise OptionError(
            "batch needs at least one input that gets the new axis: name it, or leave inputs out "
            f"for all of {', '.join(graph.input_names()) or 'none (this graph has no inputs)'}."
        )
    return chosen


def _batched(node: Tensor, stacked: dict[Tensor, Tensor], size: int) -> Tensor:
    """The node's op by its own rule for a leading axis."""
    assert node.op is not None
    inputs = [stacked.get(x, x) for x in node.inputs]
    result: Tensor = node.op.batched(tuple(x in stacked for x in node.inputs), *inputs)
    if result.shape != (size, *node.shape) or result.dtype != node.dtype:
        raise RecordingError(
            f"the rule of {node.op} for a leading axis gave {result.dtype} of shape "
            f"{result.shape}, and {node.dtype} of shape {(size, *node.shape)} was expected."
        )
    if node.name and result.op is not None:
        result.name = node.name
    return result


def _first(x: Tensor) -> Tensor:
    """The last axis in front."""
    return x if x.ndim < 2 else FUNCTIONS["transpose"](x, (x.ndim - 1, *range(x.ndim - 1)))


def _last(x: Tensor) -> Tensor:
    """The first axis at the end."""
    return x if x.ndim < 2 else FUNCTIONS["transpose"](x, (*range(1, x.ndim), 0))
