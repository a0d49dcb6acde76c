"""The true gradient of a program's loss, and steps that descend along it."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.graph.differentiate import differentiate
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.graph.tensor import placeholder
from chainrule.graph.trace import recorded


class TrueGradient:
    """∇ loss(parameters, X, y), from the loss recorded as a graph, once for each batch shape.

    Raises:
        Exception: whatever the user's loss raises when it is handed Tensors.
    """

    def __init__(self, program: Program) -> None:
        self._loss: Any = program.loss
        self._graphs: dict[Any, Any] = {}

    def __call__(self, p: Parameters, X: Array, y: Array) -> Parameters:
        """The gradient with respect to each parameter."""
        key = tuple((a.shape, a.dtype) for a in (*p.values(), X, y))
        if key not in self._graphs:
            self._graphs[key] = self._recorded(p, X, y)
        return dict(zip(p, self._graphs[key](*p.values(), X, y), strict=True))

    def _recorded(self, p: Parameters, X: Array, y: Array) -> Any:
        arrays = [np.asarray(X), np.asarray(y)]
        inputs = {name: placeholder(a.shape, a.dtype, name) for name, a in p.items()}
        data = [placeholder(a.shape, a.dtype, n) for a, n in zip(arrays, "Xy", strict=True)]
        loss = recorded(self._loss(dict(inputs), *data))
        gradients = differentiate(loss, list(inputs.values()))
        graph = Graph([*inputs.values(), *data], gradients).simplify().compile("numpy")
        return lambda *given: [np.array(g) for g in _several(graph(*given))]


def _several(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def fitted_rate(updates: Parameters, gradients: Parameters) -> float | None:
    """The rate η for which most updates are η times the gradient; None where nothing moves."""
    slopes = []
    for name, g in gradients.items():
        size = float(np.sum(g * g))
        if updates[name].shape == g.shape and size > 0:
            slopes.append(float(np.sum(updates[name] * g)) / size)
    slopes = [slope for slope in slopes if np.isfinite(slope) and slope != 0]
    return float(np.median(np.abs(slopes))) if slopes else None
