"""Chapter 8: what one step costs, by differences and by backpropagation."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from drawing import BLUE, ORANGE, canvas, label, picture
from page import Chapter, Figure, Table
from wording import duration, number

import chainrule as cr

INPUTS, HIDDEN, CLASSES, BATCH = 784, 100, 10, 100
ROWS = 60_000  # of MNIST, which are an epoch
PARTIALS, REPEATS = 40, 30


class Measured(NamedTuple):
    """Seconds for a pass and for some partial derivatives, and how far the two agree."""

    backward: float
    partials: float
    apart: float
    largest: float


def loss(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, t: Any) -> Any:
    """The mean cross-entropy of a network with one hidden layer."""
    return cr.cross_entropy(cr.softmax(cr.sigmoid(X @ W1 + b1) @ W2 + b2), t)


def chapter() -> Chapter:
    """Both ways to the same gradient, with a clock."""
    arrays, source = _arrays()
    count = sum(array.size for array in arrays[:4])
    seen = _measure(arrays)
    whole = seen.partials / PARTIALS * count
    ratio = whole / seen.backward
    steps = ROWS // BATCH
    return Chapter(
        "Why backpropagation matters",
        [
            "A slope can be had without any theory: move one weight a little, compute the error "
            "again, and see how it changed. It needs two runs of the network for each weight. "
            "Backpropagation gets every slope in one pass back. Both are right; the difference is "
            "the bill.",
            f"The network here is the usual first one for handwritten digits, "
            f"{INPUTS}-{HIDDEN}-{CLASSES}, with {count:,} weights and biases, and one step looks "
            f"at {BATCH} pictures ({source}). Backpropagation was measured whole: the middle of "
            f"{REPEATS} runs. Of the partial derivatives by differences only {PARTIALS} were "
            f"measured, and their time was multiplied by {count:,} / {PARTIALS}; waiting for all "
            "of them would teach nothing more. Both run as compiled programs of the same engine, "
            "in double precision.",
            Table(
                ("way", "measured", "time measured", "time for one step"),
                [
                    (
                        "by differences",
                        f"{PARTIALS} of {count:,} slopes, then multiplied",
                        duration(seen.partials),
                        duration(whole),
                    ),
                    (
                        "by backpropagation",
                        f"all {count:,} slopes",
                        duration(seen.backward),
                        duration(seen.backward),
                    ),
                    ("ratio", "", "", f"{float(f'{ratio:.2g}'):,.0f} times"),
                ],
                f"On the {PARTIALS} slopes that were computed both ways, the largest of which is "
                f"{number(seen.largest, 2)}, they differ by {number(seen.apart, 1)} at most.",
            ),
            _bars(whole, seen.backward),
            f"An epoch of MNIST has {steps} such steps: {duration(steps * whole)} one way, "
            f"{duration(steps * seen.backward)} the other. Differences are still good for one "
            "thing, and chainrule uses them for it: as an independent judge of whether a backward "
            "pass is right.",
        ],
    )


def _arrays() -> tuple[list[Any], str]:
    """The parameters, a batch and its labels, and where the batch is from."""
    rng = np.random.default_rng(0)
    net = cr.Sequential(
        cr.Dense(HIDDEN, "sigmoid"), cr.Dense(CLASSES, "softmax"), dtype="float64"
    ).build(INPUTS)
    parameters = [net.parameters[name] for name in ("W1", "b1", "W2", "b2")]
    if cr.data.find_mnist() is None:
        X, t = rng.random((BATCH, INPUTS)), rng.integers(CLASSES, size=BATCH)
        return [*parameters, X, t], "random numbers of that shape, as MNIST is not on this machine"
    data = cr.data.mnist()
    return [*parameters, data.X_train[:BATCH].astype(np.float64), data.y_train[:BATCH]], "MNIST"


def _measure(arrays: list[Any]) -> Measured:
    graph = cr.trace(loss, *arrays)
    forward = graph.compile()
    back = graph.backward("W1", "b1", "W2", "b2").compile()
    gradients = back(*arrays)
    backward = statistics.median(_seconds(lambda: back(*arrays)) for _ in range(REPEATS))

    rng = np.random.default_rng(1)
    W1, W2 = arrays[0], arrays[2]
    # A pixel that is dark in the whole batch has slope 0; the other ones say more.
    lit = np.flatnonzero(arrays[4].any(axis=0))
    first = rng.choice(lit, PARTIALS // 2) * HIDDEN + rng.integers(HIDDEN, size=PARTIALS // 2)
    second = rng.choice(W2.size, PARTIALS // 2, replace=False)

    def at(values: Any) -> Any:
        W1.flat[first], W2.flat[second] = values[: len(first)], values[len(first) :]
        return forward(*arrays)

    start = np.concatenate([W1.flat[first], W2.flat[second]])
    began = time.perf_counter()
    slopes = cr.numerical_gradient(at, start)
    partials = time.perf_counter() - began
    at(start)
    known = np.concatenate([gradients[0].flat[first], gradients[2].flat[second]])
    return Measured(
        backward, partials, float(np.abs(slopes - known).max()), float(np.abs(known).max())
    )


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _bars(whole: float, backward: float) -> Figure:
    drawing, ax = canvas(height=2.3)
    names = ("backpropagation", "differences")
    bars = ax.barh(names, [backward, whole], color=[BLUE, ORANGE], height=0.55)
    ax.bar_label(bars, [duration(backward), duration(whole)], padding=5, fontsize=10.5)
    ax.set_xscale("log")
    ax.set_xlim(backward / 5, whole * 12)
    label(ax, "The gradient of one step", "seconds (log scale)", "way")
    return picture(
        drawing,
        f"Two bars on a logarithmic scale: {duration(backward)} by backpropagation, "
        f"{duration(whole)} by differences.",
        "The same gradient, two ways. The scale is logarithmic: each line of the grid is ten times "
        "the one before. On an even scale one of the bars would be too short to see.",
    )
