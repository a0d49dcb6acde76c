"""Comparisons: two numbers in, true or false out. No gradient flows through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import DtypeError
from chainrule.graph.op import FUNCTIONS, speaks_for
from chainrule.ops.base import Elementwise, binary, unary


class _Comparison(Elementwise):
    gives = "bool"
    domains: ClassVar[tuple[str, ...]] = ("real", "real")

    def pull(self, g: Any, y: Any, a: Any, b: Any) -> tuple[Any, ...]:
        return None, None

    def source(self, *x: str) -> str:
        return f"np.{self.function}({', '.join(x)})"

    def entry(self, sp: Any, *x: Any) -> Any:
        return {"less": sp.Lt, "less_equal": sp.Le, "greater": sp.Gt, "greater_equal": sp.Ge,
                "equal": sp.Eq, "not_equal": sp.Ne, "logical_and": sp.And, "logical_or": sp.Or,
                "logical_not": sp.Not}[self.name](*x)  # fmt: skip


class Less(_Comparison):
    """a < b."""

    name = function = "less"
    latex, onnx = "{0} < {1}", "Less"


class LessEqual(_Comparison):
    """a <= b."""

    name = function = "less_equal"
    latex, onnx = r"{0} \leq {1}", "LessOrEqual"


class Greater(_Comparison):
    """a > b."""

    name = function = "greater"
    latex, onnx = "{0} > {1}", "Greater"


class GreaterEqual(_Comparison):
    """a >= b."""

    name = function = "greater_equal"
    latex, onnx = r"{0} \geq {1}", "GreaterOrEqual"


class Equal(_Comparison):
    """a = b."""

    name = function = "equal"
    latex, onnx = "{0} = {1}", "Equal"


class NotEqual(_Comparison):
    """a differs from b."""

    name = function = "not_equal"
    latex = r"{0} \neq {1}"

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        return xp.logical_not(xp.equal(*x))


class LogicalAnd(_Comparison):
    """Both a and b hold."""

    name = function = "logical_and"
    latex, onnx, domains = r"{0} \wedge {1}", "And", ("bool", "bool")


class LogicalOr(_Comparison):
    """a or b holds."""

    name = function = "logical_or"
    latex, onnx, domains = r"{0} \vee {1}", "Or", ("bool", "bool")


class LogicalNot(_Comparison):
    """x does not hold."""

    name = function = "logical_not"
    latex, onnx, domains = r"\neg {0}", "Not", ("bool",)

    def pull(self, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        return (None,)


less = binary(Less, np.less)
less_equal = binary(LessEqual, np.less_equal)
greater = binary(Greater, np.greater)
greater_equal = binary(GreaterEqual, np.greater_equal)
equal = binary(Equal, np.equal)
not_equal = binary(NotEqual, np.not_equal)
logical_and = binary(LogicalAnd, np.logical_and)
logical_or = binary(LogicalOr, np.logical_or)
logical_not = unary(LogicalNot, np.logical_not)


def _of_conditions(
    function: Callable[..., Any], sign: str, advice: str, numpy_function: Callable[..., Any]
) -> None:
    """Let the operator ``sign`` be ``function`` of conditions, and of nothing else.

    NumPy's works on the bits of whole numbers: ``6 & 3`` is 2, and ``~6`` is -7.
    """

    def record(*x: Any) -> Any:
        for one in x:
            dtype = one.dtype if hasattr(one, "dtype") else np.asarray(one).dtype
            if dtype.kind != "b":
                raise DtypeError(
                    f"{sign} is for conditions, {advice}, and here is {dtype}. Compare first "
                    f"(t != 0), or write cr.{function.__name__}, for which all but 0 is true."
                )
        return function(*x)

    speaks_for(numpy_function)(record)
    FUNCTIONS[sign] = record


_of_conditions(logical_and, "&", "such as (t > 0) & (t < 1)", np.bitwise_and)
_of_conditions(logical_or, "|", "such as (t < 0) | (t > 1)", np.bitwise_or)
_of_conditions(logical_not, "~", "such as ~(t > 0)", np.invert)
