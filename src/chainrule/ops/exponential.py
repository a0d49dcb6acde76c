"""Exponentials, logarithms, roots and waves."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.op import FUNCTIONS, public, speaks_for
from chainrule.graph.recorders import of_one, of_two
from chainrule.graph.tensor import Tensor
from chainrule.ops.arithmetic import multiply
from chainrule.ops.base import Elementwise, Unary, floats, unary
from chainrule.ops.choice import where
from chainrule.ops.comparison import equal
from chainrule.ops.stable import log1p_of_known, log_of_known


class Exp(Elementwise):
    """y = e^x."""

    name, function, onnx = "exp", "exp", "Exp"
    latex, overflow_is_fine = "e^{{{0}}}", True

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * y,)


class Expm1(Elementwise):
    """y = e^x - 1, precise near 0."""

    name, function = "expm1", "expm1"
    latex, overflow_is_fine = "e^{{{0}}} - 1", True

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * exp(x),)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.exp(x) - 1

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        # 2t / (1 - t) with t = tanh(x/2) is as precise near 0, where e^x - 1 cancels.
        t = xp.tanh(x[0] * 0.5)
        return xp.where(xp.abs(x[0]) < 1.0, 2.0 * t / (1.0 - t), xp.exp(x[0]) - 1.0)


class Log(Elementwise):
    """y = ln x. At 0 it is -inf with derivative inf; below 0 it is NaN."""

    name, function, onnx = "log", "log", "Log"
    latex, domains = r"\ln {0}", ("positive",)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g / x,)


class Log1p(Elementwise):
    """y = ln(1 + x), precise near 0."""

    name, function = "log1p", "log1p"
    latex, domains = r"\ln(1 + {0})", ("positive",)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g / (1.0 + x),)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.log(1 + x)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        # What 1 + x loses in rounding is lost in the quotient as well: Kahan's correction.
        u = 1.0 + x[0]
        whole = xp.equal(u, 1.0)
        return xp.where(whole, x[0], xp.log(u) * x[0] / xp.where(whole, 1.0, u - 1.0))


class LogAddExp(Elementwise):
    """y = ln(e^a + e^b), finite at every finite a and b: the smooth maximum of two."""

    name, function = "logaddexp", "logaddexp"
    latex, domains = r"\ln(e^{{{0}}} + e^{{{1}}})", ("real", "real")

    pulls = lambda g, y, a, b: g * exp(a - y), lambda g, y, a, b: g * exp(b - y)

    def entry(self, sp: Any, a: Any, b: Any) -> Any:
        return sp.log(sp.exp(a) + sp.exp(b))

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        # The larger, and what the smaller adds to it.
        a, b = x
        return xp.maximum(a, b) + xp.log1p(xp.exp(-xp.abs(a - b)))


class Sqrt(Elementwise):
    """y = √x. At 0 the derivative is inf."""

    name, function, onnx = "sqrt", "sqrt", "Sqrt"
    latex, domains = r"\sqrt{{{0}}}", ("positive",)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * 0.5 / y,)


class Sin(Elementwise):
    """y = sin x, x in radians."""

    name, function, onnx = "sin", "sin", "Sin"
    latex = r"\sin {0}"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * cos(x),)


class Cos(Elementwise):
    """y = cos x, x in radians."""

    name, function, onnx = "cos", "cos", "Cos"
    latex = r"\cos {0}"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * -sin(x),)


class TimesLog(Elementwise):
    """y = t ln x, and 0 where t = 0, whatever x is: the limit, and what a cross-entropy means.

    Where t = 0 the derivative with respect to x is 0 as well.
    """

    name = "times_log"
    latex, domains = r"{0} \ln {1}", ("real", "positive")
    code = "times_log({0}, {1})"
    helper = """
def times_log(t, x):
    return t * np.log(np.where(t == 0, 1, x))  # 0 where t is 0
"""
    is_open = False

    def value(self, xp: Any, t: Any, x: Any) -> Any:
        return t * xp.log(xp.where(xp.equal(t, 0), xp.ones_like(x), x))

    def pull(self, g: Any, y: Any, t: Any, x: Any) -> tuple[Any, ...]:
        none = equal(t, 0)
        return lambda: g * log(x), lambda: where(none, g.dtype.type(0), g * t / where(none, 1.0, x))

    def entry(self, sp: Any, t: Any, x: Any) -> Any:
        return t * sp.log(x)


exp: Unary = unary(Exp, np.exp)
expm1 = unary(Expm1, np.expm1)
sqrt = unary(Sqrt, np.sqrt)
sin = unary(Sin, np.sin)
cos = unary(Cos, np.cos)


@public
@speaks_for(np.log)
def log(x: Any) -> Any:
    """y = ln x; the log of a sigmoid or a softmax is recorded in its stable form.

    log σ(z) = -softplus(-z), log(1 - σ(z)) = -softplus(z), and log softmax(z) = z - logsumexp(z):
    finite at any z, where the textbook's formula gives log 0.
    """
    if isinstance(x, Tensor):
        known = log_of_known(x)
        if known is not None:
            return known
    return _logarithm(floats(x))


@public
@speaks_for(np.log1p)
def log1p(x: Any) -> Any:
    """y = ln(1 + x), precise near 0; of e^z or of -σ(z) it is recorded in its stable form.

    log1p(e^z) = softplus(z) and log1p(-σ(z)) = -softplus(z), finite at any z.
    """
    if isinstance(x, Tensor):
        known = log1p_of_known(x)
        if known is not None:
            return known
    return _logarithm_of_one_more(floats(x))


@public
def times_log(t: Any, x: Any) -> Any:
    """y = t ln x, and 0 where t = 0; the log of a sigmoid or a softmax in its stable form."""
    known = log_of_known(x) if isinstance(x, Tensor) else None
    return _times_log(t, floats(x)) if known is None else multiply(t, known)


@public
@speaks_for(np.logaddexp)
def logaddexp(a: Any, b: Any) -> Any:
    """y = ln(e^a + e^b), entry by entry; with the number 0 it is recorded as softplus."""
    for zero, other in ((a, b), (b, a)):
        if isinstance(zero, int | float) and zero == 0 and isinstance(other, Tensor):
            return FUNCTIONS["softplus"](other)
    return _logaddexp(floats(a), floats(b))


_logarithm, _logarithm_of_one_more = of_one(Log()), of_one(Log1p())
_times_log, _logaddexp = of_two(TimesLog()), of_two(LogAddExp())
