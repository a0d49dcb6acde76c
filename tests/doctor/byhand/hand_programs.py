"""A program by hand on two tasks, as source text whose lines a test may exchange."""

from __future__ import annotations

import linecache
from types import ModuleType
from typing import Any

import numpy as np

import chainrule as cr

BLOBS = """\
import numpy as np

rng = np.random.default_rng(1)
parameters = {
    "W1": rng.normal(size=(2, 10)) / np.sqrt(2),
    "b1": np.zeros(10),
    "W2": rng.normal(size=(10, 10)) / np.sqrt(10),
    "b2": np.zeros(10),
    "W3": rng.normal(size=(10, 3)) / np.sqrt(10),
    "b3": np.zeros(3),
}


class Tanh:
    def forward(self, a):
        self.h = np.tanh(a)
        return self.h

    def backward(self, g):
        return g * (1 - self.h**2)


first, second = Tanh(), Tanh()


def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def forward(p, X):
    h1 = first.forward(X @ p["W1"] + p["b1"])
    h2 = second.forward(h1 @ p["W2"] + p["b2"])
    return softmax(h2 @ p["W3"] + p["b3"])


def loss(p, X, y):
    return -np.mean(np.sum(y * np.log(forward(p, X) + 1e-12), axis=1))


def gradients(p, X, y):
    q = forward(p, X)
    h1, h2 = first.h, second.h
    d3 = (q - y) / len(X)
    d2 = second.backward(d3 @ p["W3"].T)
    d1 = first.backward(d2 @ p["W2"].T)
    return {
        "W1": X.T @ d1, "b1": d1.sum(axis=0),
        "W2": h1.T @ d2, "b2": d2.sum(axis=0),
        "W3": h2.T @ d3, "b3": d3.sum(axis=0),
    }


def step(p, X, y):
    g = gradients(p, X, y)
    for name in p:
        p[name] -= 0.3 * g[name]


def batches(X, y):
    order = rng.permutation(len(X))
    for i in range(0, len(X), 16):
        yield X[order[i : i + 16]], y[order[i : i + 16]]


def metric(p, X, y):
    return np.mean(np.argmax(forward(p, X), axis=1) == np.argmax(y, axis=1))
"""

SKIP = (
    ('h2 = second.forward(h1 @ p["W2"] + p["b2"])',
     'h2 = h1 + second.forward(h1 @ p["W2"] + p["b2"])'),
    ("h1, h2 = first.h, second.h", "h1, h2 = first.h, first.h + second.h"),
    ('d2 = second.backward(d3 @ p["W3"].T)',
     'back = d3 @ p["W3"].T\n    d2 = second.backward(back)'),
    ('first.backward(d2 @ p["W2"].T)', 'first.backward(d2 @ p["W2"].T + back)'),
)  # fmt: skip


def spirals(rows: int = 120, seed: int = 0) -> tuple[Any, Any]:
    """Three short arms, scaled, and their labels."""
    X, y = cr.data.spirals(rows, noise=0.1, seed=seed)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def module(*edits: tuple[str, str], text: str = BLOBS) -> ModuleType:
    """The program with pieces of its text exchanged, run as a file would be."""
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    made = ModuleType("by_hand")
    name = f"<by hand {abs(hash(text))}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), made.__dict__)
    return made


def given(*edits: tuple[str, str], data: Any = None, **options: Any) -> dict[str, Any]:
    """What ``cr.diagnose`` is given for it."""
    made = vars(module(*edits))
    if data is None:
        X, y = spirals()
        data = (X, np.eye(3)[y])
    names = ("step", "forward", "parameters", "loss", "gradients", "batches", "metric")
    return {**{n: made[n] for n in names}, "data": data, "epochs": 100, **options}


def names(*edits: tuple[str, str], **options: Any) -> list[str]:
    """The names of the findings, in order."""
    return [finding.name for finding in cr.diagnose(**given(*edits, **options)).findings]
