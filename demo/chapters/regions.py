"""Chapter 6: what a network answers everywhere in the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from drawing import HALF, canvas, picture
from page import Chapter, Figure, Gallery
from wording import percent

import chainrule as cr


class Problem(NamedTuple):
    """Points to learn, a network, and how long to train it."""

    name: str
    points: Callable[[int], tuple[Any, Any]]
    layers: tuple[cr.Dense, ...]
    epochs: int
    remark: str


PROBLEMS = (
    Problem(
        "XOR",
        lambda seed: cr.data.gate("xor"),
        (cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid")),
        600,
        "Equal answers lie across from each other, so no single straight line will do. The network "
        "bends its boundary between them.",
    ),
    Problem(
        "Moons",
        lambda seed: cr.data.moons(300, noise=0.15, seed=seed),
        (cr.Dense(16, "tanh"), cr.Dense(1, "sigmoid")),
        600,
        "Two half circles that reach into each other. The boundary follows the gap; the pale band "
        "is where the network is unsure.",
    ),
    Problem(
        "Spirals",
        lambda seed: cr.data.spirals(300, classes=3, noise=0.15, seed=seed),
        (cr.Dense(32, "tanh"), cr.Dense(32, "tanh"), cr.Dense(3, "softmax")),
        800,
        "Three arms wound around each other. It takes two hidden layers of thirty-two to unroll "
        "them comfortably.",
    ),
    Problem(
        "Circles",
        lambda seed: cr.data.circles(300, noise=0.08, seed=seed),
        (cr.Dense(8, "tanh"), cr.Dense(1, "sigmoid")),
        600,
        "One ring inside another. A closed boundary is made of several bends joined together.",
    ),
)


def chapter() -> Chapter:
    """Four problems and the regions learned for them."""
    return Chapter(
        "What a network answers between the points it saw",
        [
            "A network with two inputs can be looked at whole: ask it about every point of the "
            "plane and colour the answers. It was shown only the dots. All the rest is its own "
            "conclusion.",
            Gallery([_figure(problem) for problem in PROBLEMS]),
            "None of these shapes was programmed. The code that trained the four networks is the "
            "same; they differ in their data, their sizes, and their number of outputs.",
        ],
    )


def _figure(problem: Problem) -> Figure:
    X, y = problem.points(0)
    net = cr.Sequential(*problem.layers)
    net.fit(
        X, y, optimizer=cr.Adam(0.02), epochs=problem.epochs, batch_size=None, seed=0,
        progress=False,
    )  # fmt: skip
    right = net.evaluate(X, y, metrics="accuracy")["accuracy"]
    fresh_X, fresh_y = problem.points(1)
    fresh = net.evaluate(fresh_X, fresh_y, metrics="accuracy")["accuracy"]
    told = f"{percent(right)} of the points shown are answered rightly"
    if problem.name != "XOR":  # it has no other points than its four
        told += f", and {percent(fresh)} of as many new ones"
    drawing, ax = canvas(HALF, 4.3)
    cr.plots.decision_regions(net, X, y, ax=ax)
    sizes = "-".join(str(layer.units) for layer in problem.layers)
    ax.set_title(f"{problem.name}: layers 2-{sizes}", fontsize=12)
    ax.set_xlabel("x₀")
    ax.set_ylabel("x₁")
    return picture(
        drawing,
        f"{problem.name}: the plane coloured by the network's answer, with the {len(X)} training "
        f"points on top. {told}.",
        f"{problem.name}. {problem.remark} {told}, after {problem.epochs:,} epochs.",
    )
