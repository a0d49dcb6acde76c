"""Choices, entry by entry: the larger, the smaller, what a condition says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.apply import apply
from chainrule.graph.op import Array, Op, public, speaks_for
from chainrule.ops.base import Elementwise, binary, sample
from chainrule.ops.cast import astype
from chainrule.ops.comparison import equal, greater, less


class Maximum(Elementwise):
    """y = the larger of a and b. At a tie each gets half of the gradient."""

    name, function, gives, onnx = "maximum", "maximum", "same", "Max"
    latex, domains = r"\max({0}, {1})", ("real", "real")

    pulls = (
        lambda g, y, a, b: _shared(g, a, b, greater(a, b)),
        lambda g, y, a, b: _shared(g, a, b, less(a, b)),
    )

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return sp.Max(a, b)


class Minimum(Elementwise):
    """y = the smaller of a and b. At a tie each gets half of the gradient."""

    name, function, gives, onnx = "minimum", "minimum", "same", "Min"
    latex, domains = r"\min({0}, {1})", ("real", "real")

    pulls = (
        lambda g, y, a, b: _shared(g, a, b, less(a, b)),
        lambda g, y, a, b: _shared(g, a, b, greater(a, b)),
    )

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return sp.Min(a, b)


def _shared(g: Any, a: Any, b: Any, wins: Any) -> Any:
    return g * where(equal(a, b), 0.5, astype(wins, g.dtype))


@dataclass(frozen=True, slots=True, repr=False)
class Clip(Elementwise):
    """y = x held between low and high. The derivative is 1 from low to high, both included."""

    low: float | None = None
    high: float | None = None
    name, gives = "clip", "same"
    latex, code = r"\operatorname{{clip}}({0}, {low}, {high})", "np.clip({0}, {low}, {high})"

    def value(self, xp: Any, x: Any) -> Any:
        x = x if self.low is None else xp.maximum(x, self.low)
        return x if self.high is None else xp.minimum(x, self.high)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return np.result_type(*x, *[b for b in (self.low, self.high) if b is not None])

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * astype(equal(x, y), g.dtype),)

    def entry(self, sp: Any, x: Any) -> Any:
        x = x if self.low is None else sp.Max(x, self.low)
        return x if self.high is None else sp.Min(x, self.high)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for low, high in ((-0.75, 0.8), (None, 0.5), (0.1, None)):
            yield cls(low, high), (sample("real", (3, 4), rng),)


class Where(Elementwise):
    """y = a where the condition holds, else b."""

    name, gives, onnx = "where", "same", "Where"
    latex = r"\begin{{cases}} {1} & {0} \\ {2} & \text{{else}} \end{{cases}}"
    code, domains = "np.where({0}, {1}, {2})", ("bool", "real", "real")
    is_open = False

    def value(self, xp: Any, condition: Any, a: Any, b: Any) -> Any:
        return xp.where(condition, a, b)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return np.result_type(*x[1:])

    def pull(self, g: Any, y: Any, condition: Any, a: Any, b: Any) -> tuple[Any, ...]:
        return (
            None,
            lambda: where(condition, g, g.dtype.type(0)),
            lambda: where(condition, g.dtype.type(0), g),
        )

    def entry(self, sp: Any, condition: Any, a: Any, b: Any) -> Any:
        holds = bool(condition) if isinstance(condition, np.bool_) else condition
        return sp.Piecewise((a, sp.sympify(holds)), (b, True))

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        common = np.result_type(*[part.dtype for part in x[1:]])
        a, b = (xp.astype(part, common) for part in x[1:])
        return xp.node(self.onnx, xp.astype(x[0], bool), a, b)


maximum = binary(Maximum, np.maximum)
minimum = binary(Minimum, np.minimum)


@public
@speaks_for(np.where)
def where(condition: Any, a: Any, b: Any) -> Any:
    """y = a where the condition holds, else b; all three broadcast."""
    return apply(_WHERE, condition, a, b)


@public
def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """y = x held between two numbers, either of which may be None.

    Raises:
        OptionError: a bound is not a number, or low > high.
    """
    for bound in (low, high):
        if not (bound is None or isinstance(bound, int | float | np.number)):
            raise OptionError(
                f"clip needs numbers as bounds, got {bound!r}. For arrays write "
                "cr.maximum(cr.minimum(x, high), low)."
            )
    if low is not None and high is not None and low > high:
        raise OptionError(f"clip needs low <= high, got low={low}, high={high}.")
    low, high = (b.item() if isinstance(b, np.generic) else b for b in (low, high))
    return apply(Clip(low, high), x)


@public
@speaks_for(np.clip)
def clip_as_numpy(x: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    """``clip`` under the names that NumPy's has for the bounds: a_min and a_max, or min and max."""
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    return clip(x, low, high, **options)


_WHERE = Where()
