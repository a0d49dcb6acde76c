"""What keeps a number as it is: a node of its own, or another dtype."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.graph.op import Array, Op, public, speaks_for
from chainrule.ops.base import Elementwise, once_of_one, sample, unary


class Identity(Elementwise):
    """y = x, as a node of its own."""

    name, gives, onnx = "identity", "same", "Identity"
    latex, code, is_view = "{0}", "{0}", True

    def value(self, xp: Any, x: Any) -> Any:
        return x

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g,)

    def entry(self, sp: Any, x: Any) -> Any:
        return x


@dataclass(frozen=True, slots=True, repr=False)
class Astype(Elementwise):
    """y = x in another dtype. Gradients flow between floats."""

    to: str = "float64"
    name, onnx = "astype", "Cast"
    latex, code = "{0}", "{0}.astype('{to}')"

    @cached_property
    def target(self) -> np.dtype[Any]:
        """The dtype itself: to find it by name takes as long as to cast a few numbers."""
        return np.dtype(self.to)

    def value(self, xp: Any, x: Any) -> Any:
        return xp.astype(x, self.target)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return self.target

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        if g.dtype.kind == "c":  # the chain rule refuses it, and says so
            return (g,)
        return (astype(g, x.dtype) if x.dtype.kind == "f" else None,)

    def entry(self, sp: Any, x: Any) -> Any:
        conditions = (
            sp.core.relational.Relational,
            sp.logic.boolalg.BooleanFunction,
            sp.logic.boolalg.BooleanAtom,
        )
        return sp.Piecewise((1, x), (0, True)) if isinstance(x, conditions) else x

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        return xp.astype(x[0], self.to)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        yield cls("float64"), (sample("real", (3, 4), rng),)


identity = unary(Identity, np.positive)


@public
@speaks_for(np.astype)
def astype(x: Any, dtype: Any) -> Any:
    """y = x in another dtype."""
    return _cast(dtype)(x)


@once_of_one
def _cast(dtype: Any) -> Op:
    return Astype(np.dtype(dtype).name)
