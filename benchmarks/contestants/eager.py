"""The nine ops of the define-by-run workload, as each library writes them.

A library whose ``gradient`` takes a function (autograd, JAX) does its recording in ``forward`` by
making the pullback, so that both halves can be timed for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from work import Array


@dataclass(frozen=True)
class Eager:
    """What is needed of a library.

    ``forward(function, x, w)`` runs and records; ``backward`` takes what it returned and gives the
    gradients by x and w; ``array`` makes a NumPy array of one.
    """

    ops: Mapping[str, Callable[[Any, Any], Any]]
    total: Callable[[Any], Any]
    forward: Callable[[Any, Array, Array], Any]
    backward: Callable[[Any], tuple[Any, Any]]
    array: Callable[[Any], Array] = np.asarray


def adapter(module: str) -> Eager:
    """The adapter of the contestant in ``module``."""
    return ADAPTERS[module]()


def operators(tanh: Any, relu: Any, mean: Any, matmul: Any = lambda y, w: y @ w) -> dict[str, Any]:
    """The ops, from the four that libraries write differently."""
    return {
        "add": lambda y, w: y + w,
        "multiply": lambda y, w: y * w,
        "divide": lambda y, w: y / w,
        "matmul": matmul,
        "tanh": lambda y, w: tanh(y),
        "relu": lambda y, w: relu(y),
        "mean": lambda y, w: mean(y) + w,
        "transpose": lambda y, w: y.T,
        "layer": lambda y, w: tanh(matmul(y, w) + w),
    }


def taped(leaf: Any, backward: Any, gradient: Any) -> dict[str, Any]:
    """forward and backward where values record themselves and ``backward()`` fills gradients."""

    def forward(function: Any, x: Array, w: Array) -> Any:
        leaves = leaf(x), leaf(w)
        return function(*leaves), *leaves

    def back(state: Any) -> tuple[Any, Any]:
        value, x, w = state
        backward(value)
        return gradient(x), gradient(w)

    return {"forward": forward, "backward": back}


def used(x: Any, gradient: Any) -> Any:
    """Zeros where ``x`` took no part in the value (w in a chain of tanh)."""
    return np.zeros(x.shape) if gradient is None else gradient


def chainrule_eager() -> Eager:
    import chainrule as cr

    return Eager(
        operators(cr.tanh, cr.relu, lambda y: cr.mean(y, axis=0)),
        cr.sum,
        **taped(cr.tensor, lambda value: value.backward(), lambda x: used(x, x.grad)),
    )


def torch_eager() -> Eager:
    import torch

    return Eager(
        operators(torch.tanh, torch.relu, lambda y: y.mean(dim=0)),
        lambda y: y.sum(),
        **taped(
            lambda a: torch.from_numpy(a).requires_grad_(),
            lambda value: value.backward(),
            lambda x: used(x, x.grad),
        ),
    )


def jax_eager() -> Eager:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    one = jnp.ones(())
    return Eager(
        operators(jnp.tanh, jax.nn.relu, lambda y: y.mean(axis=0)),
        jnp.sum,
        lambda function, x, w: jax.vjp(function, x, w)[1],
        lambda pull: jax.block_until_ready(pull(one)),
    )


def autograd_eager() -> Eager:
    import autograd.numpy as anp
    from autograd import make_vjp

    return Eager(
        operators(anp.tanh, lambda y: anp.maximum(y, 0), lambda y: anp.mean(y, axis=0), anp.dot),
        anp.sum,
        lambda function, x, w: make_vjp(lambda both: function(*both))((x, w))[0],
        lambda pull: pull(1.0),
    )


def mygrad_eager() -> Eager:
    import mygrad as mg

    return Eager(
        operators(mg.tanh, lambda y: mg.maximum(y, 0), lambda y: mg.mean(y, axis=0), mg.matmul),
        mg.sum,
        **taped(mg.tensor, lambda value: value.backward(), lambda x: used(x, x.grad)),
    )


def dezero_eager() -> Eager:
    from contestants.dezero_net import dezero, functions

    return Eager(
        operators(
            functions.tanh,
            functions.relu,
            lambda y: functions.sum(y, axis=0) / 4,
            functions.matmul,
        ),
        functions.sum,
        **taped(
            dezero.Variable,
            lambda value: value.backward(),
            lambda x: used(x, None if x.grad is None else x.grad.data),
        ),
    )


def micrograd_eager() -> Eager:
    """Lists of Values stand for arrays."""
    from contestants.micrograd_net import Value, tanh

    side = range(4)

    def each(function: Any) -> Any:
        return lambda y, w: [[function(y[i][j], w[i][j]) for j in side] for i in side]

    def matmul(y: Any, w: Any) -> Any:
        return [[sum(y[i][k] * w[k][j] for k in side) for j in side] for i in side]

    def mean(y: Any, w: Any) -> Any:
        means = [sum(y[i][j] for i in side) / 4 for j in side]
        return [[means[j] + w[i][j] for j in side] for i in side]

    ops = {
        "add": each(lambda a, b: a + b),
        "multiply": each(lambda a, b: a * b),
        "divide": each(lambda a, b: a / b),
        "matmul": matmul,
        "tanh": each(lambda a, b: tanh(a)),
        "relu": each(lambda a, b: a.relu()),
        "mean": mean,
        "transpose": lambda y, w: [[y[j][i] for j in side] for i in side],
        "layer": lambda y, w: each(lambda a, b: tanh(a + b))(matmul(y, w), w),
    }
    return Eager(
        ops,
        lambda y: sum(value for row in y for value in row),
        **taped(
            lambda a: [[Value(v) for v in row] for row in a.tolist()],
            lambda value: value.backward(),
            lambda x: [[value.grad for value in row] for row in x],
        ),
    )


def by_hand() -> Eager:
    """NumPy alone: the value of each op, and its derivative from what was seen on the way."""
    rules: dict[str, tuple[Any, Any]] = {
        "add": (np.add, lambda g, y, out, w: (g, g)),
        "multiply": (np.multiply, lambda g, y, out, w: (g * w, g * y)),
        "divide": (np.divide, lambda g, y, out, w: (g / w, -g * out / w)),
        "matmul": (np.matmul, lambda g, y, out, w: (g @ w.T, y.T @ g)),
        "tanh": (lambda y, w: np.tanh(y), lambda g, y, out, w: (g * (1 - out * out), None)),
        "relu": (lambda y, w: np.maximum(y, 0), lambda g, y, out, w: (g * (y > 0), None)),
        "mean": (
            lambda y, w: y.mean(axis=0) + w,
            lambda g, y, out, w: (np.broadcast_to(g.sum(axis=0) / len(y), y.shape), g),
        ),
        "transpose": (lambda y, w: y.T, lambda g, y, out, w: (g.T, None)),
        "layer": (lambda y, w: np.tanh(y @ w + w), layer_backward),
    }

    def op(value: Any, pullback: Any) -> Any:
        def applied(tape: list[Any], w: Array) -> list[Any]:
            y = tape[-1]
            out = value(y, w)
            tape += [pullback, y, out]
            return tape

        return applied

    def total(tape: list[Any]) -> list[Any]:
        tape[-1].sum()
        return tape

    def backward(state: Any) -> tuple[Array, Array]:
        tape, w = state
        g, gw = np.ones(w.shape), np.zeros(w.shape)
        # [x, pullback, y, out, pullback, y, out, ...]
        for at in range(len(tape) - 3, 0, -3):
            pullback, y, out = tape[at : at + 3]
            g, more = pullback(g, y, out, w)
            if more is not None:
                gw += more
        return g, gw

    return Eager(
        {name: op(*rule) for name, rule in rules.items()},
        total,
        lambda function, x, w: (function([x], w), w),
        backward,
    )


def layer_backward(g: Array, y: Array, out: Array, w: Array) -> tuple[Array, Array]:
    d = g * (1 - out * out)
    return d @ w.T, y.T @ d + d


ADAPTERS: dict[str, Callable[[], Eager]] = {
    "chainrule_net": chainrule_eager,
    "torch_net": torch_eager,
    "jax_net": jax_eager,
    "autograd_net": autograd_eager,
    "mygrad_net": mygrad_eager,
    "dezero_net": dezero_eager,
    "micrograd_net": micrograd_eager,
    "floor": by_hand,
}
