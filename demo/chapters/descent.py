"""Chapter 2: walking downhill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawing import HALF, canvas, picture
from page import Chapter, Figure, Gallery, Table
from wording import number

import chainrule as cr

STEPS, RATE = 100, 0.1
VALLEY_START, VALLEY_STEPS = [-7.0, 5.0], 40
GENTLE, GOOD, BRISK, WILD = 0.1, 0.5, 0.9, 1.02


def bowl(x: Any) -> Any:
    """x0² + x1², round."""
    return x[0] ** 2 + x[1] ** 2


def valley(x: Any) -> Any:
    """x0²/20 + x1²: gentle along x0, steep across it."""
    return x[0] ** 2 / 20 + x[1] ** 2


def chapter() -> Chapter:
    """The path of gradient descent on a bowl and in a valley."""
    round_path = cr.gradient_descent(bowl, [-3.0, 4.0], rate=RATE, steps=STEPS)
    paths = {
        rate: cr.gradient_descent(valley, VALLEY_START, rate=rate, steps=VALLEY_STEPS)
        for rate in (GENTLE, GOOD, BRISK, WILD)
    }
    end = ", ".join(number(x, 9) for x in round_path.end)
    rows = [
        (number(rate), *[number(x) for x in path.end], number(path.values[-1]))
        for rate, path in paths.items()
    ]
    along, across = cr.grad(valley)(paths[GOOD].points[0])
    return Chapter(
        "Learning is walking downhill",
        [
            "Imagine a landscape in which every place is one choice of the network's numbers, and "
            "the height is its error. The gradient ∇f is the list of slopes, one for each number; "
            "it points uphill. Gradient descent takes a small step the other way, again and again: "
            "x ← x − rate · ∇f(x).",
            Gallery(
                [
                    _figure(
                        bowl,
                        round_path,
                        f"Contours of a round bowl; a straight path from (−3, 4) to the middle in "
                        f"{STEPS} steps.",
                        f"A round bowl, f = x₀² + x₁², from (−3, 4) at rate {RATE:g}. Every arrow "
                        "points at the bottom, so the path is straight, and each step is shorter "
                        f"than the last because the ground gets flatter. After {STEPS} steps it "
                        f"stands at ({end}).",
                    ),
                    _figure(
                        valley,
                        paths[BRISK],
                        "Contours of a long valley; the path jumps from wall to wall while it "
                        "creeps towards the middle.",
                        f"A long valley, f = x₀²/20 + x₁², at rate {BRISK:g}. The arrows point "
                        "across the valley, not along it, and so does the path: it jumps from wall "
                        "to wall while it creeps towards the bottom.",
                    ),
                ]
            ),
            Table(
                ("rate", "x₀ at the end", "x₁ at the end", "f at the end"),
                rows,
                f"The same valley, {VALLEY_STEPS} steps from "
                f"({', '.join(number(x) for x in VALLEY_START)}), four rates. Too small a rate "
                "wastes steps, too large a one climbs the walls: at the last rate x₁ has grown "
                f"from {number(VALLEY_START[1])} to {number(abs(paths[WILD].end[1]))} in size.",
            ),
            f"At the start of the valley the slope is {number(along)} along it and "
            f"{number(across)} across: {number(abs(across / along))} times as steep in the "
            "direction that needs the least help. Real networks are full of such valleys. That "
            "is why there are optimizers with a memory, such as momentum and Adam, and why the "
            "learning rate is the first number to change when learning fails.",
        ],
    )


def _figure(f: Callable[[Any], Any], path: Any, alt: str, caption: str) -> Figure:
    drawing, ax = canvas(HALF, 4.6, square=True)
    cr.plots.descent_path(f, path.points, gradient=cr.grad(f), ax=ax)
    ax.set_xlabel("x₀")
    ax.set_ylabel("x₁")
    return picture(drawing, alt, caption)
