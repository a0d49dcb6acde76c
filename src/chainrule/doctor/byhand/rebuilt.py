"""The same network written anew: the program's own shapes and rate, and every formula right.

It is how a program is treated whose forward pass is wrong inside, where nothing can be exchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.doctor.byhand.chain import Layer
from chainrule.doctor.byhand.prescriptions import prescription
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.doctor.byhand.rates import rate_of
from chainrule.doctor.byhand.reading import BINARY, CLASSES
from chainrule.doctor.byhand.truth import TrueGradient
from chainrule.doctor.finding import Prescription
from chainrule.graph.op import Array

#: The rate where the program's own cannot be told.
USUAL_RATE = 0.1

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "np.tanh(a)": lambda a: np.tanh(a),
    "np.maximum(0, a)": lambda a: np.maximum(0, a),
    "1 / (1 + np.exp(-a))": lambda a: 1 / (1 + np.exp(-a)),
    "np.where(a > 0, a, 0.01 * a)": lambda a: np.where(a > 0, a, 0.01 * a),
}


def outputs_of(layers: tuple[Layer, ...], p: Any, X: Any, activation: Callable[[Any], Any]) -> Any:
    """The sums of the last layer."""
    h = X
    for place, layer in enumerate(layers):
        h = h @ p[layer.weight]
        h = h if layer.bias is None else h + p[layer.bias]
        h = activation(h) if place < len(layers) - 1 else h
    return h


def _softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def rewritten(probes: Probes, text: str, activation: str = "np.tanh(a)") -> Prescription | None:
    """The network with right formulas; None where the shapes do not tell a chain of layers."""
    layers, kind = probes.layers, probes.targets.kind
    if not layers or probes.program.parameters[layers[-1].weight].shape[1] != probes.columns:
        return None
    hidden, rate = ACTIVATIONS[activation], rate_of(probes) or USUAL_RATE
    last = {BINARY: ACTIVATIONS["1 / (1 + np.exp(-a))"], CLASSES: _softmax}.get(kind, lambda z: z)

    def forward(p: Any, X: Any) -> Any:
        return last(outputs_of(layers, p, X, hidden))

    def loss(p: Any, X: Any, y: Any) -> Any:
        q = forward(p, X)
        if kind == BINARY:
            return -np.mean(y * np.log(q) + (1 - y) * np.log(1 - q))
        if kind == CLASSES:
            return -np.mean(np.sum(y * np.log(q), axis=1))
        return np.mean((q - y) ** 2)

    def change(program: Program) -> Program:
        fixed = replace(program, forward=forward, loss=loss, gradients=None)
        truth = TrueGradient(fixed)

        def step(p: Parameters, X: Any, y: Any) -> Parameters:
            g = truth(p, np.asarray(X, np.float64), _wanted(y, kind, probes.targets.classes))
            return {name: array - rate * g[name] for name, array in p.items()}

        floats = {name: array.astype(np.float64) for name, array in program.parameters.items()}
        return replace(fixed, step=step, parameters=floats)

    return prescription(text, change)


#: A softmax as it should be, in a line.
SOFTMAX_OF_ROWS = (
    "divide by np.sum(e, axis=1, keepdims=True) below e = np.exp(z - np.max(z, axis=1, "
    "keepdims=True))"
)


def softmax_of_rows(probes: Probes) -> tuple[Prescription, ...]:
    """The network with a softmax of each row, if it can be rewritten."""
    repair = rewritten(probes, "softmax over each row", hidden_activation_of(probes))
    return () if repair is None else (repair,)


def _wanted(y: Any, kind: str, classes: int) -> Array:
    """The targets of a batch as the loss above takes them."""
    array = np.asarray(y, np.float64).reshape(len(y), -1)
    if kind == CLASSES and array.shape[1] == 1:
        return np.asarray(np.eye(classes)[array[:, 0].astype(int)])
    return array if kind != BINARY or array.shape[1] == 1 else array[:, 1:2]


def hidden_activation_of(probes: Probes) -> str:
    """The activation with which the chain gives the program's outputs; tanh if none does."""
    point, layers = probes.point, probes.layers
    given = probes.answered(point.parameters, point.X)
    if given is None or not layers:
        return "np.tanh(a)"
    for name, function in ACTIVATIONS.items():
        with np.errstate(all="ignore"):
            z = outputs_of(layers, point.parameters, point.X, function)
            tried = (z, 1 / (1 + np.exp(-z)), _softmax(z), np.maximum(0, z))
        if any(t.shape == given.shape and np.allclose(t, given, atol=1e-6) for t in tried):
            return name
    return "np.tanh(a)"
