"""The checker of ops: every example of the table, and how wrong a derivative rule is.

The same functions judge the library's rules (which must pass) and planted mistakes (which
must not).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from steps import central, slope

import chainrule as cr
from chainrule.graph.apply import apply, constant
from chainrule.graph.op import OPS, Op
from chainrule.graph.tensor import Tensor

DIRECTIONS = 3
Array = np.ndarray[Any, Any]


class Case(NamedTuple):
    """An op with inputs to try it on."""

    label: str
    op: Op
    inputs: tuple[Array, ...]

    def __str__(self) -> str:
        return self.label

    @property
    def floats(self) -> list[int]:
        """The places of the inputs of floats."""
        return [i for i, x in enumerate(self.inputs) if x.dtype.kind == "f"]

    @property
    def value(self) -> Array:
        return np.asarray(self.op.value(np, *self.inputs))

    @property
    def is_differentiable(self) -> bool:
        return bool(self.floats) and self.value.dtype.kind == "f"


def cases(seed: int = 0) -> list[Case]:
    """Every example of every op of the table."""
    found = []
    for name, op in sorted(OPS.items()):
        for i, (instance, inputs) in enumerate(op.examples(np.random.default_rng(seed))):
            found.append(Case(f"{name}-{i}", instance, tuple(map(np.asarray, inputs))))
    return found


CASES = cases()
DIFFERENTIABLE = [case for case in CASES if case.is_differentiable]


def weights(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """A cotangent or a direction: random, never ones, which hide what totals to a constant."""
    return np.asarray(rng.standard_normal(shape))


def leaves(case: Case) -> list[Tensor]:
    return [cr.tensor(x) for x in case.inputs]


def gradients(case: Case, v: Any) -> list[Array]:
    """The gradient of <v, y> with respect to each input of floats, by the op's own rule."""
    nodes = leaves(case)
    found = cr.differentiate(
        apply(case.op, *nodes), [nodes[i] for i in case.floats], constant(np.asarray(v))
    )
    return [g.value for g in found]


def _apart(a: float, b: float) -> float:
    """The difference relative to the larger; NaN counts as infinitely wrong."""
    error = abs(a - b) / (1.0 + max(abs(a), abs(b)))
    return error if np.isfinite(error) else np.inf


def first_order_error(case: Case, rng: np.random.Generator, cotangent: Any = None) -> float:
    """The largest error of the rule against steps of the value, over random directions."""
    v = weights(case.value.shape, rng) if cotangent is None else cotangent
    worst = 0.0
    for place, g in zip(case.floats, gradients(case, v), strict=True):
        assert g.shape == case.inputs[place].shape
        for _ in range(DIRECTIONS):
            u = weights(g.shape, rng)
            by_rule = float(np.sum(g * u))
            by_steps = slope(
                case.op.name, lambda *x: case.op.value(np, *x), case.inputs, place, u, v
            )
            worst = max(worst, _apart(by_rule, by_steps))
    return worst


def second_order_error(case: Case, rng: np.random.Generator) -> float:
    """The largest error of the gradient of φ(x, v) = Σ <u, gradient of <v, y>>, by differences.

    φ is a number made of first derivatives, so its gradient is made of second ones; the cotangent v
    counts as one more input, so that rules are also checked as functions of what arrives.
    """
    v = weights(case.value.shape, rng)
    us = [weights(case.inputs[i].shape, rng) for i in case.floats]

    def phi(*everything: Any) -> float:
        at = Case(case.label, case.op, tuple(everything[:-1]))
        return sum(
            float(np.sum(u * g)) for u, g in zip(us, gradients(at, everything[-1]), strict=True)
        )

    nodes, w = leaves(case), cr.tensor(v)
    wanted = [nodes[i] for i in case.floats]
    first = cr.differentiate(apply(case.op, *nodes), wanted, w)
    total = constant(0.0)
    for u, g in zip(us, first, strict=True):
        total = total + cr.sum(u * g)
    second = cr.differentiate(total, [*wanted, w])
    everything = [*case.inputs, v]
    worst = 0.0
    for place, g in zip([*case.floats, len(case.inputs)], second, strict=True):
        for _ in range(DIRECTIONS):
            u = weights(g.shape, rng)
            by_rule = float(np.sum(g.value * u))
            worst = max(worst, _apart(by_rule, central(phi, everything, place, u, 1.0)))
    return worst
