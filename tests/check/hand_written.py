"""A network written by hand in NumPy, with a place to go wrong at every step of its backward pass.

Three layers, all 4 wide so that shapes hide nothing wrong, 6 samples in rows.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

Array = np.ndarray
Parameters = dict[str, Array]
M, K = 6, 4

RNG = np.random.default_rng(5)
X = RNG.normal(size=(M, 4))
T = np.eye(K)[RNG.integers(0, K, M)]
PARAMETERS: Parameters = {
    name: RNG.normal(scale=0.7, size=(4, 4) if name[0] == "W" else 4)
    for name in ("W1", "b1", "W2", "b2", "W3", "b3")
}


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def forward(p: Parameters, output: Callable[[Array], Array]) -> SimpleNamespace:
    v = SimpleNamespace(**p)
    v.z1 = X @ p["W1"] + p["b1"]
    v.a1 = sigmoid(v.z1)
    v.z2 = v.a1 @ p["W2"] + p["b2"]
    v.a2 = np.tanh(v.z2)
    v.z3 = v.a2 @ p["W3"] + p["b3"]
    v.a3 = output(v.z3)
    return v


def cross_entropy(p: Parameters) -> Any:
    return -np.sum(T * np.log(forward(p, softmax).a3)) / M


def squared_error(p: Parameters) -> Any:
    return np.mean(np.sum((forward(p, sigmoid).a3 - T) ** 2, axis=1))


Hook = Callable[[Any, SimpleNamespace], Any]


def backward(p: Parameters, loss: Callable[..., Any], **hooks: Hook) -> Parameters:
    """The gradients; each hook gets a result by its name, and what there is, and gives another."""
    v = forward(p, softmax if loss is cross_entropy else sigmoid)

    def step(name: str, value: Any) -> Any:
        setattr(v, name, hooks[name](value, v) if name in hooks else value)
        return getattr(v, name)

    g: Parameters = {}
    v.g = g
    if loss is cross_entropy:
        step("dz3", (v.a3 - T) / M)
    else:
        step("da3", 2 * (v.a3 - T) / M)
        step("dz3", v.da3 * v.a3 * (1 - v.a3))
    g["W3"], g["b3"] = step("W3_", v.a2.T @ v.dz3), step("b3_", v.dz3.sum(axis=0))
    step("da2", v.dz3 @ p["W3"].T)
    step("dz2", v.da2 * (1 - v.a2**2))
    g["W2"], g["b2"] = step("W2_", v.a1.T @ v.dz2), step("b2_", v.dz2.sum(axis=0))
    step("da1", v.dz2 @ p["W2"].T)
    step("dz1", v.da1 * v.a1 * (1 - v.a1))
    g["W1"], g["b1"] = step("W1_", X.T @ v.dz1), step("b1_", v.dz1.sum(axis=0))
    return {name: g[name] for name in PARAMETERS}
