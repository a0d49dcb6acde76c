"""Healthy programs by hand that look ill, or whose loop is more than plain descent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from doctor.byhand import ACTIVATION, Script
from doctor.handfaults import HandFault, numerical, with_skip
from doctor.hosts import Data

UPDATE = "        p[name] -= RATE * g[name]\n"


def plain(script: Script, rng: np.random.Generator) -> Script:
    """The host's own program."""
    return script


def momentum(script: Script, rng: np.random.Generator) -> Script:
    """Steps that remember: v = 0.8 v - rate * g."""
    text = script.text.replace(
        "\n\ndef step(",
        "\n\nvelocity = {name: np.zeros_like(array) for name, array in parameters.items()}\n"
        "\n\ndef step(",
    )
    text = text.replace(
        UPDATE,
        "        velocity[name] = 0.8 * velocity[name] - RATE / 5 * g[name]\n"
        "        p[name] += velocity[name]\n",
    )
    return replace(script, text=text)


def adam(script: Script, rng: np.random.Generator) -> Script:
    """Adam, written out."""
    text = script.text.replace(
        "\n\ndef step(p, X, y):\n",
        "\n\nmoments = {name: [0.0, 0.0] for name in parameters}\nsteps = 0\n"
        "\n\ndef step(p, X, y):\n    global steps\n    steps += 1\n",
    )
    text = text.replace(
        UPDATE,
        "        m, v = moments[name]\n"
        "        m, v = 0.9 * m + 0.1 * g[name], 0.999 * v + 0.001 * g[name] ** 2\n"
        "        moments[name] = [m, v]\n"
        "        m, v = m / (1 - 0.9**steps), v / (1 - 0.999**steps)\n"
        "        p[name] -= RATE * m / (np.sqrt(v) + 1e-8)\n",
    )
    return replace(script, text=text, epochs=script.host.epochs).with_values(RATE=script.host.adam)


def decay(script: Script, rng: np.random.Generator) -> Script:
    """A penalty on the weights, in the loss and in the gradient."""
    text = script.text.replace("return -np.mean(", "return penalty(p) - np.mean(")
    text = text.replace(
        "return np.mean((forward(p, X) - y) ** 2)\n\n\ndef gradients",
        "return penalty(p) + np.mean((forward(p, X) - y) ** 2)\n\n\ndef gradients",
    )
    text = text.replace(
        "\n\ndef loss(",
        '\n\ndef penalty(p):\n    return 5e-5 * sum(np.sum(p[w] ** 2) for w in ("W1", "W2", "W3"))'
        "\n\n\ndef loss(",
    )
    for line in ('"W1": X.T @ d1', '"W2": h1.T @ d2', '"W3": h2.T @ d3'):
        text = text.replace(line, f"{line} + 1e-4 * p[{line[:4]}]")
    return replace(script, text=text)


def new_arrays(script: Script, rng: np.random.Generator) -> Script:
    """The step changes nothing in place, and returns new parameters."""
    return script.edited(
        f"    for name in p:\n{UPDATE}", "    return {k: a - RATE * g[k] for k, a in p.items()}\n"
    )


def schedule(script: Script, rng: np.random.Generator) -> Script:
    """A rate that falls slowly from step to step."""
    text = script.text.replace(
        "\n\ndef step(p, X, y):\n",
        "\n\nsteps = 0\n\n\ndef step(p, X, y):\n    global steps\n    steps += 1\n",
    )
    text = text.replace("RATE * g[name]", "RATE / (1 + 1e-4 * steps) * g[name]")
    return replace(script, text=text)


def skip(script: Script, rng: np.random.Generator) -> Script:
    """A residual program."""
    return with_skip(script)


def differences(script: Script, rng: np.random.Generator) -> Script | None:
    """Gradients by differences of the loss, with parameters that can be moved."""
    small = numerical(script)
    if small is None:
        return None
    return replace(small, epochs=script.epochs // 2).with_values(UNITS=6)


def unknown_gradients(script: Script, rng: np.random.Generator) -> Script:
    """Only the step and the forward pass are handed over, and the loss for some seeds."""
    hidden = ("gradients", "metric", "batches") + (() if script.seed % 2 else ("loss",))
    return replace(script, unknown=hidden)


def rate_of_one(script: Script, rng: np.random.Generator) -> Script | None:
    """Sigmoid units and a rate of 1.0 or more."""
    if script.host.kind == "values":
        return None
    is_gate = script.host.batch_size is None
    text = script.text.replace(ACTIVATION[script.activation], ACTIVATION["sigmoid"])
    other = replace(script, text=text, epochs=script.host.epochs * (30 if is_gate else 6))
    return other.with_values(RATE=4.0 if is_gate else 1.0, GAIN=4)


def whole_batch(script: Script, rng: np.random.Generator) -> Script | None:
    """All rows in every step."""
    if script.host.batch_size is None:
        return None
    return replace(script, epochs=8 * script.epochs).with_values(BATCH=len(script.data.X))


def few_rows(script: Script, rng: np.random.Generator) -> Script | None:
    """A dozen rows, and nothing to judge on."""
    data = script.data
    if data.Xv is None:
        return None
    rows = np.arange(max(12, 3 * script.host.classes))
    few = replace(
        script,
        data=Data(data.X[rows], data.y[rows]),
        labels=(script.labels[0][rows], None),
        epochs=400,
    )
    return few.with_values(BATCH=len(rows))


def wide(script: Script, rng: np.random.Generator) -> Script:
    """Many units."""
    return script.with_values(UNITS=96)


def in_order(script: Script, rng: np.random.Generator) -> Script | None:
    """Batches are cut in order, from rows that lie in no order."""
    if script.host.batch_size is None:
        return None
    return script.edited("order = rng.permutation(len(X))", "order = np.arange(len(X))")


def single(script: Script, rng: np.random.Generator) -> Script:
    """float32 parameters and data."""
    cast = "\nparameters = {name: np.float32(array) for name, array in parameters.items()}\n"
    data = script.data
    small = Data(
        np.float32(data.X),
        np.float32(data.y),
        None if data.Xv is None else np.float32(data.Xv),
        None if data.yv is None else np.float32(data.yv),
    )
    text = script.text.replace("\n\ndef f(a)", cast + "\n\ndef f(a)", 1).replace("1e-9", "1e-7")
    return replace(script, text=text, data=small)


HAND_ODD: dict[str, HandFault] = {
    program.__name__: program
    for program in (
        plain, momentum, adam, decay, new_arrays, schedule, skip, differences, unknown_gradients,
        rate_of_one, whole_batch, few_rows, wide, in_order, single,
    )
}  # fmt: skip
"""Every kind of healthy program by hand, by name."""
