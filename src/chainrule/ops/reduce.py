"""Reductions: many entries to one, along some axes or all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import Array, Op, Shape, public, speaks_for
from chainrule.graph.recorders import of_one
from chainrule.ops.arithmetic import square
from chainrule.ops.base import floats, once_of_one, sample
from chainrule.ops.exponential import exp, sqrt
from chainrule.ops.shape import BroadcastTo, Reshape, shape_of

Axis = int | tuple[int, ...] | None
Records = tuple[Callable[[Any], Any], ...]
"""The functions that record some ops, one after the other."""


@dataclass(frozen=True, slots=True, repr=False)
class Reduction(Op):
    """What reductions share: the axes that go (None: all), and whether they stay with size 1."""

    axis: Axis = None
    keepdims: bool = False
    latex, code = "", ""

    def gone(self, ndim: int) -> Sequence[int]:
        """The axes that are reduced, of an input with ``ndim`` axes."""
        if self.axis is None:
            return range(ndim)
        return (self.axis,) if isinstance(self.axis, int) else self.axis

    def kept(self, x: Shape) -> Shape:
        """The shape with each reduced axis still there, of size 1."""
        gone = self.gone(len(x))
        return tuple([1 if i in gone else size for i, size in enumerate(x)])

    def count(self, x: Shape) -> int:
        """How many entries become one."""
        return _count(self.axis, x)

    def share(self, x: Shape) -> float:
        """1/n, by which each of the n entries counts in a mean (anything, where there are none)."""
        return 1.0 / max(self.count(x), 1)

    def require_entries(self, x: Shape) -> None:
        """Refuse to reduce no entries at all to one.

        Raises:
            ShapeError: there are none.
        """
        if self.count(x) == 0:
            raise ShapeError(f"{self.name} of no entries at all: the input has shape {x}.")

    def shape(self, *x: Shape) -> Shape:
        if self.keepdims:
            return self.kept(x[0])
        gone = self.gone(len(x[0]))
        return tuple([size for i, size in enumerate(x[0]) if i not in gone])

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return np.dtype(np.float64) if x[0].kind in "biu" else x[0]

    def spread(self, g: Any, x: Any) -> Any:
        """``g`` copied back over the axes that were reduced."""
        for record in _spreading(self.axis, g.shape, x.shape):
            g = record(g)
        return g

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        gone = range(x[0].ndim - 1) if self.axis is None else np.atleast_1d(self.axis)
        axes = tuple(int(i) + 1 for i in gone)
        return apply(replace(self, axis=axes[0] if len(axes) == 1 else axes), *x)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        if self.onnx is None:
            return self.value(xp, *x)
        axes = np.array(self.gone(x[0].ndim), np.int64)
        x = (xp.astype(x[0], self.dtype(x[0].dtype)), axes)
        return xp.node(self.onnx, *x, keepdims=int(self.keepdims))

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for axis, keepdims in ((None, False), (0, False), (1, True), ((0, 2), False), (None, True)):
            yield cls(axis, keepdims), (sample("real", (3, 4, 2), rng),)
        yield cls(), (sample("real", (), rng),)


@lru_cache(4096)
def _count(axis: Axis, shape: Shape) -> int:
    return math.prod([shape[i] for i in Reduction(axis).gone(len(shape))])


@lru_cache(4096)
def _spreading(axis: Axis, reduced: Shape, shape: Shape) -> Records:
    """The ops that copy what was ``reduced`` along an axis from ``shape`` back to ``shape``."""
    kept = Reduction(axis).kept(shape)
    ops: list[Op] = []
    # Axes that are missing in front come back by themselves, if anything is copied at all.
    in_front = (1,) * (len(kept) - len(reduced))
    if kept not in (reduced, in_front + reduced) or kept == shape != reduced:
        ops.append(Reshape(kept))
    if kept != shape:
        ops.append(BroadcastTo(shape))
    return tuple(map(of_one, ops))


class Sum(Reduction):
    """y = Σ x over the axes."""

    name, onnx = "sum", "ReduceSum"
    latex, code = r"\sum {0}", "np.sum({0}, axis={axis}, keepdims={keepdims})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.sum(x, axis=self.axis, keepdims=self.keepdims)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        total: np.dtype[Any] = np.sum(np.zeros(1, x[0])).dtype
        return total

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (self.spread(g, x),)


class Mean(Reduction):
    """y = Σ x / n over the axes."""

    name, onnx = "mean", "ReduceMean"
    latex = r"\operatorname{{mean}}({0})"
    code = "np.mean({0}, axis={axis}, keepdims={keepdims})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.sum(x, axis=self.axis, keepdims=self.keepdims) / float(self.count(x.shape))

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (self.spread(g * self.share(x.shape), x),)


class Var(Reduction):
    """y = Σ (x - mean)² / n over the axes: the variance of the entries themselves (ddof = 0)."""

    name = "var"
    latex = r"\operatorname{{var}}({0})"
    code = "np.var({0}, axis={axis}, keepdims={keepdims})"

    def value(self, xp: Any, x: Any) -> Any:
        n = float(self.count(x.shape))
        d = x - xp.sum(x, axis=self.axis, keepdims=True) / n
        return xp.sum(d * d, axis=self.axis, keepdims=self.keepdims) / n

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        centred = x - mean(x, self.axis, keepdims=True)
        return (self.spread(g * (2.0 * self.share(x.shape)), x) * centred,)


class LogSumExp(Reduction):
    """y = ln Σ e^x over the axes, the smooth maximum; finite at every finite x.

    It is ∞ where an entry is, and -∞ where all are.
    """

    name, onnx = "logsumexp", "ReduceLogSumExp"
    latex, code = r"\ln \sum e^{{{0}}}", "logsumexp({0}, axis={axis}, keepdims={keepdims})"
    helper = """
def logsumexp(x, axis, keepdims):
    top = np.nan_to_num(np.max(x, axis=axis, keepdims=True))
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)
"""

    def shape(self, *x: Shape) -> Shape:
        self.require_entries(x[0])
        return super().shape(*x)

    def value(self, xp: Any, x: Any) -> Any:
        # The largest number, or the one next to infinity: ∞ - ∞ is no number.
        edge = float(np.finfo(self.dtype(x.dtype)).max)
        top = xp.minimum(xp.maximum(xp.max(x, axis=self.axis, keepdims=True), -edge), edge)
        total = xp.sum(xp.exp(x - top), axis=self.axis, keepdims=True)
        return xp.reshape(xp.log(total) + top, self.shape(x.shape))

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (self.spread(g, x) * exp(x - self.spread(y, x)),)

    def symbol(self, *x: Any) -> Any:
        import sympy

        total = np.sum(np.frompyfunc(sympy.exp, 1, 1)(x[0]), axis=self.axis, keepdims=self.keepdims)
        return np.frompyfunc(sympy.log, 1, 1)(total)


def known_axis(x: Any, axis: Any, where: str) -> Axis:
    """An axis or several, counted from the front.

    Raises:
        OptionError: not whole numbers, or one named twice.
        ShapeError: an axis that ``x`` does not have.
    """
    if axis is None:
        return None
    ndim = len(shape_of(x))
    if type(axis) is int and -ndim <= axis < ndim:
        return axis % ndim
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    for one in axes:
        if not isinstance(one, int | np.integer) or isinstance(one, bool):
            raise OptionError(f"{where} needs whole numbers as axis, got {axis!r}.")
        if not -ndim <= one < ndim:
            raise ShapeError(
                f"{where} over axis {one}, but the input has {ndim} axes (its shape is "
                f"{shape_of(x)}), counted from 0."
            )
    whole = tuple(int(one) % ndim for one in axes)
    if len(set(whole)) < len(whole):
        raise OptionError(f"{where} got the same axis twice: {axis!r}.")
    return tuple(sorted(whole)) if isinstance(axis, tuple | list) else whole[0]


def reduction(op: type[Reduction], *numpy_functions: Any) -> Any:
    """The public function of a reduction, which speaks for these functions of NumPy's."""
    recorded = once_of_one(op)

    def function(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return recorded(known_axis(x, axis, op.name), bool(keepdims))(x)

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = (
        f"{op.__doc__}\n\nArgs:\n    x: a Tensor or an array.\n"
        "    axis: one axis, several in a tuple, or None for all.\n"
        "    keepdims: leave the reduced axes with size 1."
    )
    speaks_for(*numpy_functions)(function)
    return public(function)


sum = reduction(Sum, np.sum)
mean = reduction(Mean, np.mean)
var = reduction(Var, np.var)


@public
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """y = ln Σ e^x over the axes, the smooth maximum; finite at every finite x."""
    return _logsumexp(known_axis(x, axis, "logsumexp"), bool(keepdims))(floats(x))


_logsumexp = once_of_one(LogSumExp)


@public
@speaks_for(np.std)
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """y = √var x over the axes: the standard deviation of the entries themselves (ddof = 0)."""
    return sqrt(var(x, axis, keepdims))


@public
def norm(x: Any) -> Any:
    """y = √Σ x² over all entries."""
    return sqrt(sum(square(x)))


@public
def sum_to(g: Any, shape: Shape) -> Any:
    """Undo a broadcast: sum ``g`` over the axes along which an array of ``shape`` was repeated.

    Raises:
        ShapeError: an array of ``shape`` does not broadcast to the shape of ``g``.
    """
    for record in _undoing(shape, g.shape):
        g = record(g)
    return g


@lru_cache(4096)
def _undoing(shape: Shape, wide: Shape) -> Records:
    """The ops that sum what was broadcast from ``shape`` to ``wide``."""
    if BroadcastTo(wide).shape(shape) == shape:
        return ()
    added = len(wide) - len(shape)
    axes = tuple(range(added)) + tuple(
        i + added for i, size in enumerate(shape) if size == 1 and wide[i + added] != 1
    )
    total = Sum(axes[0] if len(axes) == 1 else axes)
    ops = (total,) if total.shape(wide) == shape else (total, Reshape(shape))
    return tuple(map(of_one, ops))
