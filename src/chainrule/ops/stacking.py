"""Stacking: arrays beside each other, above each other, and again and again, as NumPy says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import FUNCTIONS, Array, Op, Shape, public, speaks_for
from chainrule.ops.base import once, sample, stack_of, stack_size
from chainrule.ops.shape import broadcast_to, expand_dims, reshape, shape_of


@dataclass(frozen=True, slots=True, repr=False)
class Concatenate(Op):
    """Arrays one after the other along an axis."""

    axis: int = 0
    name, onnx = "concatenate", "Concat"

    def value(self, xp: Any, *x: Any) -> Any:
        return xp.concatenate(x, axis=self.axis)

    def shape(self, *x: Shape) -> Shape:
        others = {s[: self.axis] + s[self.axis + 1 :] for s in x}
        if len(others) > 1 or len({len(s) for s in x}) > 1 or self.axis >= len(x[0]):
            raise ShapeError(
                f"concatenate along axis {self.axis} needs shapes that agree in all other axes, "
                f"got {', '.join(map(str, x))}."
            )
        return (
            *x[0][: self.axis],
            sum(s[self.axis] for s in x),
            *x[0][self.axis + 1 :],
        )

    def pull(self, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        ends = np.cumsum([part.shape[self.axis] for part in x])
        front = (slice(None),) * self.axis
        return tuple(
            FUNCTIONS["getitem"](g, (*front, slice(int(end) - part.shape[self.axis], int(end))))
            for part, end in zip(x, ends, strict=True)
        )

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        size = stack_size(stacked, x)
        parts = [stack_of(part, own, size) for part, own in zip(x, stacked, strict=True)]
        return apply(Concatenate(self.axis + 1), *parts)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        common = self.dtype(*[part.dtype for part in x])
        return xp.node(self.onnx, *[xp.astype(part, common) for part in x], axis=self.axis)

    def formula(self, *x: str) -> str:
        return r"\left[" + r",\ ".join(x) + r"\right]"

    def source(self, *x: str) -> str:
        return f"np.concatenate([{', '.join(x)}], axis={self.axis})"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        yield cls(0), (sample("real", (2, 3), rng), sample("real", (4, 3), rng))
        yield cls(1), tuple(sample("real", (2, n), rng) for n in (1, 3, 2))


_concatenate = once(Concatenate)


@public
@speaks_for(np.concatenate)
def concatenate(parts: Sequence[Any], axis: int | None = 0) -> Any:
    """The parts one after the other along an axis; for None, all entries in one row.

    Raises:
        OptionError: no parts at all.
        ShapeError: they do not agree in the other axes.
    """
    parts = list(parts)
    if not parts:
        raise OptionError("concatenate needs at least one part, got none.")
    if axis is None:
        return concatenate([reshape(part, -1) for part in parts])
    ndim = len(shape_of(parts[0]))
    if not -ndim <= axis < ndim:
        raise ShapeError(f"concatenate along axis {axis}, but the parts have {ndim} axes.")
    return apply(_concatenate(axis % ndim), *parts)


@public
@speaks_for(np.stack)
def stack(parts: Sequence[Any], axis: int = 0) -> Any:
    """Parts of one shape, side by side along a new axis."""
    return concatenate([expand_dims(part, axis) for part in parts], axis)


@public
@speaks_for(np.hstack)
def hstack(parts: Sequence[Any]) -> Any:
    """Parts beside each other: along the second axis, or the first where that is all they have."""
    whole = [_at_least(part, 1) for part in parts]
    return concatenate(whole, 0 if whole and len(shape_of(whole[0])) == 1 else 1)


@public
@speaks_for(np.vstack)
def vstack(parts: Sequence[Any]) -> Any:
    """Parts above each other, along the first axis; a vector counts as one row."""
    return concatenate([_at_least(part, 2) for part in parts], 0)


@public
@speaks_for(np.tile)
def tile(A: Any, reps: int | Sequence[int]) -> Any:
    """``A`` repeated ``reps`` times: along its last axes, one number an axis, or only the last.

    Raises:
        OptionError: a number that is not whole, or below 0.
    """
    counts = tuple(reps) if isinstance(reps, Sequence) else (reps,)
    if not all(
        isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 0 for n in counts
    ):
        raise OptionError(f"tile repeats a whole number of times, 0 or more; got {reps!r}.")
    shape = shape_of(A)
    counts = (1,) * (len(shape) - len(counts)) + tuple(map(int, counts))
    shape = (1,) * (len(counts) - len(shape)) + shape
    # A new axis in front of each, along which it is repeated.
    apart = tuple(chain.from_iterable((1, size) for size in shape))
    spread = tuple(chain.from_iterable(zip(counts, shape, strict=True)))
    together = tuple(n * size for n, size in zip(counts, shape, strict=True))
    return reshape(broadcast_to(reshape(A, apart), spread), together)


def _at_least(x: Any, ndim: int) -> Any:
    """``x`` with axes of size 1 in front, so that it has that many."""
    shape = shape_of(x)
    return x if len(shape) >= ndim else reshape(x, (1,) * (ndim - len(shape)) + shape)
