"""Shape: the same entries in another arrangement. Most of these are views and cost nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import FUNCTIONS, Array, Op, Shape, broadcast, public, speaks_for
from chainrule.ops.base import aligned, once_of_one, sample


@dataclass(frozen=True, slots=True, repr=False)
class Reshape(Op):
    """The same entries, in the same order, in another shape."""

    to: Shape
    name, onnx, is_view = "reshape", "Reshape", True
    latex, code = "{0}", "{0}.reshape({to})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.reshape(x, self.to)

    def shape(self, *x: Shape) -> Shape:
        if math.prod(x[0]) != math.prod(self.to):
            raise ShapeError(
                f"reshape from {x[0]} ({math.prod(x[0])} entries) to {self.to} "
                f"({math.prod(self.to)} entries): the number of entries must stay the same."
            )
        return self.to

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (reshape(g, x.shape),)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        return xp.node(self.onnx, x[0], np.array(self.to, np.int64), allowzero=int(0 in self.to))

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        return apply(Reshape((x[0].shape[0], *self.to)), *x)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for to in ((4, 3), (12,), (2, 1, 6)):
            yield cls(to), (sample("real", (3, 4), rng),)


@dataclass(frozen=True, slots=True, repr=False)
class Transpose(Op):
    """The axes in another order."""

    axes: tuple[int, ...]
    name, onnx, is_view = "transpose", "Transpose", True
    latex, code = "{0}^\\top", "np.transpose({0}, {axes})"

    @cached_property
    def back(self) -> Callable[[Any], Any]:
        """The transpose that puts the axes back."""
        return _transposed(tuple([self.axes.index(i) for i in range(len(self.axes))]))

    def value(self, xp: Any, x: Any) -> Any:
        return xp.transpose(x, self.axes)

    def shape(self, *x: Shape) -> Shape:
        if sorted(self.axes) != list(range(len(x[0]))):
            raise ShapeError(
                f"transpose with axes {self.axes} of shape {x[0]}: name each of its "
                f"{len(x[0])} axes once."
            )
        return tuple(x[0][i] for i in self.axes)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (self.back(g),)

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        return apply(Transpose((0, *[i + 1 for i in self.axes])), *x)

    def onnx_attributes(self) -> dict[str, Any]:
        return {"perm": self.axes}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        yield cls((1, 0)), (sample("real", (3, 4), rng),)
        yield cls((2, 0, 1)), (sample("real", (2, 3, 4), rng),)


@dataclass(frozen=True, slots=True, repr=False)
class BroadcastTo(Op):
    """The input repeated along new axes and axes of size 1."""

    to: Shape
    name, onnx, is_view = "broadcast_to", "Expand", True
    latex, code = "{0}", "np.broadcast_to({0}, {to})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.broadcast_to(x, self.to)

    def shape(self, *x: Shape) -> Shape:
        try:
            fits = broadcast(x[0], self.to) == self.to
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(f"broadcast_to from {x[0]} to {self.to}: only axes of size 1 stretch.")
        return self.to

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (FUNCTIONS["sum_to"](g, x.shape),)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        return xp.node(self.onnx, x[0], np.array(self.to, np.int64))

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        return apply(BroadcastTo((x[0].shape[0], *self.to)), aligned(x[0], len(self.to)))

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for shape in ((4,), (3, 1), ()):
            yield cls((2, 3, 4)), (sample("real", shape, rng),)


_reshaped, _transposed = once_of_one(Reshape), once_of_one(Transpose)
_broadcast = once_of_one(BroadcastTo)
_reversed = once_of_one(lambda ndim: Transpose(tuple(range(ndim))[::-1]))


@public
@speaks_for(np.shape)
def shape_of(x: Any) -> Shape:
    """The shape of a Tensor, an array or a number: whole numbers, no node."""
    try:
        shape: Shape = x.shape
    except AttributeError:
        shape = np.shape(x)
    return shape


def _sizes(shape: Any) -> Shape:
    if isinstance(shape, int | np.integer):
        return (int(shape),)
    return tuple(map(int, shape))


@public
@speaks_for(np.reshape)
def reshape(x: Any, shape: Any) -> Any:
    """The same entries in another shape; one size may be -1, and is then worked out.

    Raises:
        ShapeError: the number of entries would change.
    """
    wanted = _sizes(shape)
    given = shape_of(x)
    if wanted.count(-1) == 1:
        rest = -math.prod(wanted)
        if rest == 0 or math.prod(given) % rest:
            raise ShapeError(
                f"reshape from {given} ({math.prod(given)} entries) to {wanted}: no size fits "
                "in the place of -1."
            )
        wanted = tuple(math.prod(given) // rest if size == -1 else size for size in wanted)
    if min(wanted, default=0) < 0:
        raise ShapeError(f"reshape to {wanted}: sizes are 0 or more, and only one may be -1.")
    return _reshaped(wanted)(x)


@public
@speaks_for(np.transpose, np.permute_dims)
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order; without ``axes``, in reverse.

    Raises:
        ShapeError: not every axis once.
    """
    ndim = len(shape_of(x))
    if axes is None:
        return _reversed(ndim)(x)
    # An axis that is not there stays as it is, for the op to refuse.
    return _transposed(tuple([int(i) + ndim if -ndim <= i < 0 else int(i) for i in axes]))(x)


@public
@speaks_for(np.swapaxes)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged.

    Raises:
        ShapeError: there is no such axis.
    """
    axes = list(range(len(shape_of(x))))
    if not all(-len(axes) <= axis < len(axes) for axis in (axis1, axis2)):
        raise ShapeError(
            f"swapaxes of axes {axis1} and {axis2}: the input has {len(axes)} axes, its shape is "
            f"{shape_of(x)}."
        )
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, axes)


@public
@speaks_for(np.broadcast_to)
def broadcast_to(x: Any, shape: Any) -> Any:
    """The input repeated to fill ``shape``, without copying it."""
    wanted = _sizes(shape)
    return x if shape_of(x) == wanted else _broadcast(wanted)(x)


@public
@speaks_for(np.expand_dims)
def expand_dims(x: Any, axis: int | tuple[int, ...]) -> Any:
    """A new axis of size 1 at the place ``axis`` of the result, or several at several places.

    Raises:
        ShapeError: there is no such place, or one is named twice.
    """
    shape = list(shape_of(x))
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    ndim = len(shape) + len(axes)
    places = sorted(place % ndim for place in axes)
    if len(set(places)) < len(axes) or not all(-ndim <= place < ndim for place in axes):
        raise ShapeError(f"expand_dims at {axis}: the input has {len(shape)} axes.")
    for place in places:
        shape.insert(place, 1)
    return reshape(x, shape)


@public
@speaks_for(np.squeeze)
def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The axes of size 1 removed: all of them, or those named.

    Raises:
        ShapeError: a named axis is not of size 1.
    """
    shape = shape_of(x)
    if axis is None:
        gone = {i for i, size in enumerate(shape) if size == 1}
    else:
        axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
        gone = {i + len(shape) if i < 0 else i for i in axes}
        if any(not 0 <= i < len(shape) or shape[i] != 1 for i in gone):
            raise ShapeError(f"squeeze of axis {axis}: only axes of size 1 go, shape is {shape}.")
    return reshape(x, tuple(size for i, size in enumerate(shape) if i not in gone))


@public
@speaks_for(np.ndim)
def ndim(x: Any) -> int:
    """How many axes there are: a number, no node."""
    return len(shape_of(x))


@public
@speaks_for(np.size)
def size(x: Any, axis: int | None = None) -> int:
    """How many entries there are, in all or along an axis: a number, no node."""
    shape = shape_of(x)
    return math.prod(shape) if axis is None else shape[axis]


@public
@speaks_for(np.zeros_like)
def zeros_like(x: Any) -> Array:
    """An array of zeros of the same shape and dtype: a constant."""
    return np.zeros(shape_of(x), x.dtype)


@public
@speaks_for(np.ones_like)
def ones_like(x: Any) -> Array:
    """An array of ones of the same shape and dtype: a constant."""
    return np.ones(shape_of(x), x.dtype)


@public
@speaks_for(np.ravel)
def ravel(x: Any) -> Any:
    """All entries in one row."""
    return reshape(x, -1)
