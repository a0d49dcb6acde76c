"""Arithmetic: + - * / and powers, signs and sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.op import FUNCTIONS, public, speaks_for
from chainrule.graph.recorders import of_two
from chainrule.ops.base import Elementwise, binary, unary
from chainrule.ops.choice import where
from chainrule.ops.comparison import equal
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


add = binary(Add, np.add)
subtract = binary(Subtract, np.subtract)
multiply = binary(Multiply, np.multiply)
negative = unary(Negative, np.negative)
square = unary(Square, np.square)
abs = unary(Abs, np.abs)
sign = unary(Sign, np.sign)


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


_powered, _divided = of_two(Power()), of_two(Divide())
