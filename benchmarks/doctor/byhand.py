"""Programs by hand: a network, its gradients and its loop in plain NumPy, as source text.

The text is what a learner writes: two hidden layers, a forward pass, a loss, a backward pass, an
update. ``Script`` holds the text and what it is run with; a fault replaces a line.
"""

from __future__ import annotations

import itertools
import linecache
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from doctor.hosts import Array, Data, Host
from doctor.networks import column

HEAD = """\
import numpy as np

rng = np.random.default_rng(SEED)
inputs, outputs = X.shape[1], OUTPUTS
parameters = {
    "W1": rng.normal(size=(inputs, UNITS)) * np.sqrt(GAIN / inputs),
    "b1": np.zeros(UNITS),
    "W2": rng.normal(size=(UNITS, UNITS)) * np.sqrt(GAIN / UNITS),
    "b2": np.zeros(UNITS),
    "W3": rng.normal(size=(UNITS, outputs)) * np.sqrt(1 / UNITS),
    "b3": np.zeros(outputs),
}
"""

ACTIVATION = {
    "tanh": '''

def f(a):
    return np.tanh(a)


def slope(h):
    return 1 - h**2
''',
    "relu": '''

def f(a):
    return np.maximum(0, a)


def slope(h):
    return (h > 0) * 1.0
''',
    "sigmoid": '''

def f(a):
    return 1 / (1 + np.exp(-a))


def slope(h):
    return h * (1 - h)
''',
}  # fmt: skip

LAST = {
    "binary": '''

def last(z):
    return 1 / (1 + np.exp(-z))
''',
    "classes": '''

def last(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)
''',
    "values": '''

def last(z):
    return z
''',
}  # fmt: skip

FORWARD = """

def layers(p, X):
    h1 = f(X @ p["W1"] + p["b1"])
    h2 = f(h1 @ p["W2"] + p["b2"])
    return h1, h2, last(h2 @ p["W3"] + p["b3"])


def forward(p, X):
    return layers(p, X)[-1]
"""

LOSS = {
    "binary": '''

def loss(p, X, y):
    q = forward(p, X)
    return -np.mean(y * np.log(q + 1e-9) + (1 - y) * np.log(1 - q + 1e-9))
''',
    "classes": '''

def loss(p, X, y):
    q = forward(p, X)
    return -np.mean(np.sum(y * np.log(q + 1e-9), axis=1))
''',
    "values": '''

def loss(p, X, y):
    return np.mean((forward(p, X) - y) ** 2)
''',
}  # fmt: skip

BACKWARD = """

def gradients(p, X, y):
    h1, h2, q = layers(p, X)
    d3 = DELTA
    d2 = d3 @ p["W3"].T * slope(h2)
    d1 = d2 @ p["W2"].T * slope(h1)
    return {
        "W1": X.T @ d1,
        "b1": d1.sum(axis=0),
        "W2": h1.T @ d2,
        "b2": d2.sum(axis=0),
        "W3": h2.T @ d3,
        "b3": d3.sum(axis=0),
    }
"""

STEP = """

def step(p, X, y):
    g = gradients(p, X, y)
    for name in p:
        p[name] -= RATE * g[name]
"""

BATCHES = """

def batches(X, y):
    order = rng.permutation(len(X))
    for first in range(0, len(X), BATCH):
        rows = order[first : first + BATCH]
        yield X[rows], y[rows]
"""

METRIC = {
    "binary": '''

def metric(p, X, y):
    return np.mean((forward(p, X) > 0.5) == (y > 0.5))
''',
    "classes": '''

def metric(p, X, y):
    return np.mean(np.argmax(forward(p, X), axis=1) == np.argmax(y, axis=1))
''',
    "values": '''

def metric(p, X, y):
    return 1 - np.mean((forward(p, X) - y) ** 2) / np.var(y)
''',
}  # fmt: skip

DELTA = {
    "binary": "(q - y) / len(X)",
    "classes": "(q - y) / len(X)",
    "values": "2 * (q - y) / len(X)",
}

_count = itertools.count()


@dataclass(frozen=True)
class Script:
    """A program by hand: its text, the data and numbers that it is run with, and its epochs.

    ``labels`` are the true targets of the rows of ``data``, whatever a fault made of its y;
    ``judge`` is how the bench reads the outputs where a fault leaves no other way.
    """

    host: Host
    activation: str
    seed: int
    text: str
    data: Data
    labels: tuple[Array, Array | None]
    epochs: int
    values: tuple[tuple[str, Any], ...]
    unknown: tuple[str, ...] = ()

    def with_values(self, **values: Any) -> Script:
        """The same with other numbers in place of these."""
        return replace(self, values=tuple((dict(self.values) | values).items()))

    def edited(self, old: str, new: str) -> Script:
        """The same with one piece of its text replaced.

        Raises:
            ValueError: the piece is not there exactly once.
        """
        if self.text.count(old) != 1:
            raise ValueError(f"{old!r} is {self.text.count(old)} times in the program.")
        return replace(self, text=self.text.replace(old, new))

    def source(self) -> str:
        """The text with its numbers filled in, as it would stand in a file."""
        text = self.text
        for name, value in self.values:
            text = text.replace(name, repr(value))
        return text

    def module(self) -> ModuleType:
        """The program, run: its functions and its parameters."""
        made = ModuleType("program")
        name = f"<program {next(_count)}>"
        source = self.source()
        made.__dict__.update(X=self.data.X, y=self.data.y)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), made.__dict__)
        return made

    def options(self) -> dict[str, Any]:
        """What ``cr.diagnose(step=..., ...)`` is given."""
        made = vars(self.module())
        names = ("step", "forward", "parameters", "loss", "gradients", "batches", "metric")
        given = {name: made[name] for name in names if name not in self.unknown}
        validation = None if self.data.Xv is None else (self.data.Xv, self.data.yv)
        data = (self.data.X, self.data.y)
        return {
            **given, "data": data, "validation": validation, "epochs": self.epochs,
            "seed": self.seed,
        }  # fmt: skip


def targets(host: Host, y: Array | None) -> Array | None:
    """One-hot rows for classes, else a column."""
    if y is None or host.kind != "classes":
        return column(y)
    import numpy as np

    return np.eye(host.classes)[y]


def script(host: Host, activation: str, seed: int) -> Script:
    """The healthy program by hand of a host, an activation and a seed."""
    data = host.load(seed)
    text = (
        HEAD + ACTIVATION[activation] + LAST[host.kind] + FORWARD + LOSS[host.kind]
        + BACKWARD.replace("DELTA", DELTA[host.kind]) + STEP + BATCHES + METRIC[host.kind]
    )  # fmt: skip
    values = {
        "SEED": seed,
        "OUTPUTS": host.classes,
        "UNITS": max(8, host.hidden[0] - 2 * (seed % 3)),
        "GAIN": 2 if activation == "relu" else 1,
        "RATE": host.sgd * (1.0, 0.7, 0.5)[seed % 3],
        "BATCH": host.batch_size or len(data.X),
    }
    return Script(
        host=host,
        activation=activation,
        seed=seed,
        text=text,
        data=replace(data, y=targets(host, data.y), yv=targets(host, data.yv)),
        labels=(data.y, data.yv),
        epochs=host.epochs * host.slow,
        values=tuple(values.items()),
    )
