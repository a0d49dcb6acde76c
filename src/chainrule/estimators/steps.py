"""SGD and Adam in the forms that scikit-learn's networks have them, so that numbers agree.

They differ from chainrule's own where the rate changes while there is momentum, and where gradients
are as small as Adam's ε.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.graph.tensor import Tensor
from chainrule.ops.cast import astype
from chainrule.optim.optimizers import SGD, Adam, State


@dataclass
class MomentumOfSteps(SGD):
    """v = μ v - η g, θ = θ + v; Nesterov: θ = θ + μ v - η g.

    Sutskever et al. (2013). The rate is inside the velocity: a smaller one makes the steps smaller
    little by little.
    """

    def step(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        down = astype(rate, theta.dtype) * g
        v = self.momentum * state["velocity"] - down
        change = self.momentum * v - down if self.nesterov else v
        return theta + change, {"velocity": v}


@dataclass
class AdamWithLateCorrection(Adam):
    """θ = θ - η' m / (√s + ε), with η' = η √(1-β₂ᵗ) / (1-β₁ᵗ), and m, s as they are.

    Kingma & Ba (2015), at the end of section 2: both corrections are in the rate, so ε counts for
    more in the first steps.
    """

    def over(self, c: Tensor) -> Tensor:
        # The state keeps s / (1-β₂).
        return c * 0.0 + self.epsilon / math.sqrt(1 - self.beta2)
