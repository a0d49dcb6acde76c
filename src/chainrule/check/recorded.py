"""The loss as a graph: recorded, differentiated, and its rounding measured.

A recording counts only if it gives the same loss as calling the function does, and a gradient that
the independent one confirms: see ``truth.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.check.calls import Calls
from chainrule.check.evidence import Array
from chainrule.engine.reference import evaluate_nodes
from chainrule.errors import ChainruleError
from chainrule.graph import Graph, Tensor, differentiate
from chainrule.graph.differentiate import Rule, by_the_op
from chainrule.graph.op import CONSTANT
from chainrule.graph.tensor import placeholder
from chainrule.graph.trace import recorded

#: The recording and the call may differ by this much, relative to the loss: order of additions.
SAME_LOSS = 1e-9
#: The relative change that stands for one rounding when rounding is measured.
JOLT = 1e-7
#: Ops that only pick or turn round what is there, and so never round.
EXACT = {
    "abs", "astype", "clip", "concatenate", "identity", "index", "max", "maximum", "min", "minimum",
    "negative", "one_hot", "relu", "sign", "stack", "take", "where",
}  # fmt: skip


def record(calls: Calls, point: Mapping[str, Array], loss: float) -> tuple[Graph | None, str]:
    """The loss recorded on placeholders named as the parameters are; or None, and the reason."""
    inputs = {name: placeholder(a.shape, np.float64, name) for name, a in point.items()}
    try:
        result = calls.raw(inputs)
        graph = Graph(list(inputs.values()), [recorded(result)])
    except ChainruleError as error:
        return None, str(error)
    except Exception as error:  # whatever their code raises when it is handed Tensors
        return None, f"handed Tensors it raised {type(error).__name__}: {error}"
    finally:
        calls.surroundings.rebind()
    if graph.outputs[0].size != 1 or graph.outputs[0].dtype.kind != "f":
        return None, "recorded, it does not give one number"
    value = float(np.asarray(graph.compile("reference")(*point.values())).reshape(()))
    if not abs(value - loss) <= max(SAME_LOSS, 100 * calls.eps) * abs(loss):
        return None, f"recorded, it gives another loss ({value:.10g} instead of {loss:.10g})"
    return graph, ""


def gradient_graph(graph: Graph, rule: Rule = by_the_op) -> Graph:
    """Inputs to the gradient of the only output, in the order of the inputs."""
    gradients = differentiate(graph.outputs[0], list(graph.inputs), rule=rule)
    return Graph(graph.inputs, gradients).simplify()


def units_of_rounding(
    graph: Graph, point: Mapping[str, Array], rng: np.random.Generator
) -> dict[str, float]:
    """One unit of rounding in each parameter's gradient of a recorded loss: see ``rounding``.

    The largest score is often subtracted before an exponential. Differentiated too, it makes up
    for what was rounded elsewhere; nobody writes that by hand, so it is measured without as well.
    """
    units = rounding(gradient_graph(graph), point, rng)
    if any(node.op is not None and node.op.name == "max" for node in graph.nodes):
        other = rounding(gradient_graph(graph, _without_max), point, rng)
        units = {name: max(unit, other[name]) for name, unit in units.items()}
    return units


def _without_max(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
    is_max = node.op is not None and node.op.name == "max"
    return (None,) if is_max else by_the_op(node, g, y, *x)


def evaluated(graph: Graph, point: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a gradient graph, by the names of the inputs."""
    values = dict(evaluate_nodes(graph, [point[name] for name in graph.input_names()]))
    return {
        name: np.array(values[node], dtype=np.float64)
        for name, node in zip(graph.input_names(), graph.outputs, strict=True)
    }


def rounding(
    graph: Graph, point: Mapping[str, Array], rng: np.random.Generator, times: int = 3
) -> dict[str, float]:
    """How far one unit of relative rounding, made at every node, moves each gradient at most.

    Monte Carlo arithmetic (Parker 1997): every node's result is changed by a random factor up to
    1 ± u, and what comes out is compared. It sees cancellation, where a bound from the result would not.
    """
    true = evaluated(graph, point)
    moved = dict.fromkeys(true, 0.0)
    for _ in range(times):
        for name, array in _jolted(graph, point, rng).items():
            change = np.abs(array - true[name])
            largest = float(change[np.isfinite(change)].max(initial=0.0)) / JOLT
            moved[name] = max(moved[name], largest)
    return moved


def _jolted(graph: Graph, point: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    names = graph.input_names()
    values: dict[Tensor, Any] = dict(zip(graph.inputs, (point[n] for n in names), strict=True))
    for node in graph.nodes[len(graph.inputs) :]:
        if node.op is None or node.op is CONSTANT:
            values[node] = node.value
            continue
        with np.errstate(all="ignore"):
            value = np.asarray(node.op.value(np, *[values[x] for x in node.inputs]))
        if value.dtype.kind == "f" and not node.op.is_view and node.op.name not in EXACT:
            value = value * (1 + JOLT * rng.uniform(-1, 1, value.shape))
        values[node] = value
    return {n: np.asarray(values[x]) for n, x in zip(names, graph.outputs, strict=True)}
