"""Arithmetic: + - * / and powers, choices, and what keeps a number as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.apply import apply
from chainrule.graph.op import FUNCTIONS, Array, Op, public, speaks_for
from chainrule.graph.recorders import of_two
from chainrule.ops.base import Elementwise, binary, once_of_one, sample, unary
from chainrule.ops.comparison import equal, greater, less
from chainrule.ops.stable import quotient_of_known


class Add(Elementwise):
    """y = a + b."""

    name, function, gives, onnx = "add", "add", "same", "Add"
    latex, code, domains = "{0} + {1}", "{0} + {1}", ("real", "real")
    pulls = lambda g, y, a, b: g, lambda g, y, a, b: g

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return a + b


class Subtract(Elementwise):
    """y = a - b."""

    name, function, gives, onnx = "subtract", "subtract", "same", "Sub"
    latex, code, domains = "{0} - {1}", "{0} - {1}", ("real", "real")
    pulls = lambda g, y, a, b: g, lambda g, y, a, b: -g

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return a - b


class Multiply(Elementwise):
    """y = a b, entry by entry."""

    name, function, gives, onnx = "multiply", "multiply", "same", "Mul"
    latex, code, domains = r"{0} \odot {1}", "{0} * {1}", ("real", "real")
    pulls = lambda g, y, a, b: g * b, lambda g, y, a, b: g * a

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return a * b


class Divide(Elementwise):
    """y = a / b, entry by entry; integers give floats."""

    name, function, onnx = "divide", "divide", "Div"
    latex, code, domains = r"\frac{{{0}}}{{{1}}}", "{0} / {1}", ("real", "nonzero")
    pulls = lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return a / b


def _to_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g * b * power(a, where(equal(b, 0), 1.0, b - 1))


def _to_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    zero = equal(a, 0)
    return g * where(zero, 0.0, y * FUNCTIONS["log"](where(zero, 1.0, a)))


class Power(Elementwise):
    """y = a ** b, entry by entry.

    dy/da = b a^(b-1), which is 0 where b = 0; dy/db = y ln a, which is 0 where a = 0. For a < 0
    the power is real for whole b alone, and has no derivative with respect to b (NaN).
    """

    name, function, gives, onnx = "power", "power", "same", "Pow"
    latex, code, domains = "{0}^{{{1}}}", "{0} ** {1}", ("positive", "real")
    pulls = _to_base, _to_exponent

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return a**b


class Negative(Elementwise):
    """y = -x."""

    name, function, gives, onnx = "negative", "negative", "same", "Neg"
    latex, code = "-{0}", "-{0}"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (-g,)

    def entry(self, sp: Any, x: Any) -> Any:
        return -x


class Square(Elementwise):
    """y = x²."""

    name, function, gives = "square", "square", "same"
    latex, code = "{0}^2", "np.square({0})"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * (2.0 * x),)

    def entry(self, sp: Any, x: Any) -> Any:
        return x**2

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        return x[0] * x[0]


class Abs(Elementwise):
    """y = |x|. At 0 the derivative is taken as 0."""

    name, function, gives, onnx = "abs", "abs", "same", "Abs"
    latex = r"\left|{0}\right|"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * sign(x),)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.Abs(x)


class Sign(Elementwise):
    """y = -1, 0 or 1 by the sign of x. Its derivative is taken as 0 everywhere."""

    name, function, gives, onnx = "sign", "sign", "same", "Sign"
    latex = r"\operatorname{{sign}}{0}"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (None,)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.sign(x)


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


add = binary(Add, np.add)
subtract = binary(Subtract, np.subtract)
multiply = binary(Multiply, np.multiply)
negative = unary(Negative, np.negative)
square = unary(Square, np.square)
abs = unary(Abs, np.abs)
sign = unary(Sign, np.sign)
maximum = binary(Maximum, np.maximum)
minimum = binary(Minimum, np.minimum)
identity = unary(Identity, np.positive)


@public
@speaks_for(np.divide)
def divide(a: Any, b: Any) -> Any:
    """y = a / b; a sigmoid or a softmax written out is recorded as what it is.

    1 / (1 + e^-z) is σ(z), and e^z / Σ e^z is softmax(z), so neither overflows.
    """
    known = quotient_of_known(a, b)
    return _divided(a, b) if known is None else known


@public
@speaks_for(np.reciprocal)
def reciprocal(x: Any) -> Any:
    """y = 1 / x, entry by entry."""
    return divide(1.0, x)


@public
@speaks_for(np.power)
def power(a: Any, b: Any) -> Any:
    """y = a ** b, entry by entry; a ** 2 is recorded as a square."""
    if isinstance(b, int | float) and b == 2:
        return square(a)
    if isinstance(b, int) and not isinstance(b, bool) and b < 0:
        b = float(b)
    return _powered(a, b)


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


@public
@speaks_for(np.astype)
def astype(x: Any, dtype: Any) -> Any:
    """y = x in another dtype."""
    return _cast(dtype)(x)


@once_of_one
def _cast(dtype: Any) -> Op:
    return Astype(np.dtype(dtype).name)


_powered, _divided, _WHERE = of_two(Power()), of_two(Divide()), Where()
