"""Losses: one number that says how wrong the outputs are.

Each is a function of outputs ``p`` and targets ``t`` of one shape (class indices may stand for
rows), and is recorded like any other: the graph sees where ``p`` came from, so the log of a sigmoid
or softmax is taken in its stable form. Losses average over the batch unless their name says sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError, unknown_name
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.ops.arithmetic import abs, square
from chainrule.ops.choice import minimum, where
from chainrule.ops.comparison import equal
from chainrule.ops.exponential import times_log
from chainrule.ops.indexing import one_hot
from chainrule.ops.loss import Softmax, sigmoid_cross_entropy, softmax_cross_entropy
from chainrule.ops.reduce import mean, sum
from chainrule.ops.shape import shape_of


@dataclass(frozen=True)
class Loss:
    """A loss as training sees it.

    ``entries`` gives the loss entry by entry, or row by row; their mean is the loss, or their sum
    times ``scale`` where ``total`` is set. ``kind`` says what targets mean: "probability" (0 to 1,
    one for each output), "classes" (one of several), or "values".
    """

    name: str
    entries: Callable[[Any, Any], Any] = field(repr=False)
    kind: str = "values"
    total: bool = False
    scale: float = 1.0

    def __call__(self, p: Any, t: Any, weights: Any = None) -> Any:
        """The loss of outputs ``p`` for targets ``t``; ``weights`` has one number for each row.

        With weights w the mean becomes Σ w l / Σ w (0 where all weights are 0, as those of a small
        batch may be), and the sum Σ w l.

        Raises:
            ShapeError: outputs and targets of different shapes, or not one weight a row.
        """
        p, t = _array(p), _array(t)
        if self.kind == "values" or self.kind == "probability":
            _same_shape(self.name, p, t)
        entries = self.entries(p, t)
        if weights is None:
            return sum(entries) * self.scale if self.total else mean(entries)
        ndim = len(shape_of(entries))
        rows = (
            entries if ndim == 1 else (sum if self.total else mean)(entries, tuple(range(1, ndim)))
        )
        if shape_of(weights) != shape_of(rows):
            raise ShapeError(
                f"{self.name}: weights have shape {shape_of(weights)}; one number for each row is "
                f"{shape_of(rows)}."
            )
        if self.total:
            return sum(rows * weights) * self.scale
        total = sum(weights)
        return sum(rows * weights) / where(equal(total, 0.0), 1.0, total)


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)


def _same_shape(name: str, p: Any, t: Any) -> None:
    if shape_of(p) != shape_of(t):
        raise ShapeError(
            f"{name} of outputs {shape_of(p)} and targets {shape_of(t)}: they must have the same "
            "shape. (n,) against (n, 1) would broadcast to (n, n): write t.reshape(-1, 1)."
        )


def _binary(p: Any, t: Any) -> Any:
    if isinstance(p, Tensor) and came_from(p, "sigmoid"):
        return sigmoid_cross_entropy(p.inputs[0], t)
    return -(times_log(t, p) + times_log(1 - t, 1 - p))


def _categorical(p: Any, t: Any) -> Any:
    by_index = t.dtype.kind in "iu" and len(shape_of(t)) == len(shape_of(p)) - 1
    if not by_index and shape_of(t) != shape_of(p):
        raise ShapeError(
            f"cross_entropy of outputs {shape_of(p)} and targets {shape_of(t)}: class indices "
            f"{shape_of(p)[:-1]} (integers) or labels {shape_of(p)} were expected."
        )
    if by_index:
        if isinstance(p, Tensor) and p.op == Softmax(p.ndim - 1):
            return softmax_cross_entropy(p.inputs[0], t)
        t = one_hot(t, shape_of(p)[-1], p.dtype if p.dtype.kind == "f" else "float64")
    return -sum(times_log(t, p), -1)


def _squared(p: Any, t: Any) -> Any:
    return square(p - t)


def _absolute(p: Any, t: Any) -> Any:
    return abs(p - t)


@dataclass(frozen=True)
class _Bend:
    """Huber's entries, straight where a distance is more than ``delta``, or each output's."""

    delta: float | tuple[float, ...]

    def __call__(self, p: Any, t: Any) -> Any:
        size, delta = abs(p - t), self.delta
        near = minimum(size, np.array(delta, size.dtype) if isinstance(delta, tuple) else delta)
        return near * (size - 0.5 * near)


def huber_loss(delta: float | Sequence[float]) -> Loss:
    """Huber's loss with this ``delta``, as training sees it; those of one delta are equal.

    Args:
        delta: one for all outputs, or one for each.

    Raises:
        OptionError: a delta that is not above 0.
    """
    each = delta if isinstance(delta, Sequence) else [delta]
    if not all(one > 0 for one in each):
        raise OptionError(f"huber needs delta > 0, got {delta}.")
    return Loss("huber", _Bend(tuple(map(float, each)) if each is delta else float(each[0])))


def huber_delta(loss: Loss) -> float | tuple[float, ...] | None:
    """The delta of a loss that is Huber's, or those of its outputs; else None."""
    return loss.entries.delta if isinstance(loss.entries, _Bend) else None


NAMED: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("binary_cross_entropy", _binary, "probability"),
        Loss("cross_entropy", _categorical, "classes"),
        Loss("mean_squared_error", _squared),
        Loss("sum_squared_error", _squared, total=True),
        Loss("half_sum_squared_error", _squared, total=True, scale=0.5),
        Loss("mean_absolute_error", _absolute),
        huber_loss(1.0),
    )
}


def loss(spec: str | Loss | Callable[[Any, Any], Any]) -> Loss:
    """A loss by name, a Loss, or a function of outputs and targets that gives one number.

    Raises:
        OptionError: an unknown name, with the nearest one; or neither.
    """
    if isinstance(spec, Loss):
        return spec
    if isinstance(spec, str):
        if spec not in NAMED:
            raise unknown_name("loss", spec, NAMED)
        return NAMED[spec]
    if isinstance(spec, partial) and spec.func is huber and [*spec.keywords] == ["delta"]:
        return huber_loss(spec.keywords["delta"])
    for known in NAMED.values():
        if spec is PUBLIC.get(known.name):
            return known
    if not callable(spec):
        raise OptionError(f"a loss is a name or a function (outputs, targets), got {spec!r}.")
    return _Own(getattr(spec, "__name__", "loss"), spec)


@dataclass(frozen=True)
class _Own(Loss):
    """A user's function, which reduces by itself."""

    def __call__(self, p: Any, t: Any, weights: Any = None) -> Any:
        if weights is not None:
            raise OptionError(
                f"weights need a loss that chainrule knows row by row, and {self.name} is a "
                "function of its own. Use cr.nn.losses.Loss(name, entries) to state it by rows."
            )
        value = self.entries(p, t)
        if isinstance(p, Tensor) and not (isinstance(value, Tensor) and value.size == 1):
            given = value.shape if isinstance(value, Tensor) else type(value).__name__
            raise OptionError(
                f"the loss {self.name} returned {given}; it must return one number computed from "
                "the outputs, such as cr.mean((p - t) ** 2)."
            )
        return value


def binary_cross_entropy(p: Any, t: Any, weights: Any = None) -> Any:
    """L = mean of -t ln p - (1 - t) ln(1 - p), p a probability, t from 0 to 1, of one shape."""
    return NAMED["binary_cross_entropy"](p, t, weights)


def cross_entropy(p: Any, t: Any, weights: Any = None) -> Any:
    """L = mean over rows of -Σ t ln p; p (n, K), t class indices (n,) or labels (n, K)."""
    return NAMED["cross_entropy"](p, t, weights)


def mean_squared_error(p: Any, t: Any, weights: Any = None) -> Any:
    """L = mean of (p - t)² over all entries."""
    return NAMED["mean_squared_error"](p, t, weights)


def sum_squared_error(p: Any, t: Any, weights: Any = None) -> Any:
    """L = Σ (p - t)² over all entries."""
    return NAMED["sum_squared_error"](p, t, weights)


def half_sum_squared_error(p: Any, t: Any, weights: Any = None) -> Any:
    """L = Σ (p - t)² / 2 over all entries: its gradient is p - t."""
    return NAMED["half_sum_squared_error"](p, t, weights)


def mean_absolute_error(p: Any, t: Any, weights: Any = None) -> Any:
    """L = mean of |p - t| over all entries."""
    return NAMED["mean_absolute_error"](p, t, weights)


def huber(p: Any, t: Any, weights: Any = None, *, delta: float = 1.0) -> Any:
    """L = mean of d²/2 where |d| <= delta, else delta (|d| - delta/2); d = p - t.

    To train with another delta give ``functools.partial(cr.huber, delta=5.0)`` as the loss: a
    network's file keeps it, and rows may have weights.

    Huber (1964), Robust estimation of a location parameter.
    """
    return huber_loss(delta)(p, t, weights)


PUBLIC: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        binary_cross_entropy,
        cross_entropy,
        mean_squared_error,
        sum_squared_error,
        half_sum_squared_error,
        mean_absolute_error,
        huber,
    )
}
"""The losses as functions, by name."""
