"""The largest and the smallest: reductions that pick entries, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import Array, Op, Shape, public, speaks_for
from chainrule.ops.base import sample
from chainrule.ops.cast import astype
from chainrule.ops.comparison import equal
from chainrule.ops.reduce import Reduction, known_axis, reduction, sum
from chainrule.ops.shape import reshape, shape_of


class _Extreme(Reduction):
    def shape(self, *x: Shape) -> Shape:
        self.require_entries(x[0])
        return super().shape(*x)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return x[0]

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        winners = astype(equal(x, self.spread(y, x)), g.dtype)
        shares = sum(winners, self.axis, keepdims=True)
        return (self.spread(g, x) * (winners / shares),)


class Max(_Extreme):
    """y = the largest entry over the axes. Entries that tie share the gradient equally."""

    name, onnx = "max", "ReduceMax"
    latex, code = r"\max {0}", "np.max({0}, axis={axis}, keepdims={keepdims})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.max(x, axis=self.axis, keepdims=self.keepdims)

    def symbol(self, *x: Any) -> Any:
        from sympy import Max as Largest

        return _fold(Largest, x[0], self)


class Min(_Extreme):
    """y = the smallest entry over the axes. Entries that tie share the gradient equally."""

    name, onnx = "min", "ReduceMin"
    latex, code = r"\min {0}", "np.min({0}, axis={axis}, keepdims={keepdims})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.min(x, axis=self.axis, keepdims=self.keepdims)

    def symbol(self, *x: Any) -> Any:
        from sympy import Min as Smallest

        return _fold(Smallest, x[0], self)


@dataclass(frozen=True, slots=True, repr=False)
class ArgMax(Op):
    """The position of the largest entry along an axis (None: in the flattened input)."""

    axis: int | None = None
    name, onnx, is_open, has_symbol = "argmax", "ArgMax", False, False
    latex, code = r"\operatorname{{argmax}} {0}", "np.argmax({0}, axis={axis})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.argmax(x, axis=self.axis)

    def shape(self, *x: Shape) -> Shape:
        return Reduction(self.axis).shape(*x)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return np.dtype(np.intp)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (None,)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        flat = xp.reshape(x[0], (-1,)) if self.axis is None else x[0]
        return xp.node(self.onnx, flat, axis=self.axis or 0, keepdims=0)

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        if self.axis is None:
            return apply(ArgMax(1), reshape(x[0], (x[0].shape[0], -1)))
        return apply(ArgMax(self.axis + 1), *x)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for axis in (None, 0, 1):
            yield cls(axis), (sample("real", (3, 4), rng),)


def _fold(function: Any, x: Any, op: Reduction) -> Any:
    gone = list(op.gone(x.ndim))
    last = np.moveaxis(x, gone, range(-len(gone), 0))
    rows = last.reshape(-1, op.count(x.shape))
    folded = np.empty(len(rows), object)
    folded[:] = [function(*row) for row in rows]
    return folded.reshape(op.shape(x.shape))


max = reduction(Max, np.max, np.amax)
min = reduction(Min, np.min, np.amin)


@public
@speaks_for(np.argmax)
def argmax(x: Any, axis: int | None = None) -> Any:
    """The position of the largest entry, the first of several, along one axis or of all."""
    place = known_axis(x, axis, "argmax")
    if isinstance(place, tuple):
        raise OptionError(f"argmax goes along one axis or all, got axis={axis!r}.")
    shape = shape_of(x)
    if 0 in (shape if place is None else (shape[place],)):
        raise ShapeError(f"argmax of no entries at all: the input has shape {shape}.")
    return apply(ArgMax(place), x)
