"""The losses of the estimators: sums over outputs, means over rows.

scikit-learn weighs a row with several outputs so, and chainrule's own losses average over them;
with one output they are the same. The squares are halved, so that their gradient is p - t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.estimators.seen import LEAST_SPREAD
from chainrule.graph.op import Array
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.nn.losses import NAMED, Loss, huber_loss
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


def bent(bend: Array | float) -> Loss:
    """Huber's loss over min(1, bend), where the bend is in the unit that training has.

    There is one bend for all outputs, or one for each. Slopes are of about size 1 for any: near 0
    it is ``mean_absolute_error``, and far above 1 half of ``mean_squared_error``. With slopes of
    size ``bend``, of a small one no epoch would gain as much as ``tol``, and ``alpha`` would weigh
    more than the rows.
    """
    return Loss("huber", _Bent(tuple(np.ravel(bend).tolist())))


@dataclass(frozen=True)
class _Bent:
    bend: tuple[float, ...]

    def __call__(self, p: Any, t: Any) -> Any:
        if len(self.bend) == 1:
            return huber_loss(self.bend[0]).entries(p, t) * (1 / min(1.0, self.bend[0]))
        return huber_loss(self.bend).entries(p, t) / np.minimum(1.0, self.bend).astype(p.dtype)


def usual_distance(t: Any, w: Any) -> Array:
    """A standard deviation of each target (n, outputs) that outliers do not move: 1.4826 MAD.

    MAD is the median of the distances from the output's median, rows counted w times. Where half
    of them or more are 0, it is their root mean square; NaN where all its targets are equal.

    Source: Hampel (1974), The influence curve and its role in robust estimation.
    """
    t = np.asarray(t, dtype=np.float64)
    w = np.ones(len(t)) if w is None else np.asarray(w, dtype=np.float64)
    middle = np.array([_median(column, w) for column in t.T])
    distances, least = np.abs(t - middle), LEAST_SPREAD * np.abs(middle)
    found = 1.4826 * np.array([_median(column, w) for column in distances.T])
    square = w @ np.square(distances) / max(w.sum(), 1e-300)
    found = np.where(found > least, found, np.sqrt(square))
    return np.where((found > least) & np.isfinite(found), found, np.nan)


def _median(numbers: Any, w: Any) -> float:
    """The median of numbers that count w times each; halfway where two share the middle."""
    order = np.argsort(numbers)
    below = np.cumsum(w[order])
    half = below[-1] / 2
    low, high = np.searchsorted(below, half, "left"), np.searchsorted(below, half, "right")
    last = len(numbers) - 1
    return float((numbers[order[min(low, last)]] + numbers[order[min(high, last)]]) / 2)


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
