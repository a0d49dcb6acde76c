"""Softmax, and the losses that belong to probabilities, each with its own value and derivative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import Array, Op, Shape, public
from chainrule.ops.activation import sigmoid
from chainrule.ops.base import (
    Elementwise,
    binary,
    floats,
    once_of_one,
    sample,
    stack_of,
    stack_size,
)
from chainrule.ops.exponential import exp
from chainrule.ops.indexing import one_hot, require_classes
from chainrule.ops.reduce import known_axis, sum
from chainrule.ops.shape import expand_dims, shape_of


@dataclass(frozen=True, slots=True, repr=False)
class _AlongAxis(Op):
    axis: int = -1

    def shape(self, *x: Shape) -> Shape:
        if x[0] and x[0][self.axis] == 0:
            raise ShapeError(f"{self.name} of no entries at all: the input has shape {x[0]}.")
        return x[0]

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return x[0] if x[0].kind == "f" else np.dtype(np.float64)

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        return apply(type(self)(self.axis % (x[0].ndim - 1) + 1), *x)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        return xp.node(self.onnx, xp.astype(x[0], self.dtype(x[0].dtype)), axis=self.axis)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for axis in (0, 1):
            yield cls(axis), (sample("real", (3, 4), rng),)


class Softmax(_AlongAxis):
    """y = e^x / Σ e^x along an axis: positive, with total 1; finite at every finite x."""

    name, onnx, overflow_is_fine = "softmax", "Softmax", True
    latex, code = r"\operatorname{{softmax}}({0})", "softmax({0}, axis={axis})"
    helper = """
def softmax(x, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)
"""

    def value(self, xp: Any, x: Any) -> Any:
        e = xp.exp(x - xp.max(x, axis=self.axis, keepdims=True))
        return e / xp.sum(e, axis=self.axis, keepdims=True)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (y * (g - sum(g * y, self.axis, keepdims=True)),)

    def symbol(self, *x: Any) -> Any:
        e = _exponentials(x[0])
        return e / np.sum(e, axis=self.axis, keepdims=True)


class LogSoftmax(_AlongAxis):
    """y = x - ln Σ e^x along an axis: the log of softmax, finite at every finite x."""

    name, onnx = "log_softmax", "LogSoftmax"
    latex, code = r"\ln\operatorname{{softmax}}({0})", "log_softmax({0}, axis={axis})"
    helper = """
def log_softmax(x, axis):
    s = x - np.max(x, axis=axis, keepdims=True)
    return s - np.log(np.sum(np.exp(s), axis=axis, keepdims=True))
"""

    def value(self, xp: Any, x: Any) -> Any:
        s = x - xp.max(x, axis=self.axis, keepdims=True)
        return s - xp.log(xp.sum(xp.exp(s), axis=self.axis, keepdims=True))

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g - exp(y) * sum(g, self.axis, keepdims=True),)

    def symbol(self, *x: Any) -> Any:
        total = np.sum(_exponentials(x[0]), axis=self.axis, keepdims=True)
        return x[0] - np.frompyfunc(_sympy().log, 1, 1)(total)


class SoftmaxCrossEntropy(Op):
    """y = -ln softmax(z)_t, row by row: logits z (..., K), class indices t (...).

    The derivative with respect to z is softmax(z) - onehot(t).
    """

    name = "softmax_cross_entropy"
    latex = r"-\ln\operatorname{{softmax}}({0})_{{{1}}}"
    code = "softmax_cross_entropy({0}, {1})"
    helper = """
def softmax_cross_entropy(z, labels):
    s = z - np.max(z, axis=-1, keepdims=True)
    picked = np.take_along_axis(s, np.expand_dims(labels, -1), -1)[..., 0]
    return np.log(np.sum(np.exp(s), axis=-1)) - picked
"""

    def value(self, xp: Any, z: Any, t: Any) -> Any:
        last = z.ndim - 1
        s = z - xp.max(z, axis=last, keepdims=True)
        places = xp.arange(z.shape[-1], dtype=t.dtype)
        hot = xp.astype(xp.equal(xp.expand_dims(t, -1), places), z.dtype)
        total = xp.sum(xp.exp(s), axis=last, keepdims=True)
        return xp.reshape(xp.log(total), t.shape) - xp.sum(hot * s, axis=last)

    def shape(self, *x: Shape) -> Shape:
        if not x[0] or x[0][:-1] != x[1]:
            raise ShapeError(
                f"softmax_cross_entropy of logits {x[0]} and class indices {x[1]}: there is one "
                f"index for each row of logits, so {x[0][:-1]} was expected."
            )
        return x[1]

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return x[0] if x[0].kind == "f" else np.dtype(np.float64)

    def pull(self, g: Any, y: Any, z: Any, t: Any) -> tuple[Any, ...]:
        error = softmax(z) - one_hot(t, z.shape[-1], z.dtype)
        return expand_dims(g, -1) * error, None

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        size = stack_size(stacked, x)
        return apply(
            self, *[stack_of(part, own, size) for part, own in zip(x, stacked, strict=True)]
        )

    def symbol(self, *x: Any) -> Any:
        z, t = x
        logs = np.frompyfunc(_sympy().log, 1, 1)(np.sum(_exponentials(z), axis=-1))
        picked = np.take_along_axis(z, np.expand_dims(t.astype(int), -1), -1)[..., 0]
        return logs - picked

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        yield cls(), (sample("real", (4, 3), rng), np.array([0, 2, 1, 1]))
        yield cls(), (sample("real", (3,), rng), np.array(2))


class SigmoidCrossEntropy(Elementwise):
    """y = -t ln σ(z) - (1 - t) ln(1 - σ(z)), entry by entry: logits z, targets t in 0 to 1.

    Computed as max(z, 0) - t z + ln(1 + e^-|z|), which is exact to rounding at every finite z. The
    derivative with respect to z is σ(z) - t.
    """

    name = "sigmoid_cross_entropy"
    latex = r"-{1} \ln\sigma({0}) - (1 - {1}) \ln(1 - \sigma({0}))"
    code = "sigmoid_cross_entropy({0}, {1})"
    helper = """
def sigmoid_cross_entropy(z, t):
    # -t ln p - (1 - t) ln(1 - p) with p = sigmoid(z), and never the log of 0
    return np.maximum(z, 0) - t * z + np.log1p(np.exp(-np.abs(z)))
"""
    domains = ("real", "unit")

    def value(self, xp: Any, z: Any, t: Any) -> Any:
        return (xp.maximum(z, 0.0) - t * z) + xp.logaddexp(xp.copysign(z, -1.0), 0.0)

    pulls = lambda g, y, z, t: g * (sigmoid(z) - t), lambda g, y, z, t: -g * z

    def entry(self, sp: Any, z: Any, t: Any) -> Any:
        return sp.log(1 + sp.exp(z)) - t * z


def _sympy() -> Any:
    import sympy

    return sympy


def _exponentials(x: Any) -> Any:
    return np.frompyfunc(_sympy().exp, 1, 1)(x)


@public
def softmax(x: Any, axis: int = -1) -> Any:
    """y = e^x / Σ e^x along an axis: positive, with total 1; finite at every finite x."""
    return _softmax(_one_axis(x, axis, "softmax"))(floats(x))


@public
def log_softmax(x: Any, axis: int = -1) -> Any:
    """y = x - ln Σ e^x along an axis: the log of softmax, finite at every finite x."""
    return _log_softmax(_one_axis(x, axis, "log_softmax"))(floats(x))


_softmax, _log_softmax = once_of_one(Softmax), once_of_one(LogSoftmax)


def _one_axis(x: Any, axis: int, where: str) -> int:
    place = known_axis(x, axis, where)
    if not isinstance(place, int):
        raise ShapeError(f"{where} goes along one axis, got axis={axis!r}.")
    return place


sigmoid_cross_entropy = binary(SigmoidCrossEntropy)


@public
def softmax_cross_entropy(z: Any, t: Any) -> Any:
    """y = -Σ t ln softmax(z), row by row, straight from the logits ``z`` (..., K).

    ``t`` holds class indices (...), or one-hot or soft labels (..., K).

    Raises:
        ShapeError: neither fits.
        OptionError: a class index below 0, or of a class for which there is no logit.
    """
    labels = t if hasattr(t, "dtype") else np.asarray(t)
    if labels.dtype.kind in "iu" and len(shape_of(labels)) == len(shape_of(z)) - 1:
        require_classes(labels, shape_of(z)[-1], "softmax_cross_entropy")
        return apply(SoftmaxCrossEntropy(), floats(z), labels)
    if shape_of(labels) != shape_of(z):
        raise ShapeError(
            f"softmax_cross_entropy of logits {shape_of(z)} and targets {shape_of(labels)}: class "
            f"indices {shape_of(z)[:-1]} or labels {shape_of(z)} were expected."
        )
    return -sum(labels * log_softmax(z), -1)
