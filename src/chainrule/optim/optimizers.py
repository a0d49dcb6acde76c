"""Optimizers: from a gradient to new parameters. Each is a pair: ``init`` and ``step``.

``step`` builds graph, on one vector θ of all parameters: (θ, g, state, rate) to (new θ, new state).
So an update belongs to the planned training step, and runs on any engine. The rate is an input of
the graph: it may change between steps without retracing. Every trajectory equals PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import OptionError, Teaching, unknown_name
from chainrule.graph.op import Array
from chainrule.graph.tensor import Tensor
from chainrule.ops.arithmetic import square
from chainrule.ops.cast import astype
from chainrule.ops.choice import clip, minimum
from chainrule.ops.exponential import sqrt
from chainrule.ops.reduce import norm
from chainrule.settings import whole_number

State = Mapping[str, Tensor]


@dataclass
class Optimizer(metaclass=Teaching):
    """What optimizers share.

    Args:
        learning_rate: the size of a step. It may be changed between epochs.
        weight_decay: λ; adds λθ to the gradient (as the penalty λ/2 Σθ² would).
        clip_norm: scale the gradient down to this length (√Σg²) where it is longer.
        clip_value: hold every entry of the gradient within ± this.

    Raises:
        OptionError: a setting that is not a finite number, or out of range.
    """

    #: What other libraries' options are here.
    elsewhere: ClassVar[Mapping[str, str]] = {
        "lr": "Write learning_rate=0.01.",
        "eps": "Write epsilon=1e-8.",
        "betas": "Write beta1=0.9, beta2=0.999.",
        "params": "fit gives it the parameters of its network.",
    }
    learning_rate: float
    weight_decay: float = field(default=0.0, kw_only=True)
    clip_norm: float | None = field(default=None, kw_only=True)
    clip_value: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is None and entry.default is None:
                continue
            is_switch = isinstance(entry.default, bool)
            is_number = isinstance(value, Real) and (is_switch or not isinstance(value, bool))
            if not (is_number and math.isfinite(value)):
                _require(self, entry.name, False, "to be a finite number")
        _require(self, "learning_rate", self.learning_rate > 0, "above 0")
        _require(self, "weight_decay", self.weight_decay >= 0, "0 or more")
        # An epsilon of 0 would be 0/0 wherever a gradient is 0, as behind a relu that is off.
        for name in ("clip_norm", "clip_value", "epsilon"):
            bound = getattr(self, name, None)
            _require(self, name, bound is None or bound > 0, "above 0")

    def init(self, theta: Array) -> dict[str, Array]:
        """The state before the first step, for parameters ``theta``."""
        return {}

    def step(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The new parameters and the new state, as graph; ``g`` is prepared already."""
        raise NotImplementedError

    def update(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One step from the raw gradient: clipped, decayed, then ``step``."""
        g = self.clipped(g)
        if self.weight_decay and not isinstance(self, AdamW):
            g = g + self.weight_decay * theta
        return self.step(theta, g, state, rate)

    def clipped(self, g: Tensor) -> Tensor:
        """The gradient held within its bounds."""
        if self.clip_value is not None:
            g = clip(g, -self.clip_value, self.clip_value)
        if self.clip_norm is not None:
            # The 1e-6 is PyTorch's, so that a gradient of exactly 0 is no division by 0.
            g = g * minimum(self.clip_norm / (norm(g) + 1e-6), 1.0)
        return g


@dataclass
class SGD(Optimizer):
    """θ = θ - η g; with momentum μ: v = μ v + g, θ = θ - η v; Nesterov: θ = θ - η (g + μ v).

    Polyak (1964); Nesterov (1983) in the form of Sutskever et al. (2013).
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self, "momentum", 0 <= self.momentum < 1, "from 0 to below 1")
        if self.nesterov and not self.momentum:
            raise OptionError("SGD with nesterov=True needs a momentum, such as 0.9.")

    @property
    def is_plain(self) -> bool:
        """Whether the update is θ - η g and nothing else."""
        return not (self.momentum or self.weight_decay or self.clip_norm or self.clip_value)

    def init(self, theta: Array) -> dict[str, Array]:
        return {"velocity": np.zeros_like(theta)} if self.momentum else {}

    def step(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        rate = astype(rate, theta.dtype)
        if not self.momentum:
            return theta - rate * g, {}
        v = self.momentum * state["velocity"] + g
        direction = g + self.momentum * v if self.nesterov else v
        return theta - rate * direction, {"velocity": v}


@dataclass
class AdaGrad(Optimizer):
    """s = s + g², θ = θ - η g / (√s + ε).

    Duchi, Hazan & Singer (2011), Adaptive subgradient methods.
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10

    def init(self, theta: Array) -> dict[str, Array]:
        return {"squares": np.zeros_like(theta)}

    def step(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        squares = state["squares"] + square(g)
        change = g / (sqrt(squares) + self.epsilon)
        return theta - astype(rate, theta.dtype) * change, {"squares": squares}


@dataclass
class RMSProp(Optimizer):
    """s = ρ s + (1 - ρ) g², θ = θ - η g / (√s + ε).

    Tieleman & Hinton (2012), lecture 6.5 of Neural networks for machine learning.
    """

    learning_rate: float = 0.01
    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self, "decay", 0 <= self.decay < 1, "from 0 to below 1")

    def init(self, theta: Array) -> dict[str, Array]:
        return {"squares": np.zeros_like(theta)}

    def step(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        squares = self.decay * state["squares"] + (1 - self.decay) * square(g)
        change = g / (sqrt(squares) + self.epsilon)
        return theta - astype(rate, theta.dtype) * change, {"squares": squares}


@dataclass
class Adam(Optimizer):
    """m = β₁ m + (1-β₁) g, s = β₂ s + (1-β₂) g², θ = θ - η (m / (1-β₁ᵗ)) / (√(s / (1-β₂ᵗ)) + ε).

    Kingma & Ba (2015), Adam: a method for stochastic optimization. The state keeps m / (1-β₁) and
    s / (1-β₂), and the powers β₁ᵗ and β₂ᵗ: so all factors that are the same for every parameter
    meet in two numbers a step, and three passes over the parameters are saved.
    """

    learning_rate: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self, "beta1", 0 <= self.beta1 < 1, "from 0 to below 1")
        _require(self, "beta2", 0 <= self.beta2 < 1, "from 0 to below 1")

    def init(self, theta: Array) -> dict[str, Array]:
        return {
            "mean": np.zeros_like(theta),
            "squares": np.zeros_like(theta),
            "power1": np.ones(()),
            "power2": np.ones(()),
        }

    def step(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        power1, power2 = state["power1"] * self.beta1, state["power2"] * self.beta2
        m = state["mean"] * self.beta1 + g
        s = state["squares"] * self.beta2 + square(g)
        # √(s (1-β₂) / (1-β₂ᵗ)) + ε is c (√s + ε / c).
        c = sqrt((1 - self.beta2) / (1 - power2))
        size = astype(rate * ((1 - self.beta1) / (1 - power1)) / c, theta.dtype)
        change = m / (sqrt(s) + astype(self.over(c), theta.dtype)) * size
        theta = self.decayed(theta, rate) - change
        return theta, {"mean": m, "squares": s, "power1": power1, "power2": power2}

    def over(self, c: Tensor) -> Tensor:
        """What keeps √s off 0."""
        return self.epsilon / c

    def decayed(self, theta: Tensor, rate: Tensor) -> Tensor:
        """θ before the step: Adam's decay is in the gradient, AdamW's is here."""
        return theta


@dataclass
class AdamW(Adam):
    """Adam with θ = (1 - η λ) θ before each step, instead of λθ in the gradient.

    Loshchilov & Hutter (2019), Decoupled weight decay regularization.
    """

    weight_decay: float = field(default=0.01, kw_only=True)

    def decayed(self, theta: Tensor, rate: Tensor) -> Tensor:
        shrink: Tensor = astype(1 - rate * self.weight_decay, theta.dtype)
        return theta * shrink


@dataclass
class LBFGS(Optimizer):
    """Limited-memory BFGS on the whole data at once, through SciPy (L-BFGS-B).

    Every epoch is one iteration, with its own line search, so there is no learning rate to choose.
    Byrd, Lu, Nocedal & Zhu (1995), A limited memory algorithm for bound constrained optimization.

    Args:
        memory: how many past steps the curvature is estimated from.
        tolerance: stop where no entry of the gradient is larger.
        least_gain: stop where an iteration lowers the loss by less than this part of it.
        evaluations: how often the loss may be computed; None: 20 times an epoch, and 100.
    """

    learning_rate: float = 1.0
    memory: int = 10
    tolerance: float = 1e-8
    least_gain: float = 0.0
    evaluations: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("LBFGS", "memory", self.memory)
        _require(self, "tolerance", self.tolerance >= 0, "0 or more")
        _require(self, "least_gain", self.least_gain >= 0, "0 or more")
        if self.evaluations is not None:
            whole_number("LBFGS", "evaluations", self.evaluations)
        if self.learning_rate != 1.0 or self.clip_norm or self.clip_value:
            raise OptionError(
                "LBFGS finds its own step: it takes no learning_rate and no clipping."
            )


NAMED: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}


def optimizer(spec: str | Optimizer) -> Optimizer:
    """An optimizer by name, with its default settings, or the optimizer given.

    Raises:
        OptionError: an unknown name, with the nearest one; or neither.
    """
    if isinstance(spec, Optimizer):
        return spec
    if isinstance(spec, str) and spec.lower() in NAMED:
        return NAMED[spec.lower()]()  # type: ignore[call-arg]
    if isinstance(spec, str):
        raise unknown_name("optimizer", spec, NAMED)
    raise OptionError(
        f"an optimizer is a name or an Optimizer such as cr.Adam(0.01), got {spec!r}."
    )


def _require(owner: Any, name: str, holds: bool, range_: str) -> None:
    if not holds:
        raise OptionError(
            f"{type(owner).__name__} needs {name} {range_}, got {getattr(owner, name)!r}."
        )
