"""Hosts: the tasks that programs are written for. Half of them are never used for tuning."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr

Array = NDArray[Any]
TUNING, HELD_OUT = "tuning", "held-out"


@dataclass(frozen=True)
class Data:
    """Rows to learn from and rows to be judged on; y is (n,) labels or (n, 1) values."""

    X: Array
    y: Array
    Xv: Array | None = None
    yv: Array | None = None


@dataclass(frozen=True)
class Host:
    """A task, with a network and a training that suit it.

    Attributes:
        kind: "binary" (one sigmoid), "classes" (softmax) or "values" (a regression).
        source: gives the data of a seed.
        hidden: units of each hidden layer. adam, sgd: a rate that works with each.
        slow: epochs and batch for plain descent are these times those of Adam.
    """

    name: str
    half: str
    kind: str
    source: Callable[[int], Data]
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int | None
    adam: float
    sgd: float
    classes: int = 1
    slow: int = 1

    def load(self, seed: int) -> Data:
        """The data of a seed, read once; nobody writes into them."""
        return _loaded(self.source, seed)


@functools.cache
def _loaded(source: Callable[[int], Data], seed: int) -> Data:
    data = source(seed)
    for array in (data.X, data.y, data.Xv, data.yv):
        if array is not None:
            array.flags.writeable = False
    return data


def _gate(name: str) -> Callable[[int], Data]:
    def load(seed: int) -> Data:
        X, y = cr.data.gate(name)
        return Data(X, y)

    return load


def _xnor(seed: int) -> Data:
    X, y = cr.data.gate("xor")
    return Data(X, 1 - y)


def _split(X: Array, y: Array, train: int, seed: int, scale: bool = False) -> Data:
    order = np.random.default_rng(1000 + seed).permutation(len(X))
    X, y = np.asarray(X, np.float64)[order], y[order]
    if scale:
        X = (X - X[:train].mean(axis=0)) / X[:train].std(axis=0)
    return Data(X[:train], y[:train], X[train:], y[train:])


def _moons(seed: int) -> Data:
    return _split(*cr.data.moons(400, noise=0.15, seed=seed), 250, seed)


def _circles(seed: int) -> Data:
    return _split(*cr.data.circles(400, noise=0.08, seed=seed), 250, seed)


def _digits(seed: int) -> Data:
    data = cr.data.digits(seed=seed)
    return Data(data.X_train[:700], data.y_train[:700], data.X_test, data.y_test)


@functools.cache
def _all_of_mnist() -> cr.data.Dataset:
    return cr.data.mnist()


def _mnist(seed: int) -> Data:
    data = _all_of_mnist()
    order = np.random.default_rng(seed).permutation(len(data.X_train))[:1500]
    X, y = data.X_train[order], data.y_train[order]
    return Data(X[:1000], y[:1000], X[1000:], y[1000:])


def _waves(seed: int) -> Data:
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (420, 2))
    y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + 0.05 * rng.standard_normal(420)
    y = (y - y.mean()) / y.std()
    return _split(X, y[:, None], 280, seed)


def _friedman(seed: int) -> Data:
    """Friedman (1991), Multivariate adaptive regression splines, without its empty columns."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 1, (600, 5))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    y = y + 10 * X[:, 3] + 5 * X[:, 4] + 0.3 * rng.standard_normal(600)
    return _split(2 * X - 1, ((y - y.mean()) / y.std())[:, None], 400, seed)


def _wine(seed: int) -> Data:
    from sklearn.datasets import load_wine

    return _split(*load_wine(return_X_y=True), 130, seed, scale=True)


def _cancer(seed: int) -> Data:
    from sklearn.datasets import load_breast_cancer

    return _split(*load_breast_cancer(return_X_y=True), 400, seed, scale=True)


HOSTS = {
    host.name: host
    for host in (
        Host("xor", TUNING, "binary", _gate("xor"), (8,), 400, None, 0.05, 1.0, slow=6),
        Host("moons", TUNING, "binary", _moons, (16,), 60, 32, 0.02, 0.4, slow=2),
        Host("digits", TUNING, "classes", _digits, (32,), 12, 32, 0.01, 0.2, classes=10),
        Host("waves", TUNING, "values", _waves, (24,), 60, 32, 0.01, 0.1),
        Host("wine", TUNING, "classes", _wine, (12,), 25, 16, 0.01, 0.1, classes=3),
        Host("and", HELD_OUT, "binary", _gate("and"), (6,), 300, None, 0.05, 1.0, slow=4),
        Host("xnor", HELD_OUT, "binary", _xnor, (8,), 400, None, 0.05, 1.0, slow=6),
        Host("circles", HELD_OUT, "binary", _circles, (16,), 60, 32, 0.02, 0.4, slow=2),
        Host("mnist", HELD_OUT, "classes", _mnist, (32,), 6, 32, 0.005, 0.1, classes=10),
        Host("friedman", HELD_OUT, "values", _friedman, (24,), 60, 32, 0.01, 0.1),
        Host("cancer", HELD_OUT, "binary", _cancer, (12,), 8, 32, 0.01, 0.05),
    )
}


def present() -> dict[str, Host]:
    """The hosts whose data are on this machine: MNIST is not downloaded for a bench."""
    return {
        name: host
        for name, host in HOSTS.items()
        if name != "mnist" or cr.data.find_mnist() is not None
    }


def baseline(host: Host) -> float:
    """The loss of knowing nothing: ln 2, ln K, or the variance of a standardised target."""
    return {"binary": float(np.log(2)), "values": 1.0}.get(host.kind, float(np.log(host.classes)))


def yardstick(outputs: Array, y: Array) -> float:
    """The host's own loss of these outputs: cross-entropy, or squared error over the variance.

    An output that cannot be read (another number of rows, NaN) has an infinite loss.
    """
    p = np.asarray(outputs, np.float64)
    if len(p) != len(y) or not np.isfinite(p).all():
        return float("inf")
    p = p.reshape(len(y), -1)
    if np.asarray(y).ndim == 2:
        return float(np.mean((p - y) ** 2) / np.var(y)) if p.shape == y.shape else float("inf")
    if p.shape[1] == 1:
        p = np.hstack([1 - p, p])
    chosen = p[np.arange(len(y)), np.asarray(y, int)]
    return float(-np.mean(np.log(np.clip(chosen, 1e-7, 1.0))))
