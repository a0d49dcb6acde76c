"""Weight decay as part of an optimizer's state: each network of a population has its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.graph.op import Array
from chainrule.graph.tensor import Tensor
from chainrule.ops.cast import astype
from chainrule.optim.optimizers import Adam, AdamW, Optimizer, State


@dataclass
class OwnDecay(Optimizer):
    """``inner``, with λ read from the state ``decay`` in place of the optimizer's own number.

    λθ is added to the gradient, or for AdamW taken from θ before the step, as ever.
    """

    inner: Optimizer = field(kw_only=True)

    def __post_init__(self) -> None:
        """Nothing to check: the inner optimizer was."""

    def init(self, theta: Array) -> dict[str, Array]:
        return {**self.inner.init(theta), "decay": np.array(self.weight_decay)}

    def update(
        self, theta: Tensor, g: Tensor, state: State, rate: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        g, decay = self.inner.clipped(g), state["decay"]
        if isinstance(self.inner, AdamW):
            theta = theta * astype(1 - rate * decay, theta.dtype)
        else:
            g = g + astype(decay, theta.dtype) * theta
        theta, new = _without_decay(self.inner).step(theta, g, state, rate)
        return theta, {**new, "decay": decay}


def _without_decay(inner: Optimizer) -> Optimizer:
    if not isinstance(inner, AdamW):
        return replace(inner, weight_decay=0.0)
    return Adam(inner.learning_rate, inner.beta1, inner.beta2, inner.epsilon)
