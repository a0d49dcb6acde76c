"""Chapter 4: why networks start from random numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from drawing import BLUE, FAINT, GREEN, ORANGE, canvas, label, loss_curve, picture
from page import Chapter, Figure, Table
from wording import fixed, number

import chainrule as cr

EPOCHS, RATE, SAME = 5000, 0.5, 0.5
STARTS = {"zeros": "zeros", "equal": "equal numbers", "random": "random numbers"}


def chapter() -> Chapter:
    """XOR from zeros, from equal numbers, and from random ones."""
    X, y = cr.data.gate("xor")
    runs = {"zeros": _train(X, y, 0.0), "equal": _train(X, y, SAME), "random": _train(X, y, None)}
    still, history = runs["zeros"]
    moved = max(float(np.abs(array).max()) for array in still.parameters.values())
    losses = history["loss"]
    equal, random = (runs[name][1]["loss"][-1] for name in ("equal", "random"))
    outputs = {name: net.predict(X)[:, 0] for name, (net, _) in runs.items()}
    answers = [
        (f"{a:g}, {b:g}", str(target), *[fixed(outputs[name][row]) for name in runs])
        for row, ((a, b), target) in enumerate(zip(X, y, strict=True))
    ]
    return Chapter(
        "Why networks start from random numbers",
        [
            "XOR is the smallest problem that one neuron cannot solve: answer 1 when exactly one "
            "of two inputs is 1. A network of two hidden neurons and one output can. But from "
            "where should its weights start? Zero looks fair.",
            _curves(runs),
            f"From zeros the loss begins at {fixed(losses[0], 6)} and after {EPOCHS:,} steps it is "
            f"{fixed(losses[-1], 6)}. That number is ln 2 = {fixed(np.log(2), 6)}: the loss of "
            "somebody who answers one half to everything. The largest weight or bias in the "
            f"network after all those steps is {number(moved)}.",
            Table(
                ("start", "hidden neuron", "weight of x₀", "weight of x₁", "bias", "weight onward"),
                [row for name in runs for row in _units(name, runs[name][0])],
                "The two hidden neurons after training, number by number. From equal numbers they "
                "do move, but always together: they receive the same inputs and the same "
                "corrections, so they are one neuron written twice, and one neuron cannot do XOR. "
                "From random numbers they become different.",
            ),
            Table(
                ("inputs", "wanted", "from zeros", "from equal numbers", "from random numbers"),
                answers,
                "The answers after training. The losses behind them: "
                f"{fixed(losses[-1], 6)} from zeros, {number(equal)} from equal numbers, "
                f"{number(random)} from random ones.",
            ),
            "Chance is needed only to break the tie. Which random numbers is a smaller question, "
            "and the libraries' recipes (Glorot's, He's) keep signals from growing or fading from "
            "layer to layer.",
        ],
    )


def _train(X: Any, y: Any, start: float | None) -> tuple[Any, Any]:
    """A 2-2-1 network after training; ``start`` is every weight's first value, None for chance."""
    bias = "zeros" if start is None else start
    weights = "glorot_uniform" if start is None else start
    net = cr.Sequential(
        cr.Dense(2, "sigmoid", weight_init=weights, bias_init=bias),
        cr.Dense(1, "sigmoid", weight_init=weights, bias_init=bias),
        dtype="float64",
    )
    with warnings.catch_warnings():
        # The library says that nothing was learnt; here that is the point, and the page tells it.
        warnings.simplefilter("ignore", cr.errors.TrainingWarning)
        history = net.fit(
            X, y, optimizer=cr.SGD(RATE), epochs=EPOCHS, batch_size=None, seed=0, progress=False
        )
    return net, history


def _units(name: str, net: Any) -> list[tuple[str, ...]]:
    W1, b1, W2 = (net.parameters[key] for key in ("W1", "b1", "W2"))
    return [
        (name, str(j + 1), *[fixed(w) for w in (W1[0, j], W1[1, j], b1[j], W2[j, 0])])
        for j in range(W1.shape[1])
    ]


def _curves(runs: dict[str, tuple[Any, Any]]) -> Figure:
    drawing, ax = canvas(height=3.9)
    ax.axhline(np.log(2), color=FAINT, linewidth=1, linestyle=":", label="ln 2")
    for (name, (_, history)), colour, dashes in zip(
        runs.items(), (ORANGE, GREEN, BLUE), ("--", "-.", "-"), strict=True
    ):
        loss_curve(
            ax, history["loss"], colour, f"from {STARTS[name]}", linewidth=2, linestyle=dashes
        )
    ax.set_ylim(bottom=0)
    label(ax, "XOR: the loss by epoch, from three starts", "epoch", "binary cross-entropy")
    return picture(
        drawing,
        "Three loss curves for XOR over the epochs: from zeros a flat line at ln 2, from equal "
        "numbers a line that stays high, from random numbers a curve that falls towards zero.",
        f"The same network, the same rate ({RATE:g}), the same {EPOCHS:,} epochs; only the first "
        "numbers differ. From zeros nothing happens at all. From random numbers there is a plateau "
        "too, while the hidden neurons grow apart, and then the problem is solved.",
    )
