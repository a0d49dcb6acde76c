"""Chapter 1: the bend in a neuron, and its derivative."""

from __future__ import annotations

import numpy as np
from drawing import picture
from page import Chapter, Table
from wording import number

import chainrule as cr

FUNCTIONS = {
    "sigmoid": cr.sigmoid,
    "tanh": cr.tanh,
    "relu": cr.relu,
    "leaky_relu": cr.leaky_relu,
    "elu": cr.elu,
    "gelu": cr.gelu,
    "silu": cr.silu,
    "softplus": cr.softplus,
}
FAR, LAYERS = 4.0, 10


def chapter() -> Chapter:
    """The activation functions with their slopes."""
    steepest = {name: _steepest(name) for name in FUNCTIONS}
    s = steepest["sigmoid"]
    rows = [
        (
            name,
            *[number(f(np.array(x))) for x in (-FAR, FAR)],
            *[number(cr.grad(f)(x)) for x in (-FAR, FAR)],
            number(steepest[name]),
        )
        for name, f in FUNCTIONS.items()
    ]
    drawing = cr.plots.activations(list(FUNCTIONS))
    return Chapter(
        "A neuron adds up, then bends",
        [
            "A neuron multiplies each of its inputs by a weight, adds the products and a bias, and "
            "sends the sum x through an activation function f. Without that last step a network of "
            "any depth would be a straight line (chapter 7 shows it). The bend is what lets many "
            "neurons together follow any shape.",
            "Learning asks one question of every neuron: if x grew a little, how much would f(x) "
            "grow? The answer is the derivative f′(x), the dashed line.",
            picture(
                drawing,
                "Eight panels, one for each activation function, with the function as a solid line "
                "and its derivative as a dashed line, for x from −6 to 6.",
                "Each function (solid) and its slope (dashed), found by running backward through "
                "the recorded computation. Where the dashed line is near zero, the neuron has "
                "stopped listening: a change of its input hardly changes its output, and hardly "
                "any correction comes back through it.",
            ),
            Table(
                ("f", f"f(−{FAR:g})", f"f({FAR:g})", f"f′(−{FAR:g})", f"f′({FAR:g})", "largest f′"),
                rows,
                "The same in numbers. Sigmoid and tanh go flat on both sides; the others keep a "
                "slope near 1 on the right.",
            ),
            f"The sigmoid is never steeper than {number(s)}. Corrections pass back through the "
            f"layers by multiplication, so {LAYERS} layers of sigmoids leave at most one part in "
            f"{s**-LAYERS:,.0f} of them, before the weights have a say. This is the vanishing "
            "gradient, and the reason why deep networks prefer functions such as relu, whose "
            "slope is 1 over half of the line and so hands corrections on undiminished.",
        ],
    )


def _steepest(name: str) -> float:
    x = cr.tensor(np.linspace(-6, 6, 2401))  # 0 among them, where some are steepest
    y = FUNCTIONS[name](x)
    y.backward(np.ones(y.shape))
    assert x.grad is not None
    return float(x.grad.max())
