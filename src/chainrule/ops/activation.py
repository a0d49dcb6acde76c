"""Activations: the bends between the layers.

Each is finite, with a finite derivative, at every finite input. The kinks: relu, leaky_relu and
elu (whose derivative jumps when alpha is not 1) take the left derivative at 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.op import Array, Op, public
from chainrule.graph.tensor import Tensor
from chainrule.ops.base import Elementwise, once_of_one, sample, unary
from chainrule.ops.cast import astype
from chainrule.ops.choice import clip, minimum, where
from chainrule.ops.comparison import greater
from chainrule.ops.exponential import exp


class Tanh(Elementwise):
    """y = tanh x, between -1 and 1."""

    name, function, onnx = "tanh", "tanh", "Tanh"
    latex = r"\tanh {0}"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * (1.0 - y * y),)


class Sigmoid(Elementwise):
    """y = σ(x) = 1 / (1 + e^-x), between 0 and 1, to full relative precision."""

    name, onnx = "sigmoid", "Sigmoid"
    latex, code, overflow_is_fine = r"\sigma({0})", "sigmoid({0})", True
    helper = """
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
"""

    def value(self, xp: Any, x: Any) -> Any:
        return 1.0 / (1.0 + xp.exp(-x))

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * (y * (1.0 - y)),)

    def entry(self, sp: Any, x: Any) -> Any:
        return 1 / (1 + sp.exp(-x))


class Softplus(Elementwise):
    """y = ln(1 + e^x), the smooth relu; its derivative is σ(x)."""

    name, onnx, onnx_lacks = "softplus", "Softplus", ("float64",)
    latex, code = r"\ln(1 + e^{{{0}}})", "np.logaddexp(0, {0})"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.logaddexp(x, 0.0)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * exp(x - y),)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.log(1 + sp.exp(x))


class Relu(Elementwise):
    """y = max(x, 0). At 0 the derivative is taken as 0."""

    name, onnx, gives, onnx_lacks = "relu", "Relu", "same", ("int64",)
    latex, code = r"\max({0}, 0)", "np.maximum({0}, 0)"

    def value(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, 0)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * astype(greater(y, 0.0), y.dtype),)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.Max(x, 0)


@dataclass(frozen=True, slots=True, repr=False)
class LeakyRelu(Elementwise):
    """y = x where x > 0, else slope · x. At 0 the derivative is the slope.

    Maas, Hannun & Ng (2013), Rectifier nonlinearities improve neural network acoustic models.
    """

    slope: float = 0.01
    name, onnx, onnx_lacks = "leaky_relu", "LeakyRelu", ("float64",)
    latex = r"\operatorname{{lrelu}}({0})"
    code = "leaky_relu({0}, {slope})"
    helper = """
def leaky_relu(x, slope):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)
"""

    def value(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, 0.0) + self.slope * xp.minimum(x, 0.0)

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        up = astype(greater(x, 0), g.dtype)
        return (g * (self.slope + (1.0 - self.slope) * up),)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.Piecewise((x, x > 0), (self.slope * x, True))

    def onnx_attributes(self) -> dict[str, Any]:
        return {"alpha": self.slope}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for slope in (0.01, 0.3):
            yield cls(slope), (sample("real", (3, 4), rng),)


@dataclass(frozen=True, slots=True, repr=False)
class Elu(Elementwise):
    """y = x where x > 0, else alpha (e^x - 1). At 0 the derivative is alpha.

    Clevert, Unterthiner & Hochreiter (2016), Fast and accurate deep network learning by ELUs.
    """

    alpha: float = 1.0
    name, onnx, onnx_lacks = "elu", "Elu", ("float64",)
    latex = r"\operatorname{{elu}}({0})"
    code = "elu({0}, {alpha})"
    helper = """
def elu(x, alpha):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))
"""

    def value(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, 0.0) + self.alpha * xp.expm1(xp.minimum(x, 0.0))

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * where(greater(x, 0), 1.0, self.alpha * exp(minimum(x, 0.0))),)

    def entry(self, sp: Any, x: Any) -> Any:
        return sp.Piecewise((x, x > 0), (self.alpha * (sp.exp(x) - 1), True))

    def onnx_attributes(self) -> dict[str, Any]:
        return {"alpha": self.alpha}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for alpha in (1.0, 0.5):
            yield cls(alpha), (sample("real", (3, 4), rng),)


class Silu(Elementwise):
    """y = x σ(x), also called swish.

    Elfwing, Uchibe & Doya (2018), Sigmoid-weighted linear units.
    """

    name, overflow_is_fine = "silu", True
    latex, code = r"{0}\,\sigma({0})", "silu({0})"
    helper = """
def silu(x):
    return x / (1 + np.exp(-x))
"""

    def value(self, xp: Any, x: Any) -> Any:
        return x / (1.0 + xp.exp(-x))

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        s = sigmoid(x)
        return (g * (s + y * (1.0 - s)),)

    def entry(self, sp: Any, x: Any) -> Any:
        return x / (1 + sp.exp(-x))


_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBE = 0.044715
# tanh is 1 to the last bit of float64 long before its argument reaches this, so holding the input
# here changes no result, and keeps the cube of a huge input from overflowing.
_GELU_HELD = 10.0


class Gelu(Elementwise):
    """y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), x weighted by the normal distribution.

    Hendrycks & Gimpel (2016), Gaussian error linear units: the paper's tanh form, which is within
    0.0005 of x Φ(x).
    """

    name, onnx, onnx_lacks = "gelu", "Gelu", ("float64",)
    latex = r"\operatorname{{gelu}}({0})"
    code = "gelu({0})"
    helper = """
def gelu(x):
    u = np.clip(x, -10, 10)  # tanh is 1 or -1 long before, and a larger cube might overflow
    return 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (u + 0.044715 * u**3)))
"""

    def value(self, xp: Any, x: Any) -> Any:
        u = xp.minimum(xp.maximum(x, -_GELU_HELD), _GELU_HELD)
        t = xp.tanh(_GELU_SCALE * (u + _GELU_CUBE * (u * u * u)))
        return x * (0.5 * (1.0 + t))

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        u = clip(x, -_GELU_HELD, _GELU_HELD)
        t = tanh(_GELU_SCALE * (u + _GELU_CUBE * (u * u * u)))
        slope = _GELU_SCALE * (1.0 + 3.0 * _GELU_CUBE * (u * u))
        return (g * (0.5 * (1.0 + t) + 0.5 * u * (1.0 - t * t) * slope),)

    def entry(self, sp: Any, x: Any) -> Any:
        inner = sp.sqrt(2 / sp.pi) * (x + sp.Rational(44715, 1000000) * x**3)
        return x / 2 * (1 + sp.tanh(inner))

    def onnx_attributes(self) -> dict[str, Any]:
        return {"approximate": "tanh"}


tanh = unary(Tanh, np.tanh)
sigmoid = unary(Sigmoid)
softplus = unary(Softplus)
relu = unary(Relu)
silu = unary(Silu)
gelu = unary(Gelu)
_leaky_relu, _elu = once_of_one(LeakyRelu), once_of_one(Elu)


@public
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """y = x where x > 0, else slope · x."""
    return _leaky_relu(float(slope))(x)


@public
def elu(x: Any, alpha: float = 1.0) -> Any:
    """y = x where x > 0, else alpha (e^x - 1)."""
    return _elu(float(alpha))(x)


def linear(x: Tensor) -> Tensor:
    """y = x: no activation at all."""
    return x
