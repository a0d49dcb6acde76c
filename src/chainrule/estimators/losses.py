"""The losses of the estimators: sums over outputs, means over rows.

scikit-learn weighs a row with several outputs so, and chainrule's own losses average over them;
with one output they are the same. The squares are halved, so that their gradient is p - t.
"""

from __future__ import annotations

from typing import Any

from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.nn.losses import NAMED, Loss
from chainrule.nn.losses import loss as named_loss
from chainrule.ops.arithmetic import square
from chainrule.ops.exponential import times_log
from chainrule.ops.reduce import sum


def _labels(p: Any, t: Any) -> Any:
    return sum(NAMED["binary_cross_entropy"].entries(p, t), -1)


def _half_squares(p: Any, t: Any) -> Any:
    return sum(0.5 * square(p - t), -1)


def _poisson(p: Any, t: Any) -> Any:
    """t ln(t / p) - t + p; where p = e^z, ln p is z itself."""
    by_log = isinstance(p, Tensor) and came_from(p, "exp")
    log_p = t * p.inputs[0] if by_log else times_log(t, p)
    return sum(times_log(t, t) - log_p - t + p, -1)


#: For several labels a row, each by itself.
LABELS = Loss("log_loss", _labels, "probability")
HALF_SQUARES = Loss("squared_error", _half_squares)
POISSON = Loss("poisson", _poisson)


def classifier_loss(spec: Any, outputs: int, kind: str) -> Loss:
    """The loss named "log_loss" for these outputs, or any loss of chainrule's.

    Raises:
        OptionError: an unknown name, with the nearest one; or neither name nor function.
    """
    if spec != "log_loss":
        return named_loss(spec)
    if kind == "multilabel":
        return LABELS
    return NAMED["binary_cross_entropy" if outputs == 1 else "cross_entropy"]


def regressor_loss(spec: Any) -> Loss:
    """The loss named "squared_error" or "poisson", or any loss of chainrule's.

    Raises:
        OptionError: an unknown name, with the nearest one; or neither name nor function.
    """
    own = {"squared_error": HALF_SQUARES, "poisson": POISSON}
    if isinstance(spec, str) and spec in own:
        return own[spec]
    return named_loss(spec)
