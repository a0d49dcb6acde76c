"""Small programs that the doctor is asked about."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule as cr

XOR = cr.data.gate("xor")
MOONS = cr.data.moons(250, noise=0.15, seed=0)


def digits() -> tuple[Any, Any]:
    """A few hundred digits."""
    data = cr.data.digits()
    return data.X_train[:500], data.y_train[:500]


def for_xor(units: int = 8, activation: str = "tanh", **options: Any) -> cr.Sequential:
    return cr.Sequential(
        cr.Dense(units, activation, **options), cr.Dense(1, "sigmoid", **options)
    )  # fmt: skip


def for_digits(activation: str = "relu", **options: Any) -> cr.Sequential:
    return cr.Sequential(
        cr.Dense(24, activation, **options), cr.Dense(10, "softmax", **options)
    )  # fmt: skip


def curve(rows: int = 200, seed: int = 0) -> tuple[Any, Any]:
    """A smooth regression with a little noise, its targets of size 1."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (rows, 2))
    y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + 0.05 * rng.standard_normal(rows)
    return X, ((y - y.mean()) / y.std())[:, None]


FULL: dict[str, Any] = {"batch_size": None, "optimizer": cr.Adam(0.05), "epochs": 600}


def for_moons(**options: Any) -> cr.Sequential:
    return for_xor(16, **options)
