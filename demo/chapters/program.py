"""Chapter 10: a training step, printed."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

import numpy as np
from page import Chapter, Code, Table
from wording import fixed, number

import chainrule as cr

NAMES = ("W1", "b1", "W2", "b2", "X", "t", "rate")
RATE, STEPS = 0.5, 5000


def loss(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, t: Any) -> Any:
    """The loss of a 2-2-1 network."""
    hidden = cr.tanh(X @ W1 + b1)
    p = cr.sigmoid(hidden @ W2 + b2)
    return cr.binary_cross_entropy(p, t)


def step(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, t: Any, rate: Any) -> Any:
    """The loss, and the parameters after one step of gradient descent."""
    parameters = (W1, b1, W2, b2)
    value = loss(W1, b1, W2, b2, X, t)
    gradients = cr.differentiate(value, parameters)
    return value, *[p - rate * g for p, g in zip(parameters, gradients, strict=True)]


def chapter() -> Chapter:
    """The graph of a loss, and the program of its training step."""
    arrays = _arrays()
    graph = cr.trace(step, *arrays.values()).simplify()
    replaces = dict(enumerate(NAMES[:4], start=1))
    program = cr.engine.Program(graph, arrays, replaces)
    copies = {name: array.copy() for name, array in arrays.items()}
    reference = cr.engine.ReferenceProgram(graph, copies, replaces)
    program.run()
    first = float(program.outputs[0])
    for _ in range(STEPS - 1):
        program.run()
    for _ in range(STEPS):
        reference.run()
    apart = max(float(np.abs(arrays[name] - copies[name]).max()) for name in NAMES[:4])
    lines = program.source.rstrip().count("\n") - 1  # neither the head nor the return
    but = ", of copyto the first" if "copyto(" in program.source else ""
    return Chapter(
        "A training step, seen through",
        [
            "What does a library do when it trains? This one can print it. Below is the loss of a "
            "small network for XOR, first in Python, then as the graph that is recorded from it.",
            Code(inspect.getsource(loss).rstrip(), "The loss, in Python."),
            Code(
                str(cr.trace(loss, *list(arrays.values())[:6])),
                "The graph of the loss. The log of the sigmoid has become one operation that "
                "cannot overflow (chapter 9).",
            ),
            "Then the backward pass and the update of the weights are added, which makes "
            f"{len(graph)} nodes with inputs and constants. Forms that are slow in NumPy are "
            "exchanged for faster ones, and it is planned which array can be overwritten when, so "
            f"that a step asks for no new memory. What comes out is a plain Python function, "
            f"{lines} lines of NumPy calls. This is what runs.",
            Code(
                _folded(program.source),
                f"The whole training step. The last argument of each call is where its result "
                f"goes{but}. The names before the colon are bound "
                "once, so that the loop looks up nothing.",
            ),
            Table(
                ("name in the program", "what it is", "shape"),
                _legend(program, arrays),
                f"Who is who. All other arrays are constants and room for results in between; "
                f"the plan needs {program.nbytes} bytes for the latter.",
            ),
            f"Run {STEPS:,} times, it took the loss from {fixed(first)} to "
            f"{number(program.outputs[0])}. The reference engine, which knows no plan and "
            f"evaluates the graph node by node, took the same {STEPS:,} steps. The largest "
            f"difference between their weights at the end is {number(apart, 2)}: the faster forms "
            "round differently, and that is all.",
        ],
    )


def _arrays() -> dict[str, Any]:
    """Every input of the step by its name."""
    X, y = cr.data.gate("xor")
    start = "glorot_uniform"
    net = cr.Sequential(
        cr.Dense(2, "tanh", weight_init=start),
        cr.Dense(1, "sigmoid", weight_init=start),
        dtype="float64",
    ).build(2)
    first = [net.parameters[name].copy() for name in NAMES[:4]]
    rest = [X, y.reshape(-1, 1).astype(np.float64), np.array(RATE)]
    return dict(zip(NAMES, [*first, *rest], strict=True))


def _legend(program: Any, arrays: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The names under which the program knows the arrays that we know."""
    meaning = {
        "W1": "W1, weights of the hidden layer",
        "b1": "b1, its biases",
        "W2": "W2, weights of the output",
        "b2": "b2, its bias",
        "X": "X, the four inputs of XOR",
        "t": "t, the four answers",
        "rate": "the learning rate",
    }
    ours = {id(array): meaning[name] for name, array in arrays.items()}
    ours[id(program.outputs[0])] = "the loss"
    return [
        (f"`{name}`", ours[id(thing)], " × ".join(map(str, np.shape(thing))) or "one number")
        for name, thing in program.names.items()
        if id(thing) in ours
    ]


def _folded(source: str) -> str:
    """The source with its first line, the long list of names, folded."""
    head, _, body = source.partition("\n")
    return "\n".join(textwrap.wrap(head, 96, subsequent_indent="         ")) + "\n" + body.rstrip()
