"""Subjects that chainrule made itself: a Sequential with data, and a recorded Graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.check.evidence import Array
from chainrule.check.matching import matched
from chainrule.check.subjects import Named, Subject, chosen, coarsest, floats
from chainrule.errors import GradientError, OptionError
from chainrule.graph import Graph, Tensor
from chainrule.graph.apply import constant
from chainrule.graph.graph import rewired
from chainrule.graph.tensor import placeholder
from chainrule.nn import Sequential, fitting
from chainrule.nn.layers import Mode
from chainrule.train.step import batch_inputs, flat, loss_and_gradient, views

#: The key of the random numbers of every call: one dropout mask for all of them.
KEY = np.array([0, 0], np.uint32)


def of_network(
    net: Sequential, data: Any, loss: Any, names: Sequence[str] | None = None
) -> Subject:
    """The gradient of a training step of ``net`` on ``data`` = (X, t), as the engine computes it.

    Judged is what ``fit`` uses: the simplified, planned graph in the network's own dtype. Against
    it stands the forward pass in float64.
    """
    if not isinstance(data, list | tuple) or len(data) != 2:
        raise OptionError("a network is checked on data: check_gradients(net, (X, t), loss=...).")
    if not net.is_built:
        net.build(np.shape(data[0])[1:])
    used = net.loss_for(loss)
    x = fitting.inputs(data[0], net.dtype, net.input_shape)
    t = fitting.targets(data[1], used, len(x), net.output_shape, net.dtype)
    batch = {"x": x, "t": t}
    shapes = {name: array.shape for name, array in net.parameters.items()}
    picked = chosen(names, shapes)
    point = {name: array.astype(np.float64) for name, array in net.parameters.items()}

    compiled: list[Callable[..., Any]] = []

    def recorded(named: Named) -> Tensor:
        kept = {name: constant(_wide(array)) for name, array in net.statistics.items()}
        mode = Mode(training=True, key=constant(KEY))
        output, _ = net.forward(constant(_wide(x)), dict(named), kept, mode)
        value: Tensor = used(output, constant(_wide(t)))
        return value

    def gradients(named: Named) -> dict[str, Any]:
        theta = flat({n: np.asarray(named.get(n, point[n])) for n in shapes}, net.dtype)
        if not compiled:
            compiled.append(_training_gradient(net, used, theta.shape, batch))
        found = views(compiled[0](theta, *net.statistics.values(), *batch.values()), shapes)
        return {name: found[name] for name in picked}

    return Subject(
        {name: point[name] for name in picked},
        _called(recorded, point),
        gradients,
        None,
        coarsest([net.dtype]),
        (),
        (),
    )


def of_graph(
    graph: Graph, parameters: Any, gradients: Any, names: Sequence[str] | None = None
) -> Subject:
    """A graph with one output of one entry; without gradients, ``graph.backward()`` is judged."""
    if len(graph.outputs) != 1 or graph.outputs[0].size != 1:
        raise GradientError("only a graph with one output of one entry has a gradient.")
    inputs = graph.input_names()
    if not isinstance(parameters, Mapping):
        listed = parameters if isinstance(parameters, list | tuple) else [parameters]
        parameters = dict(zip(inputs, listed, strict=False))
    missing = [name for name in inputs if name not in parameters]
    if missing:
        raise OptionError(f"the graph needs numbers for {', '.join(inputs)}; missing: {missing}.")
    arrays = {name: floats(name, parameters[name]) for name in inputs}
    wanted = [n for n in inputs if graph.input(n).dtype.kind == "f" and arrays[n] is not None]
    if isinstance(gradients, Mapping) and names is None:
        names = [name for name in wanted if gradients.keys() & {name, f"d{name}", f"grad_{name}"}]
    picked = chosen(names or None, {name: arrays[name] for name in wanted})

    def all_of(named: Named) -> list[Any]:
        return [named.get(name, parameters[name]) for name in inputs]

    def backward(named: Named) -> dict[str, Any]:
        run = graph.backward(*picked).compile("numpy")
        found = run(*all_of(named))
        return dict(zip(picked, found if len(picked) > 1 else [found], strict=True))

    shapes = [graph.input(name).shape for name in picked]
    point = {name: a for name, a in arrays.items() if a is not None and name in picked}
    judged: Callable[..., Any] | None = gradients if callable(gradients) else None

    def theirs(named: Named) -> dict[str, Any]:
        assert judged is not None
        return matched(judged(dict(zip(inputs, all_of(named), strict=True))), picked, shapes)

    return Subject(
        point,
        lambda named: _replayed(graph, dict(zip(inputs, all_of(named), strict=True))),
        backward if gradients is None else theirs if judged else None,
        None if gradients is None or judged else matched(gradients, picked, shapes),
        coarsest([graph.input(name).dtype for name in picked]),
        () if judged is None else (judged,),
        (gradients,),
    )


def _replayed(graph: Graph, named: Mapping[str, Any]) -> Any:
    """The graph's output: recorded anew where Tensors are handed in, else evaluated."""
    if not any(isinstance(value, Tensor) for value in named.values()):
        return graph.compile("reference")(*named.values())
    become: dict[Tensor, Tensor] = {}
    for node, value in zip(graph.inputs, named.values(), strict=True):
        become[node] = value if isinstance(value, Tensor) else constant(value, node.dtype)
    for node in graph.nodes[len(graph.inputs) :]:
        become[node] = rewired(node, tuple(become[x] for x in node.inputs))
    return become[graph.outputs[0]]


def _called(
    recorded: Callable[[Named], Tensor], point: Mapping[str, Array]
) -> Callable[[Named], Any]:
    """``recorded`` for Tensors; for arrays, its graph, compiled once."""
    compiled: list[Callable[..., Any]] = []

    def call(named: Named) -> Any:
        if any(isinstance(value, Tensor) for value in named.values()):
            leaves = {n: constant(point[n]) for n in point if n not in named}
            return recorded(leaves | dict(named))
        if not compiled:
            inputs = {n: placeholder(a.shape, np.float64, n) for n, a in point.items()}
            graph = Graph(list(inputs.values()), [recorded(inputs)])
            compiled.append(graph.compile("reference"))
        return compiled[0](*[named.get(name, point[name]) for name in point])

    return call


def _training_gradient(
    net: Sequential, loss: Any, size: tuple[int, ...], batch: Mapping[str, Array]
) -> Callable[..., Any]:
    theta = placeholder(size, net.dtype, "theta")
    kept = {n: placeholder(a.shape, a.dtype, n) for n, a in net.statistics.items()}
    inputs = batch_inputs(batch)
    _, gradient, _ = loss_and_gradient(net, loss, theta, kept, inputs, constant(KEY))
    graph = Graph([theta, *kept.values(), *inputs.values()], [gradient]).simplify()
    return graph.compile("numpy")


def _wide(array: Array) -> Array:
    """In float64, unless it holds class indices."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array
