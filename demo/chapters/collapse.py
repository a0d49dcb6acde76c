"""Chapter 7: layers without a bend are one layer."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
from drawing import HALF, canvas, picture
from page import Chapter, Code, Figure, Gallery
from wording import fixed, number, percent

import chainrule as cr

EPOCHS, ROWS = 600, 1000


def chapter() -> Chapter:
    """Three linear layers as one matrix, and what such a network cannot do."""
    net = cr.Sequential(cr.Dense(3), cr.Dense(3), cr.Dense(2), dtype="float64").build(2, seed=1)
    rng = np.random.default_rng(0)
    for name in ("b1", "b2", "b3"):
        net.parameters[name][...] = rng.normal(size=net.parameters[name].shape)
    W1, b1, W2, b2, W3, b3 = (net.parameters[n] for n in ("W1", "b1", "W2", "b2", "W3", "b3"))
    W, b = W1 @ W2 @ W3, (b1 @ W2 + b2) @ W3 + b3
    X = rng.normal(size=(ROWS, 2))
    apart = float(np.abs(net.predict(X) - (X @ W + b)).max())
    three = _beside([f"W{k} =\n{_printed(A)}" for k, A in enumerate((W1, W2, W3), start=1)])
    one = _beside([f"W1 @ W2 @ W3 =\n{_printed(W)}", f"(b1 @ W2 + b2) @ W3 + b3 =\n{_printed(b)}"])
    return Chapter(
        "Why layers need a bend",
        [
            "Chapter 1 claimed that without an activation function, depth is worth nothing. Here "
            "is the proof by arithmetic. A layer without one computes `x @ W + b`. Put three in a "
            "row and multiply out: `((x @ W1) @ W2) @ W3` is `x @ (W1 @ W2 @ W3)`, and the product "
            "of matrices is again one matrix.",
            Code(
                f"{three}\n\n{one}",
                f"Three layers of a real network, and the one layer that they amount to. On "
                f"{ROWS:,} random inputs the outputs of the two differ by {number(apart, 2)} at "
                "most, which is the rounding of the arithmetic.",
            ),
            "So a deep network of straight layers can do what one straight layer can, and no more: "
            "its boundary between two answers is one straight line. For AND and OR such a line "
            "exists. For XOR it does not.",
            Gallery(
                [
                    _figure("and", None, "AND, three layers, no bend"),
                    _figure("or", None, "OR, three layers, no bend"),
                    _figure("xor", None, "XOR, three layers, no bend"),
                    _figure("xor", "tanh", "XOR, three layers, tanh"),
                ]
            ),
            "The two XOR networks have the same number of weights and were trained in the same "
            "way. All that differs is the bend.",
        ],
    )


def _printed(array: Any) -> str:
    return np.array2string(array, precision=4, suppress_small=True)


def _beside(blocks: list[str]) -> str:
    """Blocks of lines, one to the right of the other."""
    columns = [block.splitlines() for block in blocks]
    widths = [max(map(len, lines)) for lines in columns]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join(
        "    ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _figure(gate: str, bend: str | None, title: str) -> Figure:
    X, y = cr.data.gate(gate)
    layers = [cr.Dense(8, bend), cr.Dense(8, bend), cr.Dense(1, "sigmoid")]
    # In double precision, for a linear net's answers to XOR differ from 1/2 by so little that the
    # rounding of single precision would speckle the picture.
    net = cr.Sequential(*layers, dtype="float64")
    history = net.fit(
        X, y, optimizer=cr.Adam(0.02), epochs=EPOCHS, batch_size=None, seed=0, progress=False
    )
    right = net.evaluate(X, y, metrics="accuracy")["accuracy"]
    drawing, ax = canvas(HALF, 4.3)
    cr.plots.decision_regions(net, X, y, ax=ax)
    ax.title.set_text(title)  # keeps its distance where the plot has a remark
    ax.set_xlabel("x₀")
    ax.set_ylabel("x₁")
    told = f"Loss {number(history['loss'][-1], 3)}."
    if not _undecided(net.predict(X)):
        told = f"{percent(right, 0)} of the four rows right. {told}"
    alt = f"{title}: the plane coloured by the answer. {told}"
    return picture(drawing, alt, _caption(net, X, y, told))


def _undecided(outputs: Any) -> bool:
    """Whether every answer is one half but for rounding, so that none is right or wrong."""
    return bool(np.abs(outputs - 0.5).max() < 1e-6)


def _caption(net: Any, X: Any, y: Any, told: str) -> str:
    outputs = net.predict(X)[:, 0]
    answers = ", ".join(fixed(value, 3) for value in outputs)
    wanted = ", ".join(str(label) for label in y)
    solved = bool(np.all((outputs > 0.5) == (y == 1)))
    if _undecided(outputs):
        verdict = (
            "No straight line parts the ones from the zeros. It could get three of the four rows "
            "right; but training lowers the loss, and the lowest that a straight line can reach is "
            "to say one half everywhere, so there is no boundary to draw."
        )
    elif solved:
        verdict = "The boundary parts the ones from the zeros."
    else:
        verdict = "The boundary does not part the ones from the zeros."
    return f"{verdict} Answers {answers}; wanted {wanted}. {told}"
