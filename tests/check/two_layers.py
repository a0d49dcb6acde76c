"""A hand-written network for the tests of the judges, as learners write it, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


class TwoLayers:
    """4-5-3, tanh or ReLU and softmax, mean cross-entropy."""

    def __init__(self, rows: int = 12, seed: int = 0, activation: str = "tanh") -> None:
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(rows, 4))
        self.t = np.eye(3)[rng.integers(0, 3, rows)]
        self.activation = activation
        self.parameters: Arrays = {
            "W1": rng.normal(size=(4, 5)),
            "b1": rng.normal(size=5),
            "W2": rng.normal(size=(5, 3)),
            "b2": rng.normal(size=3),
        }

    def forward(self, p: Any) -> Any:
        z = self.X @ p["W1"] + p["b1"]
        h = np.tanh(z) if self.activation == "tanh" else np.maximum(z, 0)
        s = h @ p["W2"] + p["b2"]
        e = np.exp(s - np.max(s, axis=1, keepdims=True))
        return z, h, e / np.sum(e, axis=1, keepdims=True)

    def loss(self, p: Any) -> Any:
        return -np.sum(self.t * np.log(self.forward(p)[2])) / len(self.X)

    def gradients(self, p: Arrays) -> Arrays:
        z, h, y = self.forward(p)
        d2 = (y - self.t) / len(self.X)
        slope = 1 - h**2 if self.activation == "tanh" else (z > 0) * 1.0
        d1 = d2 @ p["W2"].T * slope
        return {"W1": self.X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}

    def unrecordable(self, p: Any) -> Any:
        """The loss as code that makes arrays of its parameters: no graph, but complex numbers."""
        return self.loss({name: np.array(array) for name, array in p.items()})

    def real_only(self, p: Any) -> Any:
        """The loss as code that bears neither Tensors nor complex numbers."""
        return float(self.loss({name: np.array(a, dtype=float) for name, a in p.items()}))
