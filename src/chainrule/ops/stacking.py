"""Stacking: arrays beside each other, above each other, and again and again, as NumPy says it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.op import public, speaks_for
from chainrule.ops.shape import broadcast_to, concatenate, reshape, shape_of


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
