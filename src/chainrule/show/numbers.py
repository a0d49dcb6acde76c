"""Numbers: every value of a graph, and every cotangent of its backward pass, for given inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engine.reference import evaluate_nodes, fitter
from chainrule.errors import OptionError
from chainrule.graph.differentiate import by_the_op, differentiate
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, FUNCTIONS, Array
from chainrule.graph.tensor import Tensor


@dataclass(frozen=True)
class Numbers:
    """What a graph computes for one choice of inputs, node by node.

    ``values`` has every node. ``cotangents`` has the nodes on a way back from the only output,
    none if the graph has no such output. ``pulled`` has what a node sends back to its i-th input,
    under (node, i); what arrives at a node that is used twice is their sum.
    """

    values: Mapping[Tensor, Array]
    cotangents: Mapping[Tensor, Array] = field(default_factory=dict)
    pulled: Mapping[tuple[Tensor, int], Array] = field(default_factory=dict)


def numbers(graph: Graph, arrays: Sequence[Any], *, backward: bool = True) -> Numbers:
    """Evaluate ``graph`` on ``arrays``, one for each input, and go back from its output.

    Where there is not one output of one float, there is nothing to go back from, and the numbers
    are those of the forward pass alone.

    Raises:
        ShapeError, DtypeError: an array does not fit its input.
    """
    values = dict(evaluate_nodes(graph, fitter(graph)(tuple(arrays))))
    if not backward or not has_backward(graph):
        return Numbers(values)
    twins = _twins(graph, values)
    inner = [node for node in graph.nodes if node.dtype.kind == "f" and node.op is not CONSTANT]
    rule = _Remembering()
    with np.errstate(all="ignore"):
        found = differentiate(twins[graph.outputs[0]], [twins[node] for node in inner], rule=rule)
    reached = rule.reached | {twins[graph.outputs[0]]}
    originals = {twin: node for node, twin in twins.items()}
    return Numbers(
        values,
        {n: g.value for n, g in zip(inner, found, strict=True) if twins[n] in reached},
        {(originals[twin], place): gx.value for (twin, place), gx in rule.pulled.items()},
    )


def has_backward(graph: Graph) -> bool:
    """Whether there is one output of one float, from which a backward pass can begin."""
    return (
        len(graph.outputs) == 1
        and graph.outputs[0].size == 1
        and graph.outputs[0].dtype.kind == "f"
        and graph.outputs[0].op is not CONSTANT
    )


def by_name(graph: Graph, given: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """One array for each input, from what was given by place and by name.

    An input that was recorded with a value need not be given.

    Raises:
        OptionError: one is missing, given twice, or not known.
    """
    names = graph.input_names()
    found = {n: x.value for n, x in zip(names, graph.inputs, strict=True) if x.has_value}
    found |= dict(zip(names, given, strict=False))
    twice = set(named) & set(names[: len(given)])
    missing = [name for name in names if name not in found and name not in named]
    if len(given) > len(names) or twice or missing or not set(named) <= set(names):
        raise OptionError(
            f"the graph takes {', '.join(names)}; given were {len(given)} by place"
            f"{' and ' + ', '.join(named) if named else ''}."
            f"{' Missing: ' + ', '.join(missing) + '.' if missing else ''}"
        )
    found |= named
    return [found[name] for name in names]


def _twins(graph: Graph, values: Mapping[Tensor, Array]) -> dict[Tensor, Tensor]:
    """A Tensor with its value for each node, connected as the nodes are."""
    twins: dict[Tensor, Tensor] = {}
    given = set(graph.inputs)
    for node in graph.nodes:
        leaf = node in given
        inputs = () if leaf else tuple(twins[x] for x in node.inputs)
        op = None if leaf else node.op
        twins[node] = Tensor(op, inputs, values[node], node.shape, node.dtype)
    return twins


class _Remembering:
    """The rule of every op, remembering what it sends back to each input.

    A broadcast is undone here, as ``differentiate`` does, so that what is remembered has the shape
    of the input.
    """

    def __init__(self) -> None:
        self.pulled: dict[tuple[Tensor, int], Tensor] = {}
        self.reached: set[Tensor] = set()

    def __call__(self, node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        return tuple(
            None if gx is None else self._later(node, place, gx)
            for place, gx in enumerate(by_the_op(node, g, y, *x))
        )

    def _later(self, node: Tensor, place: int, gx: Any) -> Callable[[], Any]:
        def taken() -> Any:
            x = node.inputs[place]
            sent = gx() if callable(gx) else gx
            if sent.shape != x.shape:
                sent = FUNCTIONS["sum_to"](sent, x.shape)
            if sent.dtype != x.dtype:
                sent = FUNCTIONS["astype"](sent, x.dtype)
            self.pulled[node, place] = sent
            self.reached.add(x)
            return sent

        return taken
