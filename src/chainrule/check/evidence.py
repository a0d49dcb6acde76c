"""What is known before a mistake is named: their gradient, the true one, and how to ask for more.

The check gathers this; ``name_mistakes`` reads it. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.graph import Graph

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Direction:
    """The derivative of the loss along one direction in the space of one parameter.

    ``along`` has the parameter's shape; ``slope`` is its sum of products with the true gradient,
    known to ``error``; ``tolerance`` is how far theirs may be from it and still be right.
    """

    along: Array
    slope: float
    tolerance: float
    error: float = 0.0


@dataclass(frozen=True)
class Truth:
    """The true gradient of one parameter, as far as it is known.

    ``gradient`` and ``tolerance`` have the parameter's shape. An entry that was not looked at, or
    where the loss has a kink, is NaN in ``gradient``. ``tolerance`` is how far their entry may be
    from the true one and still be right: the error of ours, and the rounding of theirs.
    ``exact`` says that ours is good to rounding (from the recorded graph, or a complex step), and
    not the result of a difference. ``kinks`` marks the entries that were left out for a kink.
    """

    gradient: Array
    tolerance: Array
    exact: bool
    directions: tuple[Direction, ...] = ()
    kinks: NDArray[np.bool_] | None = None

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which entries are known."""
        return np.isfinite(self.gradient)

    @property
    def complete(self) -> bool:
        """Whether every entry is known."""
        return bool(self.known.all())


@dataclass(frozen=True)
class Conduct:
    """What was noticed while the functions were called.

    ``loss_writes`` and ``gradients_write`` name the arrays (parameters, or data that the function
    names) that a call changed in place. They were put back. ``loss_varies`` and
    ``gradients_vary``: two calls with the same arguments, and with the random numbers put back
    where they were, gave different results.
    """

    loss_writes: tuple[str, ...] = ()
    gradients_write: tuple[str, ...] = ()
    loss_varies: bool = False
    gradients_vary: bool = False


@dataclass(frozen=True)
class Evidence:
    """Everything that the naming of a mistake may use.

    Attributes:
        parameters: where the gradient was taken, in float64.
        theirs: what their backward pass gave, in float64 and in the shape in which it was given;
            axes of length 1 more or fewer than the parameter has are put right. None: not given.
        true: the true gradient.
        graph: the loss recorded on the parameters as named inputs, data as constants; not
            simplified, so that each node bears its line. None where it could not be recorded, or
            where the recording gave another loss or another gradient than calling it does.
        why_no_graph: the reason, if ``graph`` is None.
        loss: the loss at ``parameters``.
        loss_at: the loss at other parameters (a dict of all of them).
        gradients_at: their gradients at other parameters; None where only arrays were given.
            The loss is called first, as a forward pass before a backward pass.
        eps: the relative rounding error of what theirs was computed in (1.2e-7 for float32).
        conduct: what was noticed on the way.
        functions: their functions, the loss first: whose source may be quoted.
    """

    parameters: Mapping[str, Array]
    theirs: Mapping[str, Array | None]
    true: Mapping[str, Truth]
    graph: Graph | None
    why_no_graph: str
    loss: float
    loss_at: Callable[[Mapping[str, Array]], float]
    gradients_at: Callable[[Mapping[str, Array]], dict[str, Array | None] | None]
    eps: float = float(np.finfo(np.float64).eps)
    conduct: Conduct = field(default_factory=Conduct)
    functions: tuple[Callable[..., Any], ...] = ()
